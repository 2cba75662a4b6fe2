"""Does a message have that text?

Implements  RFC 9051 6.4.4 (FROM, SUBJECT, HEADER, TEXT and their like: substrings, whatever the case).
Gives       Finder, field_contains, header_text.

Needles are folded (search.folding.fold) by whoever asks, once.
"""

from __future__ import annotations

from postel.message.search.addressed import ADDRESSED, with_addresses
from postel.message.search.folding import decode_field, fold
from postel.message.structure.addresses import read_addresses
from postel.message.structure.head_fields import head_fields


class Finder:
    """Looks for several texts in one that streams by, folded."""

    def __init__(self, *needles: str) -> None:
        self._missing = [needle for needle in needles if needle]
        self._tail = ""

    @property
    def found(self) -> bool:
        """Whether each was seen; more text changes nothing then."""
        return not self._missing

    def feed(self, text: str) -> None:
        """The next piece. Costs O(len(text)) for each needle that was not seen yet."""
        if not self._missing or not text:
            return
        text = self._tail + text
        self._missing = [needle for needle in self._missing if needle not in text]
        longest = max(map(len, self._missing), default=1)
        self._tail = text[max(len(text) - longest + 1, 0) :] if longest > 1 else ""

    def end_part(self) -> None:
        """What follows is another text: no needle lies across."""
        self._tail = ""


def field_contains(header: bytes, name: bytes, needle: str) -> bool:
    """Whether a field of that name has the folded needle; "" is in every field there is (RFC 9051 6.4.4, HEADER)."""
    name = name.lower()
    return any(_holds(name, rest, needle) for _, found, rest in head_fields(header) if found.lower() == name)


def _holds(name: bytes, rest: bytes, needle: str) -> bool:
    text = decode_field(rest)
    if needle in fold(text):
        return True
    return name in ADDRESSED and needle in fold(with_addresses(text, read_addresses(rest)))


def header_text(header: bytes) -> str:
    """All fields as they are read, folded: what TEXT looks at besides bodies."""
    lines = [
        fold(f"{name.decode('ascii')}: {decode_field(rest)}" if name else decode_field(raw))
        for raw, name, rest in head_fields(header)
    ]
    return "\n".join(lines)
