"""A few words of a letter, for a list of letters.

Implements  RFC 8970 3 (PREVIEW: plain text, at most 256 characters, 200 being what is asked for).
Gives       preview_of, PREVIEW_LENGTH.

What it quotes of other letters is left out, if it says anything else.
"""

from __future__ import annotations

from typing import Final

PREVIEW_LENGTH: Final = 200  # RFC 8970 3: SHOULD
_WORD: Final = 30  # characters: a longer one is cut
# Characters that are looked at: the second number only where the first ones say too little.
_LOOKED_AT: Final = (3 * PREVIEW_LENGTH, 20 * PREVIEW_LENGTH)


def preview_of(text: str) -> str:
    """One line of at most PREVIEW_LENGTH characters; "" when there is nothing to be read."""
    for length in _LOOKED_AT:
        found = _preview(text[:length])
        if len(found) >= PREVIEW_LENGTH - _WORD or len(text) <= length:
            break
    return found


def _preview(text: str) -> str:
    lines = text.split("\n")
    own = [line for line in lines if line[:1] != ">"]
    return _one_line(own) or _one_line(lines)


def _one_line(lines: list[str]) -> str:
    words = " ".join(lines).split()
    line = " ".join(words)[: PREVIEW_LENGTH + 1]
    if not line.isprintable():
        line = "".join(character for character in line if character.isprintable())
    if len(line) <= PREVIEW_LENGTH:
        return line
    cut = line.rfind(" ", PREVIEW_LENGTH - _WORD, PREVIEW_LENGTH)
    return line[: cut if cut > 0 else PREVIEW_LENGTH]
