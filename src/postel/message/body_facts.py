"""What octets are, whatever the header says of them: 7bit, 8bit or binary.

Implements  RFC 2045 2.7 to 2.9 (the three domains), RFC 5322 2.1.1 (lines of 998 octets), RFC 5321 2.3.8.
Gives       OctetDomain, BodyFacts, LINE_LIMIT.

Every octet is looked at a fixed number of times, by byte-string primitives.
"""

from __future__ import annotations

import codecs
import enum
from typing import Final

LINE_LIMIT: Final = 998  # octets without CRLF: RFC 5322 2.1.1, RFC 2045 2.7 and 2.8

# What quoted-printable leaves as it is: RFC 2045 6.7 (2) and (3), and line ends.
_PLAIN: Final = bytes(octet for octet in range(32, 127) if octet != ord("=")) + b"\t\r\n"


class OctetDomain(enum.IntEnum):
    """What a transport must be able to carry; each can carry what is above it."""

    SEVEN_BIT = 7  # lines of at most 998 octets, ASCII without NUL, CR and LF as line ends only
    EIGHT_BIT = 8  # the same with octets above 127
    BINARY = 9  # anything

    @property
    def encoding(self) -> str:
        """The transfer encoding that says so (RFC 2045 6.2)."""
        return {7: "7bit", 8: "8bit", 9: "binary"}[self.value]


class BodyFacts:
    """Measures octets as they stream by.

    size_bytes          so far.
    lines               line ends (LF) among them.
    is_8bit             an octet above 127 is among them.
    has_long_lines      a line of more than 998 octets is.
    has_loose_octets    a NUL is, or a CR or LF alone: what SMTP's lines cannot carry.
    escapes             octets that quoted-printable would have to encode.
    """

    __slots__ = (
        "_decoder",
        "_ends_in_cr",
        "_is_utf8",
        "_open_line",
        "escapes",
        "has_long_lines",
        "has_loose_octets",
        "is_8bit",
        "lines",
        "size_bytes",
    )

    def __init__(self) -> None:
        self.size_bytes = 0
        self.lines = 0
        self.is_8bit = False
        self.has_long_lines = False
        self.has_loose_octets = False
        self.escapes = 0
        self._open_line = 0
        self._ends_in_cr = False
        self._is_utf8 = True
        self._decoder: codecs.IncrementalDecoder | None = None

    def feed(self, octets: bytes) -> None:
        """The next octets. Costs O(len(octets))."""
        if not octets:
            return
        self.size_bytes += len(octets)
        self._count_line_ends(octets)
        self.has_loose_octets = self.has_loose_octets or b"\0" in octets
        self._measure_lines(octets)
        self.escapes += len(octets.translate(None, _PLAIN))
        if not octets.isascii():
            self.is_8bit = True
            self._check_utf8(octets)
        elif self._decoder is not None:
            self._check_utf8(octets)

    @property
    def domain(self) -> OctetDomain:
        """What the octets need."""
        return OctetDomain.BINARY if self._has_long_line else self.domain_but_for_length

    @property
    def domain_but_for_length(self) -> OctetDomain:
        """The same where lines may have any length: nearly all servers take such, whatever the standard says."""
        if self.has_loose_octets or self._ends_in_cr:
            return OctetDomain.BINARY
        return OctetDomain.EIGHT_BIT if self.is_8bit else OctetDomain.SEVEN_BIT

    @property
    def _has_long_line(self) -> bool:
        return self.has_long_lines or self._open_line > LINE_LIMIT

    @property
    def is_utf8(self) -> bool:
        """Whether the octets are UTF-8 throughout (ASCII is)."""
        return self._is_utf8 and (self._decoder is None or not self._decoder.getstate()[0])

    def _count_line_ends(self, octets: bytes) -> None:
        feeds, returns, pairs = octets.count(b"\n"), octets.count(b"\r"), octets.count(b"\r\n")
        self.lines += feeds
        # A CR at the end of one piece and an LF at the start of the next are a pair.
        joined = self._ends_in_cr and octets.startswith(b"\n")
        self._ends_in_cr, was_cr = octets.endswith(b"\r"), self._ends_in_cr
        is_loose = feeds - joined != pairs or returns - self._ends_in_cr != pairs or was_cr != joined
        self.has_loose_octets = self.has_loose_octets or is_loose

    def _measure_lines(self, octets: bytes) -> None:
        """Jump from LF to the last LF within the limit: two looks per 1000 octets.

        The CR before it counts as one octet more, whether it is there or not.
        """
        limit, start = LINE_LIMIT + 2, -self._open_line
        while not self.has_long_lines and start + limit <= len(octets):
            last = octets.rfind(b"\n", max(start, 0), start + limit)
            if last < 0:
                self.has_long_lines = True
            start = last + 1
        last_lf = octets.rfind(b"\n")
        self._open_line = len(octets) - last_lf - 1 + (self._open_line if last_lf < 0 else 0)

    def _check_utf8(self, octets: bytes) -> None:
        if not self._is_utf8:
            return
        if self._decoder is None:
            self._decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            self._decoder.decode(octets)
        except UnicodeDecodeError:
            self._is_utf8 = False
