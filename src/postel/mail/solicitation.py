"""Classes of solicitation, as SOLICIT and the field Solicitation name them.

Implements  RFC 3865 2.2 (keywords), 2.3 (SOLICIT), 2.5 (the field).
Gives       parse_solicitation, unwanted, SOLICITATION_LIMIT.
Not here    Which classes are unwanted by whom: servers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from postel.mail.fault import BadSyntax

SOLICITATION_LIMIT: Final = 1000  # characters: RFC 3865 2.2
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9._:-]*", re.ASCII)


def parse_solicitation(text: str) -> tuple[str, ...]:
    """The keywords of a list with commas, as written. Raises BadSyntax."""
    if len(text) > SOLICITATION_LIMIT:
        raise BadSyntax(f"solicitation classes take {SOLICITATION_LIMIT} characters at most")
    words = tuple(text.split(","))
    if not all(_WORD.fullmatch(word) for word in words):
        raise BadSyntax("solicitation classes are words such as org.example:ADV, with commas between them")
    return words


def unwanted(keywords: Sequence[str], refused: Collection[str]) -> tuple[str, ...]:
    """Those of the keywords that are among the refused ones, which are in lower case.

    RFC 3865 says nothing of case; a class is not escaped by writing it otherwise.
    """
    return tuple(word for word in keywords if word.lower() in refused)
