"""RENAME.

Implements  RFC 9051 6.3.6.
Gives       Rename, read_rename.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.names import MailboxName


@dataclass(frozen=True, slots=True)
class Rename(Command):
    """A mailbox, and those below it, get another name."""

    mailbox: MailboxName
    new_name: MailboxName


def read_rename(cursor: Cursor) -> Rename:
    """Two names."""
    cursor.space()
    mailbox = cursor.mailbox()
    cursor.space()
    return Rename(mailbox, cursor.mailbox())
