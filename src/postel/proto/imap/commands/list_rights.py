"""LISTRIGHTS.

Implements  RFC 4314 3.4.
Gives       ListRights, read_list_rights.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.names import MailboxName


@dataclass(frozen=True, slots=True)
class ListRights(Command):
    """Which rights can be granted to someone?"""

    mailbox: MailboxName
    identifier: str


def read_list_rights(cursor: Cursor) -> ListRights:
    """A mailbox and an identifier."""
    cursor.space()
    mailbox = cursor.mailbox()
    cursor.space()
    return ListRights(mailbox, cursor.text_string())
