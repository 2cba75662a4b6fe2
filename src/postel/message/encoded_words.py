"""Encoded words, for showing a subject to a person.

Implements  RFC 2047 2 (encoded words), 6.2 (blanks between two of them are not shown), 4.1 and 4.2 (B and Q).
Gives       decode_words.

Decoding never fails: what is not well-formed, or in a character set that we do not know, is shown as it stands.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from typing import Final

_ENCODED_WORD: Final = re.compile(
    r"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[A-Za-z-]{1,40})?\?([BbQq])\?([!->@-~]*)\?="
)
_BETWEEN_TWO: Final = re.compile(
    r"(?<=\?=)[ \t]+(?==\?[A-Za-z0-9_.:+-]{1,40}(?:\*[A-Za-z-]{1,40})?\?[BbQq]\?)"
)

# Codecs of Python that no subject is honestly written in; some take O(n²).
_REFUSED: Final = frozenset({"utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape"})


def decode_words(text: str) -> str:
    """The text with its encoded words decoded. Costs O(n)."""
    if "=?" not in text:
        return text
    return _ENCODED_WORD.sub(_decode, _BETWEEN_TWO.sub("", text))


def _decode(match: re.Match[str]) -> str:
    charset, encoding, inner = match.groups()
    try:
        octets = _from_b(inner) if encoding in "Bb" else _from_q(inner)
        return match.group() if codecs.lookup(charset).name in _REFUSED else octets.decode(charset)
    except (LookupError, ValueError, binascii.Error):
        return match.group()


def _from_b(inner: str) -> bytes:
    return base64.b64decode(inner + "=" * (-len(inner) % 4), validate=True)


def _from_q(inner: str) -> bytes:
    return binascii.a2b_qp(inner.encode("ascii"), header=True)
