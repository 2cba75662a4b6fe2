"""MYRIGHTS.

Implements  RFC 4314 3.5.
Gives       MyRights, read_my_rights.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.names import MailboxName


@dataclass(frozen=True, slots=True)
class MyRights(Command):
    """What may the user do with a mailbox?"""

    mailbox: MailboxName


def read_my_rights(cursor: Cursor) -> MyRights:
    """A name."""
    cursor.space()
    return MyRights(cursor.mailbox())
