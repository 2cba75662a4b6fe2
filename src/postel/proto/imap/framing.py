"""Octets to lines, and what the end of a line says of a literal.

Implements  RFC 9051 2.2.1 and 4.3 (a command line may go on after a literal), RFC 7888 (LITERAL+, LITERAL-),
            RFC 3516 4.4 (literal8), RFC 4466 (64 bits).
Gives       Octets in: Inbox. LiteralHead, literal_head, tag_of, LineFault.
Not here    Whether a literal is let in: intake. What a command means: cursor, commands.

No octet is looked at twice, and no more is held than the limit and what one read brought.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final

_HEAD: Final = re.compile(rb"(~?)\{([0-9]{1,20})(\+?)\}\r\n\Z")
TAG_LIMIT: Final = 300  # octets at the beginning of a line in which its tag is looked for
_HEAD_LIMIT: Final = 32  # octets at the end of a line that can be the head of a literal
TAG: Final = rb"[!#$&',-/0-9:-@A-\[\]^-z|}~]{1,256}"  # RFC 9051 9, tag: ASTRING-CHAR but "+"
_TAG: Final = re.compile(rb"(%b)(?= |\r\n)" % TAG)


class LineFault(enum.Enum):
    """A line that cannot be given."""

    TOO_LONG = "too long"  # swallowed to its end
    ENDLESS = "endless"  # no end within reason
    BARE_NEWLINE = "bare newline"


@dataclass(frozen=True, slots=True)
class LiteralHead:
    """`{size}`, `{size+}`, `~{size}`, `~{size+}` at the end of a line.

    is_sync      the peer waits for our leave (RFC 9051 4.3).
    is_binary    NUL is allowed in it (RFC 3516 4.4).
    """

    size: int
    is_sync: bool
    is_binary: bool


def literal_head(line: bytes | bytearray) -> LiteralHead | None:
    """The literal that follows this line (with its CRLF), or None."""
    if line[-3:] != b"}\r\n":
        return None
    match = _HEAD.search(line, max(0, len(line) - _HEAD_LIMIT))
    return match and LiteralHead(int(match[2]), not match[3], bool(match[1]))


def tag_of(line: bytes | bytearray) -> bytes | None:
    """The tag that a line begins with, wherever one can be read."""
    match = _TAG.match(line)
    return bytes(match[1]) if match else None


class Inbox:
    """What was received and not yet taken."""

    __slots__ = ("_buffer", "_dropped", "_endless", "_looked_at", "_tail", "begin")

    def __init__(self, endless_line: int) -> None:
        self._buffer = bytearray()
        self._endless = endless_line
        self._looked_at = 0  # octets at the front known to hold no LF
        self._dropped = 0  # octets of the present line already dropped, for it is too long
        self._tail = b""  # their end
        self.begin = b""
        """How the line that was too long began: its tag is there."""

    def __len__(self) -> int:
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Put octets behind the others."""
        self._buffer += data

    def clear(self) -> None:
        """Forget all of it."""
        self._buffer.clear()
        self._looked_at = self._dropped = 0

    def take_line(self, limit: int) -> bytes | LineFault | None:
        """Take the first line with its CRLF; None: more octets are needed.

        A fault's line is gone; what literal it announced, `last_head` still says.
        """
        buffer = self._buffer
        end = buffer.find(b"\n", self._looked_at) + 1
        if end:
            return self._line(end, limit)
        self._looked_at = len(buffer)
        if len(buffer) + self._dropped > limit:
            self._drop(len(buffer))
        return LineFault.ENDLESS if self._dropped > self._endless else None

    @property
    def last_head(self) -> LiteralHead | None:
        """The literal that a line which was too long announced."""
        return literal_head(self._tail)

    def take_some(self, most: int) -> bytes:
        """Take up to so many octets; empty: there are none."""
        data = bytes(memoryview(self._buffer)[:most])
        del self._buffer[: len(data)]
        self._looked_at = 0
        return data

    def _line(self, end: int, limit: int) -> bytes | LineFault:
        if self._dropped + end > limit:
            self._drop(end)
            is_endless = self._dropped > self._endless
            self._dropped = 0
            return LineFault.ENDLESS if is_endless else LineFault.TOO_LONG
        line = self.take_some(end)
        # RFC 9051 2.2: lines end in CRLF; a bare one of the two is no line end, and nothing else either.
        is_bare = not line.endswith(b"\r\n") or line.find(b"\r", 0, -2) >= 0
        if is_bare:
            self.begin, self._tail = line[:TAG_LIMIT], line[-_HEAD_LIMIT:]
        return LineFault.BARE_NEWLINE if is_bare else line

    def _drop(self, count: int) -> None:
        if self._dropped == 0:
            self.begin, self._tail = bytes(self._buffer[:TAG_LIMIT]), b""
        self._tail = (self._tail + bytes(self._buffer[max(0, count - _HEAD_LIMIT) : count]))[-_HEAD_LIMIT:]
        del self._buffer[:count]
        self._dropped += count
        self._looked_at = 0
