"""A few words of a letter, for a list of letters.

Implements  RFC 8970 3 (PREVIEW: plain text, at most 256 characters, 200 being what is asked for).
Gives       preview_of, PREVIEW_LENGTH.

What it quotes of other letters is left out, if it says anything else.
"""

from __future__ import annotations

from typing import Final

PREVIEW_LENGTH: Final = 200  # RFC 8970 3: SHOULD
_LINES_LOOKED_AT: Final = 60


def preview_of(text: str) -> str:
    """One line of at most PREVIEW_LENGTH characters; "" when there is nothing to be read."""
    lines = text[: PREVIEW_LENGTH * 20].split("\n", _LINES_LOOKED_AT)
    own = [line for line in lines if line[:1] != ">"]
    return _one_line(own) or _one_line(lines)


def _one_line(lines: list[str]) -> str:
    words = " ".join(lines).split()
    line = " ".join(words)[: PREVIEW_LENGTH + 1]
    if not line.isprintable():
        line = "".join(character for character in line if character.isprintable())
    if len(line) <= PREVIEW_LENGTH:
        return line
    cut = line.rfind(" ", PREVIEW_LENGTH - 30, PREVIEW_LENGTH)
    return line[: cut if cut > 0 else PREVIEW_LENGTH]
