"""Message content on its way out: byte-stuffed, whole or cut after some lines, chunk by chunk.

Implements  RFC 1939 3 (byte-stuffing), 7 (TOP).
Gives       Outgoing, made of Stuffer and TopCutter. All cost O(n) and keep a few octets between chunks.
"""

from __future__ import annotations


class Stuffer:
    """Puts a dot before each line that begins with one, and ends the content with a line of one dot."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b"\r\n"  # the last two octets; the content's begin is the begin of a line

    def feed(self, chunk: bytes) -> bytes:
        """The chunk as it goes over the wire."""
        if not chunk:
            return b""
        # After a bare LF too: stored content has none, but if it had one, no client that takes LF for
        # a line end may be made to see the end of the response in the middle of a message.
        stuffed = chunk.replace(b"\n.", b"\n..")
        if self._tail.endswith(b"\n") and chunk.startswith(b"."):
            stuffed = b"." + stuffed
        self._tail = chunk[-2:] if len(chunk) > 1 else self._tail[-1:] + chunk
        return stuffed

    def end(self) -> bytes:
        """The termination line, after a line end where the content lacks its own."""
        return b".\r\n" if self._tail == b"\r\n" else b"\r\n.\r\n"


class TopCutter:
    """Lets the header, the blank line and the first `lines` lines of the body through."""

    __slots__ = ("_in_header", "_lines", "_tail")

    def __init__(self, lines: int) -> None:
        self._lines = lines
        self._in_header = True
        self._tail = b"\n"  # the end of what has passed, enough to find a blank line across chunks

    @property
    def is_done(self) -> bool:
        """Whether nothing more will pass."""
        return not self._in_header and self._lines == 0

    def feed(self, chunk: bytes) -> bytes:
        """What of the chunk passes."""
        if not self._in_header:
            return self._body(chunk)
        end = self._blank_line(chunk)
        if end is None:
            return chunk
        self._in_header = False
        return chunk[:end] + self._body(chunk[end:])

    def _blank_line(self, chunk: bytes) -> int | None:
        """Where, in the chunk, the blank line that closes the header has ended."""
        window = self._tail + chunk
        found = window.find(b"\n\r\n")
        if found < 0:
            self._tail = window[-2:]
            return None
        return found + 3 - len(self._tail)

    def _body(self, chunk: bytes) -> bytes:
        count = chunk.count(b"\n")
        if count < self._lines:
            self._lines -= count
            return chunk
        end = 0
        while self._lines:
            end = chunk.index(b"\n", end) + 1
            self._lines -= 1
        return chunk[:end]


class Outgoing:
    """A message on its way out: the answer to RETR, or, with a number of `lines`, to TOP."""

    __slots__ = ("_cutter", "_stuffer")

    def __init__(self, lines: int | None) -> None:
        self._cutter = None if lines is None else TopCutter(lines)
        self._stuffer = Stuffer()

    @property
    def wants_more(self) -> bool:
        """Whether more of the message is of use."""
        return self._cutter is None or not self._cutter.is_done

    def feed(self, chunk: bytes) -> bytes:
        """The chunk as it goes over the wire."""
        return self._stuffer.feed(chunk if self._cutter is None else self._cutter.feed(chunk))

    def end(self) -> bytes:
        """The termination line."""
        return self._stuffer.end()
