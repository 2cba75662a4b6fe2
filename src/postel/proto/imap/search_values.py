"""What SEARCH, SORT and THREAD speak of: the tree of a search program, and what is wanted of what it finds.

Implements  RFC 9051 6.4.4 (search keys, RETURN), RFC 5032, 5256, 5267, 5466, 5957, 6203, 7162 3.1.5, 8474 6, 8514 4.3,
            9394 3.1.
Gives       SearchKey and its kinds, ALL, leaves_of; ReturnOption, Returns; SortField, SortKey, ThreadAlgorithm.
Not here    Reading them: commands.search_keys. What matches: whoever has the messages.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from postel.proto.imap.sequences import Partial, SequenceSet
from postel.proto.imap.values import FetchItem


@dataclass(frozen=True, slots=True)
class And:
    """All of these; of none: every message (ALL)."""

    keys: tuple[SearchKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """One of these two, or both."""

    one: SearchKey
    other: SearchKey


@dataclass(frozen=True, slots=True)
class Not:
    """Every message that is not found by the key."""

    key: SearchKey


@dataclass(frozen=True, slots=True)
class HasFlag:
    r"""A system flag (\Seen), a keyword, or \Recent. RFC 9051 2.3.2: case does not matter."""

    flag: bytes


@dataclass(frozen=True, slots=True)
class InHeader:
    """Fields of this name hold the text; an empty text: the field is there. FROM, TO, CC, BCC, SUBJECT, HEADER."""

    field: bytes
    text: str


@dataclass(frozen=True, slots=True)
class InBody:
    """BODY: the text is in the body."""

    text: str


@dataclass(frozen=True, slots=True)
class InText:
    """TEXT: the text is in the header or the body."""

    text: str


class DateOf(enum.Enum):
    """Which date is looked at."""

    INTERNAL = enum.auto()
    SENT = enum.auto()  # the Date field, time and zone disregarded
    SAVED = enum.auto()  # RFC 8514 4.3


class Order(enum.Enum):
    """How it is compared."""

    BEFORE = enum.auto()
    ON = enum.auto()
    SINCE = enum.auto()


@dataclass(frozen=True, slots=True)
class Dated:
    """BEFORE, ON, SINCE, SENTBEFORE ... SAVEDSINCE."""

    of: DateOf
    order: Order
    date: datetime.date


@dataclass(frozen=True, slots=True)
class Within:
    """RFC 5032: YOUNGER (at most so old by its internal date) or OLDER (at least)."""

    seconds: int
    is_younger: bool


@dataclass(frozen=True, slots=True)
class Sized:
    """LARGER or SMALLER than so many octets."""

    size_bytes: int
    is_larger: bool


@dataclass(frozen=True, slots=True)
class Numbered:
    """A sequence set, or UID and a set; `$` too."""

    numbers: SequenceSet
    is_uid: bool


@dataclass(frozen=True, slots=True)
class ModifiedSince:
    """RFC 7162 3.1.5: MODSEQ, of the whole message or of one flag's entry (`priv`, `shared`, `all`)."""

    modseq: int
    entry: str | None = None
    entry_type: str | None = None


@dataclass(frozen=True, slots=True)
class HasObjectId:
    """RFC 8474 6: EMAILID or THREADID."""

    object_id: str
    is_thread: bool


@dataclass(frozen=True, slots=True)
class SaveDateSupported:
    """RFC 8514 4.3: the mailbox keeps save dates."""


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """RFC 6203: the key, roughly."""

    key: SearchKey


@dataclass(frozen=True, slots=True)
class Filtered:
    """RFC 5466 3.1: the key that is stored under this name."""

    name: str


@dataclass(frozen=True, slots=True)
class InUnknownCharset:
    """A program whose texts cannot be read: it is to be refused (BADCHARSET, which names what is `known`)."""

    known: tuple[str, ...]


SearchKey: TypeAlias = (
    And
    | Or
    | Not
    | HasFlag
    | InHeader
    | InBody
    | InText
    | Dated
    | Within
    | Sized
    | Numbered
    | ModifiedSince
    | HasObjectId
    | SaveDateSupported
    | Fuzzy
    | Filtered
    | InUnknownCharset
)

ALL: Final = And()


def leaves_of(key: SearchKey) -> Iterator[SearchKey]:
    """The keys that a program is put together of, in order. However deep it is: its reader has a limit."""
    match key:
        case And(keys):
            for part in keys:
                yield from leaves_of(part)
        case Or(one, other):
            yield from leaves_of(one)
            yield from leaves_of(other)
        case Not(part) | Fuzzy(part):
            yield from leaves_of(part)
        case _:
            yield key


class ReturnOption(enum.Enum):
    """What SEARCH, SORT and ESEARCH are to give (RFC 9051 6.4.4)."""

    MIN = b"MIN"
    MAX = b"MAX"
    ALL = b"ALL"
    COUNT = b"COUNT"
    SAVE = b"SAVE"
    RELEVANCY = b"RELEVANCY"  # RFC 6203 4
    UPDATE = b"UPDATE"  # RFC 5267 4.3
    CONTEXT = b"CONTEXT"  # RFC 5267 4.2
    PARTIAL = b"PARTIAL"  # RFC 5267 4.4, RFC 9394 3.1


@dataclass(frozen=True, slots=True)
class Returns:
    """RETURN (...): the answer is an ESEARCH response. Without any option: ALL.

    items    what is fetched of a new message that joins what was found, with UPDATE (RFC 5465 7).
    """

    options: frozenset[ReturnOption]
    partial: Partial | None = None
    items: tuple[FetchItem, ...] = ()


class SortField(enum.Enum):
    """RFC 5256 3, RFC 5957 3, RFC 6203 5."""

    ARRIVAL = b"ARRIVAL"
    CC = b"CC"
    DATE = b"DATE"
    FROM = b"FROM"
    SIZE = b"SIZE"
    SUBJECT = b"SUBJECT"
    TO = b"TO"
    DISPLAYFROM = b"DISPLAYFROM"
    DISPLAYTO = b"DISPLAYTO"
    RELEVANCY = b"RELEVANCY"


@dataclass(frozen=True, slots=True)
class SortKey:
    """One criterion."""

    field: SortField
    is_reverse: bool = False


class ThreadAlgorithm(enum.Enum):
    """RFC 5256 3."""

    ORDEREDSUBJECT = b"ORDEREDSUBJECT"
    REFERENCES = b"REFERENCES"
