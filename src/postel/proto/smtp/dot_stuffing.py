"""Make content transparent for DATA, chunk by chunk.

Implements  RFC 5321 4.5.2 (transparency), 4.1.1.4 and 2.3.8 (only CRLF ends a line).
Gives       DotStuffer.

Whatever the chunks hold, the end of mail data appears in the output once, where `end` puts it, even to
a server that takes a bare CR or LF for a line end. Our own queue holds no such content (the server
machine refuses it); content from elsewhere is repaired here rather than let one message smuggle another.
"""

from __future__ import annotations


class DotStuffer:
    """Chunks of content in, wire form out. Chunks may be cut anywhere.

    skip    octets that the server has already, counted as RFC 1845 3 does: of lines that end in CRLF, before any
            dot is added. They are let go by, and the counting being done on what would be sent, no form that the
            content is stored in can make it wrong.
    """

    __slots__ = ("_at_line_start", "_owes_cr", "_skip")

    def __init__(self, skip: int = 0) -> None:
        self._skip = skip
        self._at_line_start = True
        self._owes_cr = False  # a CR at the end of a chunk waits here for its LF

    def stuff(self, chunk: bytes) -> bytes:
        """The wire form of the next chunk."""
        if self._owes_cr:
            chunk = b"\r" + chunk
        self._owes_cr = chunk.endswith(b"\r")
        if self._owes_cr:
            chunk = chunk[:-1]
        return self._stuff(chunk) if chunk else b""

    def end(self) -> bytes:
        """The rest, and the end of mail data."""
        rest = self._stuff(b"\r\n") if self._owes_cr else b""
        if not self._at_line_start:
            rest += self._stuff(b"\r\n")  # RFC 5321 4.1.1.4: a last line without its CRLF gets one
        return rest + b".\r\n"

    @property
    def is_short(self) -> bool:
        """Whether the content was not as long as what was to be skipped of it."""
        return self._skip > 0

    def _stuff(self, chunk: bytes) -> bytes:
        pairs = chunk.count(b"\r\n")
        if chunk.count(b"\n") != pairs or chunk.count(b"\r") != pairs:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
        if self._skip:
            chunk = self._behind_skip(chunk)
        begins_with_dot = self._at_line_start and chunk.startswith(b".")
        if chunk:
            self._at_line_start = chunk.endswith(b"\r\n")
        stuffed = chunk.replace(b"\r\n.", b"\r\n..")
        return b"." + stuffed if begins_with_dot else stuffed

    def _behind_skip(self, chunk: bytes) -> bytes:
        """What is left of a chunk; whatever is sent first begins a line (RFC 1845 3)."""
        rest = chunk[self._skip :]
        self._skip -= len(chunk) - len(rest)
        self._at_line_start = bool(rest) or chunk.endswith(b"\r\n")
        return rest
