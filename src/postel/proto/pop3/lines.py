"""Command lines out of a byte stream, however it was cut.

Implements  RFC 1939 3 (CRLF), RFC 2449 4 and RFC 5034 4 (lengths).
Gives       LineReader.
"""

from __future__ import annotations

from postel.mail import RemoteFault


class LineTooLong(RemoteFault):
    """A line was longer than it may be. It has been swallowed to its end."""


class LineReader:
    """Buffers what came and gives it out line by line; never holds more of a line than its limit."""

    __slots__ = ("_buffer", "_is_swallowing", "_scanned", "_start")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._start = 0  # what is before this has been given out
        self._scanned = 0  # up to here there is no line end
        self._is_swallowing = False

    def feed(self, data: bytes) -> None:
        """Take what came."""
        if self._start:
            del self._buffer[: self._start]
            self._scanned -= self._start
            self._start = 0
        self._buffer += data

    @property
    def is_empty(self) -> bool:
        """Whether all that came has been given out."""
        return self._start == len(self._buffer) and not self._is_swallowing

    def clear(self) -> None:
        """Forget what came."""
        self._buffer.clear()
        self._start = self._scanned = 0
        self._is_swallowing = False

    def starts_with(self, keyword: bytes) -> bool:
        """Whether the line at hand begins with this, in any case."""
        return self._buffer[self._start : self._start + len(keyword)].upper() == keyword

    def next_line(self, limit: int) -> bytes | None:
        """The next line without its line end, or None until it is complete.

        `limit` counts the line with its line end. Raises LineTooLong once for a line beyond it.
        RFC 1939 3 wants CRLF; a bare LF is taken too, since no command carries content it could break.
        """
        end = self._buffer.find(b"\n", max(self._scanned, self._start))
        if end < 0:
            self._hold_back(limit)
            return None
        line = bytes(self._buffer[self._start : end])
        length = end + 1 - self._start
        self._start = self._scanned = end + 1
        if self._is_swallowing or length > limit:
            self._is_swallowing = False
            raise LineTooLong("a command line was too long")
        return line.removesuffix(b"\r")

    def _hold_back(self, limit: int) -> None:
        """No line end yet: of a line that is too long already, keep nothing but the fact."""
        if len(self._buffer) - self._start >= limit:
            self._is_swallowing = True
        if self._is_swallowing:
            self._buffer.clear()
            self._start = 0
        self._scanned = len(self._buffer)
