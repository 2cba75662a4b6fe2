"""Character sets: from octets to text, whatever a stranger calls them.

Implements  RFC 2045 2.4, RFC 2046 4.1.2 (charset).
Gives       decode_octets, is_utf8, known_codec.

Decoding never fails: what cannot be decoded shows as U+FFFD, an unknown character set as if it were UTF-8.
"""

from __future__ import annotations

import codecs
from functools import lru_cache
from typing import Final

NAME_LIMIT: Final = 100  # characters of a name; IANA has none of more than 45

# Codecs of Python that nobody writes honest mail in: some take O(n * n), some are no character sets at all.
_REFUSED: Final = frozenset(
    {"utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"}
)


def known_codec(charset: str) -> str | None:
    """Python's name of the codec for a character set; None when there is none, or none that is safe."""
    return _known_codec(charset) if len(charset) <= NAME_LIMIT else None


@lru_cache(1000)
def _known_codec(charset: str) -> str | None:
    try:
        info = codecs.lookup(charset)
    except (LookupError, ValueError):
        return None
    is_text = getattr(info, "_is_text_encoding", True)
    return info.name if is_text and info.name not in _REFUSED else None


def decode_octets(octets: bytes, charset: str) -> str:
    """The text; UTF-8 stands in for us-ascii, which it contains, and for what is not known."""
    codec = known_codec(charset) or "utf-8"
    return octets.decode("utf-8" if codec == "ascii" else codec, "replace")


def is_utf8(octets: bytes) -> bool:
    """Whether the octets are well-formed UTF-8."""
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
