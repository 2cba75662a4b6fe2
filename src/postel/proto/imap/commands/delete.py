"""DELETE.

Implements  RFC 9051 6.3.5.
Gives       Delete, read_delete.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.names import MailboxName


@dataclass(frozen=True, slots=True)
class Delete(Command):
    """A mailbox goes."""

    mailbox: MailboxName


def read_delete(cursor: Cursor) -> Delete:
    """A name."""
    cursor.space()
    return Delete(cursor.mailbox())
