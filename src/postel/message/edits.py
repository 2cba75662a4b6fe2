"""Changes to a content, made while it streams by: everything that no edit is about goes through octet for octet.

Gives       Edit, Editor, HeaderEdit, Chain, Drop, LastLine.
Not here    Which edits: conversion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from postel.message.decoders import Transform
from postel.message.header import HeaderBlock


@dataclass(frozen=True, slots=True)
class Edit:
    """The octets from `start` to `end` go through what `make` makes. Edits are in order and do not overlap."""

    start: int
    end: int
    make: Callable[[], Transform]


class Editor:
    """Streams one content through its edits."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = edits
        self._next = 0
        self._at = 0  # in the content
        self._now: Transform | None = None  # of the edit that we are in

    def feed(self, octets: bytes) -> bytes:
        """The next octets, as they are to be. Costs O(len(octets) + edits begun)."""
        out: list[bytes] = []
        begin = 0
        while begin < len(octets):
            begin += self._step(octets, begin, out)
        return b"".join(out)

    def finish(self) -> bytes:
        """The content has ended."""
        return b"" if self._now is None else self._now.finish()

    def _step(self, octets: bytes, begin: int, out: list[bytes]) -> int:
        """Up to the next place where something changes; how many octets that is."""
        if self._next == len(self._edits):
            out.append(octets[begin:])
            return len(octets) - begin
        edit = self._edits[self._next]
        is_inside = self._at >= edit.start
        count = min((edit.end if is_inside else edit.start) - self._at, len(octets) - begin)
        piece = octets[begin : begin + count]
        self._at += count
        if not is_inside:
            out.append(piece)
            return count
        self._now = self._now or edit.make()
        out.append(self._now.feed(piece))
        if self._at >= edit.end:
            out.append(self._now.finish())
            self._now = None
            self._next += 1
        return count


class Chain:
    """One transform after another."""

    def __init__(self, first: Transform, second: Transform) -> None:
        self._first = first
        self._second = second

    def feed(self, octets: bytes) -> bytes:
        """Through both."""
        return self._second.feed(self._first.feed(octets))

    def finish(self) -> bytes:
        """Both end."""
        return self._second.feed(self._first.finish()) + self._second.finish()


class Drop:
    """Nothing comes out."""

    def feed(self, octets: bytes) -> bytes:
        """Gone."""
        return b""

    def finish(self) -> bytes:
        """Nothing."""
        return b""


class LastLine:
    """The last of all: what comes out ends in a CRLF, since lines of SMTP do (RFC 5321 4.1.1.4)."""

    def __init__(self, inner: Transform) -> None:
        self._inner = inner
        self._tail = b"\r\n"  # nothing needs no line end

    def feed(self, octets: bytes) -> bytes:
        """Through `inner`."""
        return self._note(self._inner.feed(octets))

    def finish(self) -> bytes:
        """With the CRLF that may be missing."""
        last = self._note(self._inner.finish())
        return last if self._tail == b"\r\n" else last + b"\r\n"

    def _note(self, out: bytes) -> bytes:
        if out:
            self._tail = (self._tail + out)[-2:] if len(out) < 2 else out[-2:]
        return out


@dataclass(slots=True)
class HeaderEdit:
    """A header with some of its fields changed.

    prefix      fields to put on top.
    replaced    octets of a field -> what stands there instead.
    encoding    the field that says the transfer encoding from now on: where the first such field was, or at the end;
                others of that name go. None: they stay as they are.
    appended    fields to put at the end.
    """

    prefix: bytes = b""
    replaced: Mapping[bytes, bytes] = field(default_factory=dict)
    encoding: bytes | None = None
    appended: bytes = b""
    _head: list[bytes] = field(default_factory=list)

    def feed(self, octets: bytes) -> bytes:
        """A header is changed when all of it is there; its size has a limit (MimeLimits.header_bytes)."""
        self._head.append(octets)
        return b""

    def finish(self) -> bytes:
        """The header as it is to be, with its empty line."""
        block = HeaderBlock.parse(b"".join(self._head))
        encoding = self.encoding
        out = [self.prefix]
        for one in block.fields:
            if self.encoding is not None and one.name.lower() == "content-transfer-encoding":
                out.append(encoding or b"")
                encoding = None
            else:
                out.append(self.replaced.get(one.raw, one.raw))
        return b"".join([*out, self.appended, encoding or b"", block.separator])
