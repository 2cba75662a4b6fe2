"""What SEARCH, SORT, THREAD and ESEARCH found.

Implements  RFC 3501 7.2.5, RFC 9051 7.3.4 (ESEARCH), RFC 7162 3.1.6 (MODSEQ), RFC 5256 4 (SORT, THREAD), RFC 5267 3 and
            4.3 (ADDTO, REMOVEFROM), RFC 6203 4 (RELEVANCY), RFC 7377 2.1 (MAILBOX), RFC 9394 3.1 (PARTIAL).
Gives       search, sort, thread, esearch, Found, Source, ordered_set, Node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from postel.proto.imap.responses.strings import mailbox
from postel.proto.imap.sequences import Partial, UidSet


def search(numbers: Iterable[int], modseq: int | None = None) -> bytes:
    """SEARCH: numbers or UIDs, and the highest mod-sequence of what was found by one."""
    tail = b"" if modseq is None else b" (MODSEQ %d)" % modseq
    return b"* SEARCH%b%b\r\n" % (b"".join(map(b" %d".__mod__, numbers)), tail)


def sort(numbers: Iterable[int], modseq: int | None = None) -> bytes:
    """SORT: the same in its order."""
    tail = b"" if modseq is None else b" (MODSEQ %d)" % modseq
    return b"* SORT%b%b\r\n" % (b"".join(map(b" %d".__mod__, numbers)), tail)


@dataclass(frozen=True, slots=True)
class Source:
    """RFC 7377 2.1: where the messages of an ESEARCH response are."""

    mailbox: str
    uid_validity: int
    is_utf8: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an ESEARCH response says; what is None is not said.

    all        a set as octets: UidSet.format(), or ordered_set() of a SORT; empty: nothing was found.
    partial    a window, and what is in it; empty: nothing.
    """

    min: int | None = None
    max: int | None = None
    count: int | None = None
    all: bytes | None = None
    partial: tuple[Partial, bytes] | None = None
    modseq: int | None = None
    relevancy: Sequence[int] | None = None
    added: Sequence[tuple[int, bytes]] = ()  # position (0: any), set
    removed: Sequence[tuple[int, bytes]] = ()


def esearch(tag: bytes | None, found: Found, *, uid: bool, source: Source | None = None) -> bytes:
    """ESEARCH for the command with this tag."""
    about: list[bytes] = []
    if tag is not None:
        about.append(b'TAG "%b"' % tag)
    if source is not None:
        name = mailbox(source.mailbox, is_utf8=source.is_utf8)
        about.append(b"MAILBOX %b UIDVALIDITY %d" % (name, source.uid_validity))
    correlator = b" (%b)" % b" ".join(about) if about else b""
    return b"* ESEARCH%b%b%b\r\n" % (correlator, b" UID" if uid else b"", b"".join(_data(found)))


def _data(found: Found) -> Iterator[bytes]:
    """RFC 9051 7.3.4: MIN, MAX and ALL are left out where nothing was found."""
    numbers = ((b"MIN", found.min), (b"MAX", found.max), (b"COUNT", found.count))
    yield from (b" %b %d" % (name, value) for name, value in numbers if value is not None)
    if found.all:
        yield b" ALL %b" % found.all
    if found.partial is not None:
        window, numbers_in_it = found.partial
        yield b" PARTIAL (%b %b)" % (window.format(), numbers_in_it or b"NIL")
    if found.relevancy is not None:
        yield b" RELEVANCY (%b)" % b" ".join(map(b"%d".__mod__, found.relevancy))
    for name, changes in ((b"ADDTO", found.added), (b"REMOVEFROM", found.removed)):
        if changes:
            yield b" %b (%b)" % (name, b" ".join(b"%d %b" % change for change in changes))
    if found.modseq is not None:
        yield b" MODSEQ %d" % found.modseq


def ordered_set(numbers: Iterable[int]) -> bytes:
    """Numbers in an order that counts, as a sequence set: runs that ascend become ranges (RFC 5267 3.1)."""
    parts: list[bytes] = []
    low = high = 0
    for number in numbers:
        if low and number == high + 1:
            high = number
            continue
        if low:
            parts.append(_run(low, high))
        low = high = number
    if low:
        parts.append(_run(low, high))
    return b",".join(parts)


def _run(low: int, high: int) -> bytes:
    return b"%d" % low if low == high else b"%d:%d" % (low, high)


def ascending_set(numbers: Iterable[int]) -> bytes:
    """Ascending numbers as a sequence set."""
    return UidSet.of(numbers).format()


Node: TypeAlias = tuple[int | None, Sequence["Node"]]
"""A message (None: one that is missing) and the answers to it."""


def thread(forest: Sequence[Node]) -> bytes:
    """THREAD. However long a conversation is, the stack is not."""
    parts: list[bytes] = []
    todo: list[bytes | Node] = [*reversed(forest)]
    while todo:
        item = todo.pop()
        if isinstance(item, bytes):
            parts.append(item)
        else:
            _write_thread(item, parts, todo)
    made = b"".join(parts)
    return b"* THREAD%b%b\r\n" % (b" " if made else b"", made)


def _write_thread(node: Node, parts: list[bytes], todo: list[bytes | Node]) -> None:
    """RFC 5256 4, thread-list: members in a row, then, where it branches, lists within."""
    members: list[bytes] = []
    number, children = node
    while True:
        if number is not None:
            members.append(b"%d" % number)
        if len(children) != 1:
            break
        number, children = children[0]
    if not members and not children:
        return
    parts.append(b"(" + b" ".join(members))
    if members and children:
        parts.append(b" ")
    todo.append(b")")
    todo.extend(reversed(children))
