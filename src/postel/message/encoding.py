"""Content transfer encodings, for the parts that we compose.

Implements  RFC 2045 6.7 (quoted-printable), 6.8 (base64).
Gives       Encoding, encode.
Not here    Decoding what others wrote.
"""

from __future__ import annotations

import base64
import binascii
from typing import Literal, TypeAlias

Encoding: TypeAlias = Literal["7bit", "8bit", "binary", "quoted-printable", "base64"]


def encode(octets: bytes, encoding: Encoding) -> bytes:
    """The octets in that encoding, in lines that end in CRLF."""
    match encoding:
        case "quoted-printable":
            return b"\r\n".join(_quote(line) for line in octets.split(b"\r\n"))
        case "base64":
            return base64.encodebytes(octets).replace(b"\n", b"\r\n")
        case _:
            return octets


def _quote(line: bytes) -> bytes:
    # Not as text: then a bare CR or LF would pass as it is instead of as =0D or =0A.
    return binascii.b2a_qp(line, istext=False).replace(b"\n", b"\r\n")
