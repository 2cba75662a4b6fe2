"""UNSUBSCRIBE.

Implements  RFC 9051 6.3.8.
Gives       Unsubscribe, read_unsubscribe.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.names import MailboxName


@dataclass(frozen=True, slots=True)
class Unsubscribe(Command):
    """A name leaves the subscribed ones."""

    mailbox: MailboxName


def read_unsubscribe(cursor: Cursor) -> Unsubscribe:
    """A name."""
    cursor.space()
    return Unsubscribe(cursor.mailbox())
