"""Collations: keys that sort and compare as IMAP's comparators do.

Implements  RFC 4790 9.2 (i;ascii-casemap), RFC 5051 (i;unicode-casemap).
Gives       casemap_ascii, casemap_unicode.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_UPPER: Final = {lower: lower - 32 for lower in range(ord("a"), ord("z") + 1)}


def casemap_ascii(text: str) -> str:
    """RFC 4790 9.2.1: a to z count as A to Z, all else as itself."""
    return text.translate(_UPPER)


def casemap_unicode(text: str) -> str:
    """RFC 5051 2: titlecase by each character's simple mapping, then decomposed by compatibility. Costs O(n)."""
    if text.isascii():
        return text.upper()
    return unicodedata.normalize("NFKD", "".join([_titlecase(character) for character in text]))


def _titlecase(character: str) -> str:
    """RFC 5051 2 (1): the UnicodeData.txt mapping, which is of one character or none."""
    title = character.title()
    return title if len(title) == 1 else character
