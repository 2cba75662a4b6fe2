"""Flags as clients write them and as the store keeps them, and who may set which.

Implements  RFC 9051 2.3.2 (flags and keywords), RFC 4314 4 (the rights s, t and w).
Gives       FLAGS_BY_NAME, ALL_FLAGS, read_flags, settable, allowed.
Not here    How flags are spelled: proto.imap. How they are told: selected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Final

from postel.store import Flags

FLAGS_BY_NAME: Final[Mapping[bytes, Flags]] = {
    b"\\Answered": Flags.ANSWERED,
    b"\\Deleted": Flags.DELETED,
    b"\\Draft": Flags.DRAFT,
    b"\\Flagged": Flags.FLAGGED,
    b"\\Seen": Flags.SEEN,
}
ALL_FLAGS: Final = reduce(or_, FLAGS_BY_NAME.values())
_FLAGS_BY_RIGHT: Final = {
    "s": Flags.SEEN,
    "t": Flags.DELETED,
    "w": Flags.ANSWERED | Flags.FLAGGED | Flags.DRAFT,
}


def read_flags(words: Sequence[bytes]) -> tuple[Flags, frozenset[str]]:
    """Flags and keywords of a command; the machine has seen to it that it names no others."""
    flags, keywords = Flags.NONE, set()
    for word in words:
        if word.startswith(b"\\"):
            flags |= FLAGS_BY_NAME[word]
        else:
            keywords.add(word.decode("ascii", "replace"))
    return flags, frozenset(keywords)


def settable(rights: frozenset[str]) -> Flags:
    """The flags that may be set by whoever has these rights."""
    return reduce(or_, (flags for right, flags in _FLAGS_BY_RIGHT.items() if right in rights), Flags.NONE)


def allowed(rights: frozenset[str], flags: Flags, keywords: frozenset[str]) -> tuple[Flags, frozenset[str]]:
    """Of flags and keywords, those for which there is a right."""
    return flags & settable(rights), keywords if "w" in rights else frozenset()
