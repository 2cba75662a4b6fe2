"""Undo content transfer encodings, piece by piece.

Implements  RFC 2045 6.7 (quoted-printable), 6.8 (base64), 6.2 (the identities); uuencode as POSIX has it.
Gives       Transform, decoder_for, decode_content, Base64Decoder, QuotedPrintableDecoder, UuDecoder, Identity.

Each decoder takes any octets whatever: RFC 2045 6.7 and 6.8 say what to make of most mistakes, and what they do not
say is passed through (quoted-printable) or left out (base64, uuencode).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol

NOT_BASE64: Final = bytes(
    set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
)
# The look-behind has a run of blanks tried once, from its start: without it a long run would cost O(n * n).
_BLANKS_BEFORE_END: Final = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n)")
_ESCAPE: Final = re.compile(rb"=(?:([0-9A-Fa-f]{2})|\r?\n)")
_ODD_ESCAPE: Final = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n)")
LINE_LIMIT: Final = 4096  # octets of an unfinished line that a decoder holds back


class Transform(Protocol):
    """Octets in, octets out; what is held back comes at the end."""

    def feed(self, octets: bytes) -> bytes:
        """The next octets. Costs O(len(octets))."""

    def finish(self) -> bytes:
        """There are no more: what is left."""


class Identity:
    """7bit, 8bit and binary: nothing is encoded."""

    def feed(self, octets: bytes) -> bytes:
        """The next octets."""
        return octets

    def finish(self) -> bytes:
        """What was held back."""
        return b""


class Base64Decoder:
    """RFC 2045 6.8. Octets beyond the alphabet are ignored; what is encoded after a padding is decoded too."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, octets: bytes) -> bytes:
        """The next octets."""
        digits = self._rest + octets.translate(None, NOT_BASE64)
        if b"=" in digits:
            return self._feed_padded(digits)
        whole = len(digits) - len(digits) % 4
        self._rest = digits[whole:]
        return binascii.a2b_base64(digits[:whole])

    def finish(self) -> bytes:
        """What was held back."""
        rest, self._rest = self._rest, b""
        return _partial(rest.replace(b"=", b""))

    def _feed_padded(self, digits: bytes) -> bytes:
        """Padding ends a group, whatever its length."""
        *groups, self._rest = re.split(rb"=+", digits)
        decoded = []
        for group in groups:
            whole = len(group) - len(group) % 4
            decoded.append(binascii.a2b_base64(group[:whole]) + _partial(group[whole:]))
        return b"".join(decoded) + self.feed(b"")


def _partial(digits: bytes) -> bytes:
    """The octets in an unfinished group: one digit holds none."""
    if len(digits) < 2:
        return b""
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


class QuotedPrintableDecoder:
    """RFC 2045 6.7. Blanks at the end of a line are dropped (rule 3); a = that encodes nothing stays as it is."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, octets: bytes) -> bytes:
        """The next octets."""
        octets = self._rest + octets
        at = _certain(octets)
        self._rest = octets[at:]
        return _unquoted(octets[:at])

    def finish(self) -> bytes:
        """What was held back."""
        rest, self._rest = self._rest, b""
        # Blanks at the very end end a line as well, and a lone = there is a soft line break.
        return _unquoted(rest.rstrip(b" \t")).removesuffix(b"=")


def _certain(octets: bytes) -> int:
    """How much is decided: the beginning of an escape, or blanks that may end a line, wait for what follows."""
    at = len(octets.rstrip(b" \t\r"))
    if octets[at - 1 : at] == b"=":
        at -= 1
    elif at == len(octets) and octets[max(at - 2, 0) : at - 1] == b"=":
        at -= 2
    return at if len(octets) - at < LINE_LIMIT else len(octets)


def _unquoted(octets: bytes) -> bytes:
    octets = _BLANKS_BEFORE_END.sub(b"", octets)
    if b"=" not in octets:
        return octets
    # Python's C decoder is lax about a = that begins nothing, and may drop the rest of its line: not so here.
    return _ESCAPE.sub(_replace, octets) if _ODD_ESCAPE.search(octets) else binascii.a2b_qp(octets)


def _replace(match: re.Match[bytes]) -> bytes:
    return bytes((int(match[1], 16),)) if match[1] else b""


class UuDecoder:
    """uuencode, as mail of the 1980s and some fax gateways have it: what stands between `begin` and `end`."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_inside = False
        self._is_over = False

    def feed(self, octets: bytes) -> bytes:
        """The next octets."""
        *lines, rest = (self._rest + octets).split(b"\n")
        self._rest = rest[:LINE_LIMIT]
        return b"".join(self._line(line.rstrip(b"\r")) for line in lines)

    def finish(self) -> bytes:
        """What was held back."""
        rest, self._rest = self._rest, b""
        return self._line(rest)

    def _line(self, line: bytes) -> bytes:
        if self._is_over or not self._is_inside:
            self._is_inside = self._is_inside or line.startswith(b"begin ")
            return b""
        if line == b"end":
            self._is_over = True
            return b""
        return _uu_line(line)


def _uu_line(line: bytes) -> bytes:
    """One line: its first octet says how many follow. A line that lost its blanks at the end gets them back."""
    if not line:
        return b""
    count = (line[0] - 32) & 63
    digits = line[1 : 1 + (count + 2) // 3 * 4].ljust((count + 2) // 3 * 4)
    try:
        return binascii.a2b_uu(line[:1] + digits)
    except binascii.Error:
        return b""


DECODERS: Final[Mapping[str, Callable[[], Transform]]] = {
    "7bit": Identity,
    "8bit": Identity,
    "binary": Identity,
    "quoted-printable": QuotedPrintableDecoder,
    "base64": Base64Decoder,
    "x-uuencode": UuDecoder,
    "x-uue": UuDecoder,
    "uuencode": UuDecoder,
}


def decoder_for(encoding: str) -> Transform | None:
    """The decoder of a transfer encoding in lower case; None for one that we do not know."""
    make = DECODERS.get(encoding)
    return make() if make else None


def decode_content(octets: bytes, encoding: str) -> bytes:
    """All of a body at once. What is in an unknown encoding is given as it stands (RFC 2049 2 (2))."""
    decoder = decoder_for(encoding) or Identity()
    return decoder.feed(octets) + decoder.finish()
