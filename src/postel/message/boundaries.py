"""Find the boundaries of multiparts among the octets of bodies, fed in pieces of any size.

Implements  RFC 2046 5.1.1 (boundaries; the CRLF before one is part of it).
Gives       BoundaryScanner, OpenPart, LINE_HELD.
Not here    Headers, and what becomes of the parts: mime_reader, structure.outline.

A line is a boundary if it is `--`, the boundary, perhaps `--`, and blanks. RFC 2046 5.1.1 would be content with a line
that begins so; but then a boundary that begins like the one around it ends that, and mail programs do write such.

What is held back between two pieces is at most one line of LINE_HELD octets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, Generic, Protocol, TypeVar

LINE_HELD: Final = 1000  # octets: a longer line is no boundary (RFC 2046 5.1.1: 70 and a few)
_CR: Final = 13


class OpenPart(Protocol):
    """A part that has not ended.

    boundary        of a multipart whose boundaries are looked for; else empty.
    hidden_level    that of a multipart around it with the same boundary; -1: there is none.
    """

    boundary: bytes
    hidden_level: int


AnyPart = TypeVar("AnyPart", bound=OpenPart)


class BoundaryScanner(ABC, Generic[AnyPart]):
    """What a reader of parts knows of where it is.

    _buffer     the octets in hand, of which those before `_at` are done with.
    _base       where in the content the buffer begins.
    _lines      line ends before where we are.
    _open       the parts that have not ended, from the outside in; the place of one is its level.
    _levels     boundaries, each with the level of its multipart.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0
        self._base = 0
        self._lines = 0
        self._open: list[AnyPart] = []
        self._levels: dict[bytes, int] = {}
        self._is_line_start = True

    @abstractmethod
    def _take_body(self, end: int) -> None:
        """The octets up to there are body, of whatever part we are in."""

    @abstractmethod
    def _meet_boundary(self, line_at: int, end: int, level: int, is_last: bool) -> None:
        """A line of the buffer is a boundary of the multipart at this level, or closes it."""

    @abstractmethod
    def _has_parts(self, multipart: AnyPart) -> bool:
        """Whether a boundary of it was met before."""

    def _watch_for(self, boundary: str, multipart: AnyPart) -> None:
        """From now on lines are looked for that are boundaries of the part we are in."""
        multipart.boundary = boundary.encode("utf-8", "replace")
        multipart.hidden_level = self._levels.get(multipart.boundary, -1)
        self._levels[multipart.boundary] = len(self._open) - 1

    def _forget_boundary(self, multipart: AnyPart) -> None:
        boundary, multipart.boundary = multipart.boundary, b""
        if boundary and multipart.hidden_level >= 0:
            self._levels[boundary] = multipart.hidden_level
        elif boundary:
            self._levels.pop(boundary, None)

    def _scan_body(self, *, is_last: bool) -> bool:
        """True when a boundary was met, False when more octets are needed."""
        buffer = self._buffer
        line_at = self._dashes(self._at)
        while line_at >= 0:
            end = buffer.find(b"\n", line_at, line_at + LINE_HELD) + 1
            if not end:
                if not is_last and len(buffer) - line_at < LINE_HELD:
                    self._take_body(self._before_break(line_at))
                    return False
                end = min(len(buffer), line_at + LINE_HELD)
            if found := self._level_of(buffer[line_at:end]):
                self._meet_boundary(line_at, end, *found)
                return True
            line_at = self._dashes(line_at + 1)
        self._take_body(len(buffer) if is_last else self._last_certain())
        return False

    def _dashes(self, search: int) -> int:
        """Where the next line that begins with two dashes does; -1 when there is none."""
        if not self._levels:
            return -1
        if search == self._at and self._is_line_start and self._buffer.startswith(b"--", search):
            return search
        return self._buffer.find(b"\n--", search) + 1 or -1

    def _last_certain(self) -> int:
        """Up to where there can be no boundary: CR, LF and one dash may be the start of one."""
        return max(self._at, len(self._buffer) - len(b"\r\n-")) if self._levels else len(self._buffer)

    def _before_break(self, line_at: int) -> int:
        """RFC 2046 5.1.1: the CRLF before a boundary is part of it."""
        if line_at == self._at:
            return line_at
        is_pair = line_at - self._at >= 2 and self._buffer[line_at - 2] == _CR
        return line_at - (2 if is_pair else 1)

    def _level_of(self, line: bytes) -> tuple[int, bool] | None:
        """Which open multipart's boundary a line is that begins with two dashes, and whether it closes that.

        The innermost one's if several. A boundary that closes and was never met opened nothing: it is none.
        """
        levels = self._levels
        text = line[2:].rstrip(b" \t\r\n")
        level, closed = levels.get(text, -1), -1
        if text.endswith(b"--"):
            closed = levels.get(text[:-2], -1)
            if closed >= 0 and not self._has_parts(self._open[closed]):
                closed = -1
        if level < 0 and closed < 0:
            return None
        return max(level, closed), closed > level
