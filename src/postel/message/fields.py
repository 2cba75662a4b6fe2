"""Writing header fields that nobody can break out of.

Implements  RFC 5322 2.1.1 (lines of 78, never over 998 octets), 2.2.3 (folding), 3.2.2 (comments).
Gives       compose_field, continue_field, clean, clean_word, clean_comment, make_message_id.

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
    return continue_field(f"{name}:".encode(), words) + b"\r\n"


def continue_field(begun: bytes, words: Iterable[str]) -> bytes:
    """A field that has begun, its name at least, and these words; without its CRLF.

    The first word stays beside the name: a first line without any is obsolete (RFC 5322 4.2).
    """
    name = begun if begun.endswith(b":") else b""
    line = begun[begun.rfind(b"\n") + 1 :]
    lines = [begun[: len(begun) - len(line)]]
    for word in _octet_words(words):
        if len(line) + 1 + len(word) > LINE_LENGTH and line != name:
            lines.append(line + b"\r\n")
            line = b"\t" + word
        else:
            line += b" " + word
    return b"".join(lines) + line


def _octet_words(words: Iterable[str]) -> Iterator[bytes]:
    for word in words:
        octets = (word if word.isprintable() else clean(word)).encode("utf-8", "replace")
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
