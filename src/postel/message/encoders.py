"""Apply content transfer encodings, piece by piece.

Implements  RFC 2045 6.7 (quoted-printable), 6.8 (base64).
Gives       QuotedPrintableEncoder, Base64Encoder, Base64Wrapper.
Not here    Parts that we compose whole: encoding.

What comes out has lines of at most 76 octets that end in CRLF, and no CRLF after the last one: in a multipart that
one belongs to the boundary (RFC 2046 5.1.1).
"""

from __future__ import annotations

import binascii
from typing import Final

from postel.message.decoders import NOT_BASE64

_LINE_OCTETS: Final = 57  # they make a base64 line of 76 digits
_LINE_DIGITS: Final = 76
# A quoted line is cut where no escape is split: C does that, and wants the whole line. Beyond this it gets a part.
_LONG_LINE: Final = 64 * 1024


class QuotedPrintableEncoder:
    """RFC 2045 6.7 for text: CRLF is a line break; a CR or LF alone, and every control but TAB, is encoded.

    ends_content    nothing comes after the body: a last line without CRLF ends in a soft break, so that the CRLF
                    that SMTP needs there is not part of the text.
    """

    def __init__(self, *, ends_content: bool = False) -> None:
        self._rest = b""
        self._ends_content = ends_content

    def feed(self, octets: bytes) -> bytes:
        """The next octets."""
        octets = self._rest + octets
        at = octets.rfind(b"\r\n") + 2
        if at < 2:
            return self._feed_long(octets)
        self._rest = octets[at:]
        return b"".join(_quoted_line(line) + b"\r\n" for line in octets[: at - 2].split(b"\r\n"))

    def finish(self) -> bytes:
        """What was held back."""
        rest, self._rest = self._rest, b""
        quoted = _quoted_line(rest)
        return quoted + b"=" if quoted and self._ends_content else quoted

    def _feed_long(self, octets: bytes) -> bytes:
        """No line end so far: a very long line goes out in parts, soft breaks between them."""
        if len(octets) < _LONG_LINE:
            self._rest = octets
            return b""
        at = len(octets) - 1  # what may be the CR of a CRLF, or a blank before one, waits
        self._rest = octets[at:]
        return _quoted_line(octets[:at]) + b"=\r\n"


def _quoted_line(line: bytes) -> bytes:
    # Not as text: then a CR or LF alone would pass as it is instead of as =0D or =0A. At the end of a line blanks are
    # encoded (rule 3), so that no gateway can drop them.
    return binascii.b2a_qp(line, istext=False).replace(b"\n", b"\r\n")


class Base64Encoder:
    """RFC 2045 6.8: the octets, line ends included, as they are."""

    def __init__(self) -> None:
        self._rest = b""
        self._separator = b""

    def feed(self, octets: bytes) -> bytes:
        """The next octets."""
        octets = self._rest + octets
        whole = len(octets) - len(octets) % _LINE_OCTETS
        self._rest = octets[whole:]
        return b"".join(self._encoded(octets[at : at + _LINE_OCTETS]) for at in range(0, whole, _LINE_OCTETS))

    def finish(self) -> bytes:
        """What was held back."""
        rest, self._rest = self._rest, b""
        return self._encoded(rest) if rest else b""

    def _encoded(self, octets: bytes) -> bytes:
        line = self._separator + binascii.b2a_base64(octets, newline=False)
        self._separator = b"\r\n"
        return line


class Base64Wrapper:
    """Base64 that has lines of any length, or octets that are none of its digits: the digits in lines of 76."""

    def __init__(self) -> None:
        self._rest = b""
        self._separator = b""

    def feed(self, octets: bytes) -> bytes:
        """The next octets."""
        digits = self._rest + octets.translate(None, NOT_BASE64)
        whole = len(digits) - len(digits) % _LINE_DIGITS
        self._rest = digits[whole:]
        return b"".join(self._line(digits[at : at + _LINE_DIGITS]) for at in range(0, whole, _LINE_DIGITS))

    def finish(self) -> bytes:
        """What was held back."""
        rest, self._rest = self._rest, b""
        return self._line(rest) if rest else b""

    def _line(self, digits: bytes) -> bytes:
        line, self._separator = self._separator + digits, b"\r\n"
        return line
