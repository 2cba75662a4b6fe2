"""Wildcards of LIST, matched in time linear in the name.

Implements  RFC 9051 6.3.9 (`*` and `%`), RFC 3501 6.3.8.
Gives       Pattern.

All places in the pattern that the name can have reached are the bits of one number; a character of the name moves
them all at once. Nothing is ever tried twice, however many wildcards there are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from string import ascii_lowercase, ascii_uppercase
from typing import Final

from postel.proto.imap.names import INBOX

_UPPER: Final = str.maketrans(ascii_lowercase, ascii_uppercase)
_WILD_RUN: Final = re.compile(r"[*%]{2,}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One mailbox pattern.

    text         with its wildcards: `*` for any characters, `%` for any but the delimiter.
    delimiter    one character, or empty where there is no hierarchy.
    """

    text: str
    delimiter: str = "/"
    _places: dict[str, int] = field(init=False, repr=False, compare=False)
    _length: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Of wildcards in a row the stronger one counts.
        steps = _WILD_RUN.sub(lambda run: "*" if "*" in run[0] else "%", self.text)
        places: dict[str, int] = defaultdict(int)
        for place, step in enumerate(steps):
            places[step] |= 1 << place
        object.__setattr__(self, "_places", dict(places))
        object.__setattr__(self, "_length", len(steps))

    def matches(self, name: str) -> bool:
        """Whether the whole name is matched. RFC 9051 5.1: INBOX is one name in any case, of US-ASCII letters."""
        if name == INBOX:
            return Pattern(self.text.translate(_UPPER), self.delimiter)._is_whole(name)
        return self._is_whole(name)

    def _is_whole(self, name: str) -> bool:
        star, percent = self._places.get("*", 0), self._places.get("%", 0)
        wild = star | percent
        reached = 1 | (1 & wild) << 1
        for char in name:
            stays = reached & (star if char == self.delimiter else wild)
            literal = 0 if char in "*%" else self._places.get(char, 0)
            reached = (reached & literal) << 1 | stays
            reached |= (reached & wild) << 1
        return bool(reached >> self._length & 1)
