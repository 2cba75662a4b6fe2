"""SUBSCRIBE.

Implements  RFC 9051 6.3.7.
Gives       Subscribe, read_subscribe.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.names import MailboxName


@dataclass(frozen=True, slots=True)
class Subscribe(Command):
    """A name joins the subscribed ones."""

    mailbox: MailboxName


def read_subscribe(cursor: Cursor) -> Subscribe:
    """A name."""
    cursor.space()
    return Subscribe(cursor.mailbox())
