"""Prepare identities and passwords, so that the same text typed on two keyboards compares equal.

Implements  RFC 8265 4.2 (OpaqueString, the successor of SASLprep, RFC 4013): spaces become U+0020, then
            NFC; controls and the empty text are refused. Unassigned code points are let through: they
            compare by themselves.
Gives       prepare.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from postel.mail import BadSyntax

IDENTITY_LIMIT: Final = 1024  # octets: RFC 4616 2 asks for at least 255


def prepare(text: str) -> str:
    """The prepared form. Raises BadSyntax for an empty text, controls (NUL among them), or over-length."""
    if text.isascii():
        prepared = text
    else:
        spaced = "".join(" " if unicodedata.category(c) == "Zs" else c for c in text[: IDENTITY_LIMIT + 1])
        prepared = unicodedata.normalize("NFC", spaced)
    if not prepared:
        raise BadSyntax("an identity or password is not empty")
    if len(text) > IDENTITY_LIMIT or len(prepared.encode("utf-8", "surrogatepass")) > IDENTITY_LIMIT:
        raise BadSyntax(f"an identity or password has at most {IDENTITY_LIMIT} octets")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in prepared):
        raise BadSyntax("an identity or password has no control characters")
    return prepared


def prepare_octets(data: bytes) -> str:
    """The same for UTF-8 text off the wire. Raises BadSyntax."""
    try:
        return prepare(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadSyntax("an identity or password is UTF-8") from None
