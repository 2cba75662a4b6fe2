"""The tokens of structured header fields, without losing an octet.

Implements  RFC 5322 3.2 (quoted strings, comments, atoms), RFC 6532 3.2 (UTF-8 in them).
Gives       Kind, Token, tokens_of.
Not here    What they mean: addresses (which drops blanks and comments), downgrading.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

COMMENT_DEPTH_LIMIT: Final = 100

_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_LITERAL: Final = re.compile(r"\[(?:[^\[\]\\]|\\.)*+\]", re.DOTALL)
_BLANKS: Final = re.compile(r"[ \t\r\n]+")
_ATOM: Final = re.compile(r'[^ \t\r\n()<>\[\]:;@\\,"]+')
_COMMENT_PART: Final = re.compile(r"\\.|[()]", re.DOTALL)


class Kind(enum.Enum):
    """What a token is."""

    BLANKS = "blanks"
    COMMENT = "comment"
    QUOTED = "quoted string"
    LITERAL = "address literal"
    ATOM = "atoms and dots"
    SPECIAL = "special"
    BROKEN = "what is never closed, to the end"


class Token(NamedTuple):
    """One token, as it stands in the field."""

    kind: Kind
    text: str


def tokens_of(text: str) -> Iterator[Token]:
    """The tokens in order; joined they are `text` again. Costs O(n). Raises nothing."""
    at = 0
    while at < len(text):
        kind, end = _next(text, at)
        yield Token(kind, text[at:end])
        at = end


def _next(text: str, at: int) -> tuple[Kind, int]:
    first = text[at]
    if first == "(":
        end = _after_comment(text, at)
        return (Kind.COMMENT, end) if end > 0 else (Kind.BROKEN, len(text))
    for character, kind, pattern in (('"', Kind.QUOTED, _QUOTED), ("[", Kind.LITERAL, _LITERAL)):
        if first == character:
            match = pattern.match(text, at)
            return (kind, match.end()) if match else (Kind.BROKEN, len(text))
    if match := _BLANKS.match(text, at):
        return Kind.BLANKS, match.end()
    if match := _ATOM.match(text, at):
        return Kind.ATOM, match.end()
    return Kind.SPECIAL, at + 1


def _after_comment(text: str, at: int) -> int:
    """The place after the comment that begins at `at`; -1 when it is never closed, or nests too deep."""
    depth = 0
    for part in _COMMENT_PART.finditer(text, at):
        depth += {"(": 1, ")": -1}.get(part.group(), 0)
        if depth == 0:
            return part.end()
        if depth > COMMENT_DEPTH_LIMIT:
            return -1
    return -1
