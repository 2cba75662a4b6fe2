"""SORT and UID SORT.

Implements  RFC 5256 3, RFC 5267 3 (ESORT), RFC 5957 3 (DISPLAYFROM, DISPLAYTO), RFC 6203 5 (RELEVANCY).
Gives       Sort, read_sort, read_uid_sort.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.commands.search_keys import read_charset, read_keys, read_returns
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand
from postel.proto.imap.search_values import (
    Returns,
    SearchKey,
    SortField,
    SortKey,
)


@dataclass(frozen=True, slots=True)
class Sort(Command):
    """What the key finds, in this order; messages that are equal, by their sequence numbers.

    returns    None: the answer is a SORT response; else an ESEARCH response with these.
    """

    order: tuple[SortKey, ...]
    key: SearchKey
    returns: Returns | None = None
    uid: bool = False


_FIELDS = {field.value: field for field in SortField}
_NEEDS = {
    SortField.DISPLAYFROM: "SORT=DISPLAY",
    SortField.DISPLAYTO: "SORT=DISPLAY",
    SortField.RELEVANCY: "SEARCH=FUZZY",
}


def read_sort(cursor: Cursor) -> Sort:
    """[RETURN options] (order) charset keys."""
    return _read(cursor, uid=False)


def read_uid_sort(cursor: Cursor) -> Sort:
    """The same; the answer is in UIDs."""
    return _read(cursor, uid=True)


def _read(cursor: Cursor, *, uid: bool) -> Sort:
    cursor.space()
    returns = None
    if cursor.knows("ESORT") and cursor.skip_word(b"RETURN"):
        returns = read_returns(cursor)
        cursor.space()
    order = tuple(cursor.listed(lambda: _read_criterion(cursor), most=50))
    cursor.space()
    charset = read_charset(cursor)
    cursor.space()
    return Sort(order, read_keys(cursor, charset), returns, uid)


def _read_criterion(cursor: Cursor) -> SortKey:
    is_reverse = cursor.skip_word(b"REVERSE")
    field = cursor.word(_FIELDS, "sort criterion")
    if field in _NEEDS and not cursor.knows(_NEEDS[field]):
        raise BadCommand("unknown sort criterion")
    return SortKey(field, is_reverse)
