"""GETQUOTAROOT.

Implements  RFC 9208 4.1.2.
Gives       GetQuotaRoot, read_get_quota_root.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.names import MailboxName


@dataclass(frozen=True, slots=True)
class GetQuotaRoot(Command):
    """Which quota roots hold for a mailbox?"""

    mailbox: MailboxName


def read_get_quota_root(cursor: Cursor) -> GetQuotaRoot:
    """A name."""
    cursor.space()
    return GetQuotaRoot(cursor.mailbox())
