"""Writing header fields that nobody can break out of.

Implements  RFC 5322 2.1.1 (lines of 78, never over 998 octets), 2.2.3 (folding), 3.2.2 (comments).
Gives       compose_field, clean, clean_word, clean_comment, make_message_id.

Whatever a stranger supplied goes through one of the `clean` functions before it comes into a field of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

LINE_LENGTH: Final = 78  # octets without CRLF: RFC 5322 2.1.1, recommended
WORD_LIMIT: Final = 900  # octets: no word may make a line of more than 998

_NOT_IN_ID: Final = re.compile(r"[^A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")


def compose_field(name: str, words: Iterable[str]) -> bytes:
    """A field of these words, folded between them, with its CRLF.

    Words are cleaned of controls; a word of more than WORD_LIMIT octets is cut into several.
    """
    lines = [f"{name}:".encode()]
    for n, word in enumerate(_octet_words(words)):
        if n and len(lines[-1]) + 1 + len(word) > LINE_LENGTH:
            lines.append(b"\t" + word)
        else:
            lines[-1] += b" " + word
    return b"\r\n".join(lines) + b"\r\n"


def _octet_words(words: Iterable[str]) -> Iterator[bytes]:
    for word in words:
        octets = clean(word).encode("utf-8", "replace")
        while len(octets) > WORD_LIMIT:
            cut = _before_character(octets, WORD_LIMIT)
            yield octets[:cut]
            octets = octets[cut:]
        if octets:
            yield octets


def _before_character(octets: bytes, at: int) -> int:
    """The last place not after `at` that does not split a UTF-8 character."""
    while octets[at] & 0xC0 == 0x80:
        at -= 1
    return at


def clean(text: str, *, ascii_only: bool = False) -> str:
    """The text with every control, line end and unprintable character (or all beyond ASCII) as `?`."""
    if text.isprintable() and (text.isascii() or not ascii_only):
        return text
    return "".join(c if c.isprintable() and (c.isascii() or not ascii_only) else "?" for c in text)


def clean_comment(text: str, limit: int = 200) -> str:
    """What may stand within `( )`: ASCII, without the characters that could end or escape it."""
    return re.sub(r"[()\\\"<>;]", "?", clean(text, ascii_only=True))[:limit]


def clean_word(text: str, limit: int = 255) -> str:
    """What may stand as one word of a trace field: ASCII, without blanks and specials."""
    return re.sub(r"[^A-Za-z0-9.:_\[\]=/+-]", "?", text)[:limit]


def make_message_id(unique: str, hostname: str) -> str:
    """A msg-id with its brackets. `unique` must be unique at this host: a queue id is (RFC 5322 3.6.4)."""
    left = _NOT_IN_ID.sub(".", unique).strip(".") or "0"
    return f"<{left}@{clean_word(hostname)}>"
