"""SETMETADATA.

Implements  RFC 5464 4.3.
Gives       SetMetadata, read_set_metadata.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.commands.get_metadata import read_entry, read_place
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.names import MailboxName


@dataclass(frozen=True, slots=True)
class SetMetadata(Command):
    """Annotations to set; None takes one away. Of the server where the mailbox is None."""

    mailbox: MailboxName | None
    values: tuple[tuple[str, bytes | None], ...]


def read_set_metadata(cursor: Cursor) -> SetMetadata:
    """A mailbox, and entries with their values in parentheses."""
    cursor.space()
    mailbox = read_place(cursor)
    cursor.space()
    return SetMetadata(mailbox, tuple(cursor.listed(lambda: _read_pair(cursor), most=100)))


def _read_pair(cursor: Cursor) -> tuple[str, bytes | None]:
    entry = read_entry(cursor)
    cursor.space()
    if cursor.is_at(b"~"):
        return entry, cursor.literal(allows_nul=True)
    return entry, cursor.nstring()
