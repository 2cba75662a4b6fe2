"""LANGUAGE.

Implements  RFC 5255 3.2.
Gives       Language, read_language.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor

_MOST = 50


@dataclass(frozen=True, slots=True)
class Language(Command):
    """The first of these languages that is known; none: which are there?"""

    ranges: tuple[str, ...] = ()


def read_language(cursor: Cursor) -> Language:
    """Any number of them."""
    ranges: list[str] = []
    while cursor.skip(b" ") and not cursor.at_end and len(ranges) < _MOST:
        ranges.append(cursor.text_string())
    return Language(tuple(ranges))
