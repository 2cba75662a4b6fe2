"""CANCELUPDATE.

Implements  RFC 5267 4.3.
Gives       CancelUpdate, read_cancel_update.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand


@dataclass(frozen=True, slots=True)
class CancelUpdate(Command):
    """The searches with these tags are kept up to date no longer."""

    tags: tuple[bytes, ...]


def read_cancel_update(cursor: Cursor) -> CancelUpdate:
    """One or more tags in quotes."""
    tags: list[bytes] = []
    while cursor.skip(b" ") and not cursor.at_end and len(tags) < 1000:
        tags.append(cursor.string())
    if not tags:
        raise BadCommand("a tag in quotes is expected")
    return CancelUpdate(tuple(tags))
