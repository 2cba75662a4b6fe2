"""COMPARATOR.

Implements  RFC 5255 4.7.
Gives       Comparator, read_comparator.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor

_MOST = 50


@dataclass(frozen=True, slots=True)
class Comparator(Command):
    """The first of these collations that is known; none: which is in use?"""

    orders: tuple[str, ...] = ()


def read_comparator(cursor: Cursor) -> Comparator:
    """Any number of them."""
    orders: list[str] = []
    while cursor.skip(b" ") and not cursor.at_end and len(orders) < _MOST:
        orders.append(cursor.text_string())
    return Comparator(tuple(orders))
