"""APPEND: its head; the messages follow as events (upload).

Implements  RFC 9051 6.3.12, RFC 3502 (MULTIAPPEND), RFC 4469 (CATENATE).
Gives       Append, read_append.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.names import MailboxName


@dataclass(frozen=True, slots=True)
class Append(Command):
    """One or more messages for a mailbox: all of them, or none."""

    mailbox: MailboxName


def read_append(cursor: Cursor) -> Append:
    """The mailbox; what follows is read by upload."""
    cursor.space()
    return Append(cursor.mailbox())
