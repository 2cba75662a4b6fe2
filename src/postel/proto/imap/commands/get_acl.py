"""GETACL.

Implements  RFC 4314 3.3.
Gives       GetAcl, read_get_acl.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.names import MailboxName


@dataclass(frozen=True, slots=True)
class GetAcl(Command):
    """Who may do what with a mailbox?"""

    mailbox: MailboxName


def read_get_acl(cursor: Cursor) -> GetAcl:
    """A name."""
    cursor.space()
    return GetAcl(cursor.mailbox())
