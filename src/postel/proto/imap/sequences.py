"""Sets of message numbers: as they are written, and as sets.

Implements  RFC 9051 9 (sequence-set), RFC 5182 2 ($), RFC 4315 3 (uid-set), RFC 9394 3 (partial-range).
Gives       SequenceSet, SAVED, UidSet, Partial, STAR; parse_sequence_set, parse_uid_set, parse_partial.

Numbers here are sequence numbers or UIDs alike. Nothing grows with the width of a range, only with their count.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from postel.mail import BadSyntax

STAR: Final = 1 << 32  # stands for `*`: above every number
RANGES_LIMIT: Final = 20_000
_SET: Final = re.compile(
    rb"(?:[1-9][0-9]{0,9}|\*)(?::(?:[1-9][0-9]{0,9}|\*))?(?:,(?:[1-9][0-9]{0,9}|\*)(?::(?:[1-9][0-9]{0,9}|\*))?)*"
)
_PARTIAL: Final = re.compile(
    rb"(?:([1-9][0-9]{0,9}):([1-9][0-9]{0,9})|-([1-9][0-9]{0,9}):-([1-9][0-9]{0,9}))"
)

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class UidSet:
    """A set of numbers as ranges: ascending, apart from each other, both ends within."""

    ranges: tuple[Range, ...] = ()
    _starts: list[int] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", [low for low, _ in self.ranges])

    @classmethod
    def of(cls, numbers: Iterable[int]) -> UidSet:
        """The set of these numbers, in any order."""
        return cls(tuple(_grouped(sorted(numbers))))

    @classmethod
    def covering(cls, ranges: Iterable[Range]) -> UidSet:
        """The set of all numbers in these ranges, which may overlap and lie in any order."""
        return cls(tuple(_merged(sorted(ranges))))

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        place = bisect_right(self._starts, number) - 1
        return place >= 0 and number <= self.ranges[place][1]

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(range(low, high + 1) for low, high in self.ranges)

    def __len__(self) -> int:
        return sum(high - low + 1 for low, high in self.ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __or__(self, other: UidSet) -> UidSet:
        return UidSet.covering(self.ranges + other.ranges)

    def __and__(self, other: UidSet) -> UidSet:
        return UidSet(tuple(_common(self.ranges, other.ranges)))

    def __sub__(self, other: UidSet) -> UidSet:
        return self & UidSet(tuple(_gaps(other.ranges)))

    @property
    def least(self) -> int:
        """The smallest number. Raises IndexError for the empty set."""
        return self.ranges[0][0]

    @property
    def largest(self) -> int:
        """The largest number. Raises IndexError for the empty set."""
        return self.ranges[-1][1]

    def format(self) -> bytes:
        """As responses write it; empty for the empty set, which has no form on the wire."""
        return b",".join(b"%d" % low if low == high else b"%d:%d" % (low, high) for low, high in self.ranges)


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """A set as a command writes it: ranges in their order, the smaller end first, STAR for `*`.

    is_saved    `$`: what the last SEARCH RETURN (SAVE) found (RFC 5182 2); `ranges` is empty then.
    """

    ranges: tuple[Range, ...]
    is_saved: bool = False

    def resolve(self, largest: int) -> UidSet:
        """The set, given the largest number in use; `*` in an empty mailbox (0) stands for nothing."""
        if largest == 0:
            return UidSet.covering(pair for pair in self.ranges if STAR not in pair)
        # RFC 9051 9: "*:4" and "4:*" are the same whichever is larger.
        ends = (
            (low if low != STAR else largest, high if high != STAR else largest) for low, high in self.ranges
        )
        return UidSet.covering((low, high) if low <= high else (high, low) for low, high in ends)

    @property
    def largest_named(self) -> int:
        """The largest number that is written out; 0 where there is none."""
        return max((end for pair in self.ranges for end in pair if end != STAR), default=0)

    def format(self) -> bytes:
        """As commands write it."""
        if self.is_saved:
            return b"$"
        return b",".join(
            _end(low) if low == high else b"%b:%b" % (_end(low), _end(high)) for low, high in self.ranges
        )


SAVED: Final = SequenceSet((), is_saved=True)


@dataclass(frozen=True, slots=True)
class Partial:
    """A window on a list of results, counted from 1; negative: from the end (RFC 9394 3.1)."""

    first: int
    last: int

    def cut(self, count: int) -> slice:
        """The part of `count` results, in their order, that lies in the window."""
        low, high = sorted((abs(self.first), abs(self.last)))
        if self.first > 0:
            return slice(low - 1, high)
        return slice(max(count - high, 0), max(count - low + 1, 0))

    def outward(self) -> Partial:
        """The same window, its end nearer to where is counted from named first (RFC 9394 3.1: 4:2 is 2:4)."""
        return self if abs(self.first) <= abs(self.last) else Partial(self.last, self.first)

    def format(self) -> bytes:
        """As it was asked for."""
        return b"%d:%d" % (self.first, self.last)


def parse_sequence_set(text: bytes) -> SequenceSet:
    """Raises BadSyntax, also for more than 20,000 ranges."""
    if text == b"$":
        return SAVED
    if not _SET.fullmatch(text):
        raise BadSyntax("a set of message numbers is expected")
    parts = text.split(b",")
    if len(parts) > RANGES_LIMIT:
        raise BadSyntax("too many ranges in a set")
    return SequenceSet(tuple(_read_range(part) for part in parts))


def parse_uid_set(text: bytes) -> UidSet:
    """A set without `*` and `$`. Raises BadSyntax."""
    found = parse_sequence_set(text)
    if found.is_saved or any(high == STAR for _, high in found.ranges):
        raise BadSyntax("a set of known UIDs is expected")
    return found.resolve(STAR - 1)


def parse_partial(text: bytes) -> Partial:
    """Raises BadSyntax."""
    match = _PARTIAL.fullmatch(text)
    if match is None:
        raise BadSyntax("a range of results is expected")
    if match[1]:
        return Partial(_number(match[1]), _number(match[2]))
    return Partial(-_number(match[3]), -_number(match[4]))


def _read_range(part: bytes) -> Range:
    low, colon, high = part.partition(b":")
    first = _number(low)
    if not colon:
        return first, first
    last = _number(high)
    return (first, last) if first <= last else (last, first)


def _number(digits: bytes) -> int:
    if digits == b"*":
        return STAR
    number = int(digits)
    if number >= STAR:
        raise BadSyntax("message numbers have 32 bits")
    return number


def _end(number: int) -> bytes:
    return b"*" if number == STAR else b"%d" % number


def _grouped(numbers: Iterable[int]) -> Iterator[Range]:
    """Ranges of ascending numbers."""
    low = high = None
    for number in numbers:
        if low is None or high is None:
            low = high = number
        elif number <= high + 1:
            high = number
        else:
            yield low, high
            low = high = number
    if low is not None and high is not None:
        yield low, high


def _merged(ranges: Iterable[Range]) -> Iterator[Range]:
    """Ranges sorted by their start, made one where they meet."""
    last: Range | None = None
    for low, high in ranges:
        if last is None:
            last = low, high
        elif low <= last[1] + 1:
            last = last[0], max(last[1], high)
        else:
            yield last
            last = low, high
    if last is not None:
        yield last


def _common(these: tuple[Range, ...], those: tuple[Range, ...]) -> Iterator[Range]:
    i = j = 0
    while i < len(these) and j < len(those):
        low, high = max(these[i][0], those[j][0]), min(these[i][1], those[j][1])
        if low <= high:
            yield low, high
        if these[i][1] < those[j][1]:
            i += 1
        else:
            j += 1


def _gaps(ranges: tuple[Range, ...]) -> Iterator[Range]:
    """All numbers that are in none of the ranges."""
    start = 0
    for low, high in ranges:
        if start < low:
            yield start, low - 1
        start = high + 1
    yield start, max(STAR, start)
