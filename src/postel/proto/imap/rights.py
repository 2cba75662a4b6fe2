"""The letters of rights, and the two that stood for some of them before there were so many.

Implements  RFC 4314 2.1, 2.1.1.
Gives       RIGHTS, modern_rights, obsolete_rights.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

RIGHTS: Final = "lrswipkxtea"
_OBSOLETE: Final = {"c": "kx", "d": "te"}
_MEANT: Final = {**_OBSOLETE, **dict(zip(RIGHTS, RIGHTS, strict=True))}


def modern_rights(letters: str) -> str:
    """What is meant, each once and in order. Raises KeyError for a letter that is no right."""
    meant = {right for letter in letters for right in _MEANT[letter]}
    return "".join(right for right in RIGHTS if right in meant)


def obsolete_rights(rights: Iterable[str]) -> str:
    """What of c and d clients of old must be told beside these: each for any right that it stands for."""
    held = set(rights)
    return "".join(old for old, new in _OBSOLETE.items() if not held.isdisjoint(new))
