"""STATUS.

Implements  RFC 9051 6.3.11, RFC 8438 (SIZE), RFC 7162 3.1.7, RFC 7889 3.2, RFC 8474 4.3, RFC 9208 4.1.4.
Gives       Status, read_status, read_status_items.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand
from postel.proto.imap.names import MailboxName
from postel.proto.imap.values import StatusItem

_ITEMS = {item.value: item for item in StatusItem}
_NEEDS = {
    StatusItem.HIGHESTMODSEQ: "CONDSTORE",
    StatusItem.APPENDLIMIT: "APPENDLIMIT",
    StatusItem.MAILBOXID: "OBJECTID",
    StatusItem.SIZE: "STATUS=SIZE",
    StatusItem.DELETED_STORAGE: "QUOTA=RES-STORAGE",
}


@dataclass(frozen=True, slots=True)
class Status(Command):
    """Facts of a mailbox that need not be selected, in the order asked for."""

    mailbox: MailboxName
    items: tuple[StatusItem, ...]


def read_status(cursor: Cursor) -> Status:
    """A name and a list of items."""
    cursor.space()
    mailbox = cursor.mailbox()
    cursor.space()
    return Status(mailbox, read_status_items(cursor))


def read_status_items(cursor: Cursor) -> tuple[StatusItem, ...]:
    """Items in parentheses."""

    def read_one() -> StatusItem:
        item = cursor.word(_ITEMS, "status item")
        if item in _NEEDS and not cursor.knows(_NEEDS[item]):
            raise BadCommand("unknown status item")
        return item

    return tuple(dict.fromkeys(cursor.listed(read_one, most=50)))
