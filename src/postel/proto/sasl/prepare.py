"""Prepare identities and passwords, so that the same text typed on two keyboards compares equal.

Implements  RFC 8265 4.2 (OpaqueString, the successor of SASLprep, RFC 4013): spaces become U+0020, then
            NFC; controls and the empty text are refused. Unassigned code points are let through: they
            compare by themselves.
Gives       prepare.
"""

from __future__ import annotations

import stringprep
import unicodedata
from collections.abc import Callable
from typing import Final

from postel.mail import BadSyntax

_UNICODE_3: Final = unicodedata.ucd_3_2_0  # what RFC 4013 is about

# RFC 4013 2.3: what is prohibited in the output.
_PROHIBITED: Final[tuple[Callable[[str], bool], ...]] = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)

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


def saslprep(text: str) -> str:
    """RFC 4013, with unassigned code points let through as in a query. Raises BadSyntax.

    They are let through in what we store as well: a password may hold characters younger than Unicode 3.2, and both
    sides then mean the same octets.
    """
    if len(text) > IDENTITY_LIMIT:
        raise BadSyntax(f"an identity or password has at most {IDENTITY_LIMIT} octets")
    if text.isascii() and text.isprintable() and text:
        return text
    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c))
    prepared = _UNICODE_3.normalize("NFKC", mapped)
    if not prepared:
        raise BadSyntax("an identity or password is not empty")
    if any(prohibits(c) for c in prepared for prohibits in _PROHIBITED):
        raise BadSyntax("an identity or password has no control or private characters")
    _check_direction(prepared)
    return prepared


def _check_direction(text: str) -> None:
    """RFC 3454 6: a text with right-to-left letters begins and ends with one, and has none of the other kind."""
    if not any(stringprep.in_table_d1(c) for c in text):
        return
    ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    if not ends or any(stringprep.in_table_d2(c) for c in text):
        raise BadSyntax("an identity or password does not mix directions of writing")
