"""Take lines off the front of a buffer, with bounded memory.

Implements  RFC 5321 2.3.8 (lines end in CRLF), 4.5.3.1.4 and 4.5.3.1.10 (lines that are too long).
Gives       LineReader, LineTrouble.
Not here    What a line means: arguments, server.
"""

from __future__ import annotations

import enum

from postel.proto.smtp.limits import SmtpLimits


class LineTrouble(enum.Enum):
    """A line that cannot be given."""

    TOO_LONG = "too long"  # swallowed to its end
    ENDLESS = "endless"  # no end within the limit: hang up


class LineReader:
    """Looks at every octet once, and never holds more than the limit and what one read brought."""

    __slots__ = ("_endless", "_looked_at", "_swallowed")

    def __init__(self, limits: SmtpLimits) -> None:
        self._endless = limits.endless_line
        self._looked_at = 0  # octets at the buffer's front known to hold no LF
        self._swallowed = 0  # octets of the present line already dropped

    def take(self, buffer: bytearray, limit: int) -> bytes | LineTrouble | None:
        """Remove and give the first line with its LF; None: more octets are needed.

        A line of more than `limit` octets is LineTrouble.
        """
        end = buffer.find(b"\n", self._looked_at) + 1
        if end:
            line = bytes(buffer[:end])
            del buffer[:end]
            if self._swallowed or end > limit:
                return self._too_long(end, limit) or line
            self._looked_at = 0
            return line
        self._looked_at = len(buffer)
        if len(buffer) + self._swallowed > limit:
            self._swallowed += len(buffer)
            self._looked_at = 0
            buffer.clear()
        return LineTrouble.ENDLESS if self._swallowed > self._endless else None

    def _too_long(self, end: int, limit: int) -> LineTrouble | None:
        """What is to be said of the line that ends at `end`, with what was dropped of it before."""
        length = self._swallowed + end
        self._swallowed = self._looked_at = 0
        if length <= limit:
            return None
        return LineTrouble.ENDLESS if length > self._endless else LineTrouble.TOO_LONG
