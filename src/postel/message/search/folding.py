"""Text folded for search: case and width do not count.

Implements  RFC 9051 6.4.4 (case-insensitive substrings), RFC 5255 4.2 (Unicode), RFC 2047 (encoded words in fields).
Gives       fold, decode_field.

Folded text is compared with folded text only. What is compatible is the same (NFKC: full and half width, ligatures),
and so is upper and lower case, by Unicode's full case folding.
"""

from __future__ import annotations

import unicodedata

from postel.message.encoded_words import decode_words
from postel.message.structure.head_fields import tidied


def fold(text: str) -> str:
    """The text, folded. Costs O(n)."""
    if text.isascii():
        return text.lower()
    # Folding undoes some of what normalising did, so the last is done again: then folding once more changes nothing.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def decode_field(rest: bytes) -> str:
    """What a person reads in a field, by what follows its colon: unfolded, encoded words decoded.

    8-bit octets are UTF-8 (RFC 6532), or Latin-1 where they are not, as old programs wrote.
    """
    octets = tidied(rest)
    if octets.isascii():
        text = octets.decode("ascii")
    else:
        try:
            text = octets.decode("utf-8")
        except UnicodeDecodeError:
            text = octets.decode("latin-1")
    return decode_words(text)
