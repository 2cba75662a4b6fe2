"""LSUB.

Implements  RFC 3501 6.3.9.
Gives       Lsub, read_lsub.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.commands.list import read_pattern
from postel.proto.imap.cursor import Cursor


@dataclass(frozen=True, slots=True)
class Lsub(Command):
    """Subscribed names that match a pattern below the reference."""

    reference: str
    pattern: str


def read_lsub(cursor: Cursor) -> Lsub:
    """A reference and a pattern."""
    cursor.space()
    reference = read_pattern(cursor)
    cursor.space()
    return Lsub(reference, read_pattern(cursor))
