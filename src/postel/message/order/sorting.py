"""Sort messages as a client asks.

Implements  RFC 5256 3 (SORT criteria, REVERSE), RFC 5957 3 (DISPLAYFROM, DISPLAYTO).
Gives       SortCriterion, SortRow, sort_numbers, sort_columns.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

from postel.message.order.sorting_apart import sort_apart


class SortCriterion(enum.StrEnum):
    """What to sort by."""

    ARRIVAL = "ARRIVAL"
    CC = "CC"
    DATE = "DATE"
    FROM = "FROM"
    SIZE = "SIZE"
    SUBJECT = "SUBJECT"
    TO = "TO"
    DISPLAYFROM = "DISPLAYFROM"
    DISPLAYTO = "DISPLAYTO"


class SortRow(NamedTuple):
    """One message. Texts are keys as `Keys` has them; `sent_at` is the internal date where no Date was understood."""

    number: int
    arrival_at: float = 0.0
    cc: str = ""
    sent_at: float = 0.0
    from_: str = ""
    size_bytes: int = 0
    subject: str = ""
    to: str = ""
    display_from: str = ""
    display_to: str = ""


_VALUES: Final[Mapping[SortCriterion, Callable[[SortRow], Any]]] = {
    SortCriterion.ARRIVAL: attrgetter("arrival_at"),
    SortCriterion.CC: attrgetter("cc"),
    SortCriterion.DATE: attrgetter("sent_at"),
    SortCriterion.FROM: attrgetter("from_"),
    SortCriterion.SIZE: attrgetter("size_bytes"),
    SortCriterion.SUBJECT: attrgetter("subject"),
    SortCriterion.TO: attrgetter("to"),
    SortCriterion.DISPLAYFROM: attrgetter("display_from"),
    SortCriterion.DISPLAYTO: attrgetter("display_to"),
}


def sort_numbers(rows: Iterable[SortRow], program: Sequence[tuple[SortCriterion, bool]]) -> list[int]:
    """The numbers of the rows, which come in the order of the mailbox, sorted by each criterion in turn.

    Of each pair the second says whether it is reversed; that of the mailbox, which comes last, never is (RFC 5256 3).
    """
    found = list(rows)
    for criterion, is_reverse in reversed(program):
        # Sorting keeps the order of equals, reversed or not: the least of the criteria goes first.
        found = sort_apart(found, _VALUES[criterion], reverse=is_reverse)
    return [row.number for row in found]


def sort_columns(
    numbers: Sequence[int],
    columns: Mapping[SortCriterion, Sequence[float]],
    program: Sequence[tuple[SortCriterion, bool]],
) -> list[int]:
    """The same for criteria that are numbers: `columns` has for each of them that of each message, in their order."""
    found: Sequence[int] = range(len(numbers))
    for criterion, is_reverse in reversed(program):
        found = sort_apart(found, columns[criterion].__getitem__, reverse=is_reverse)
    return [numbers[place] for place in found]
