"""A rule of a standard of IMAP, and what shows that it is kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule.

    rule    where it stands, and what it says.
    said    commands; what comes of all but the last does not matter.
    comes   patterns; the last command's result, then untagged lines that come, each once.
    never   a pattern that no untagged line of the last command has.
    """

    rule: str
    said: tuple[str, ...]
    comes: tuple[str, ...]
    never: str = ""


def clause(rule: str, *said: str, comes: tuple[str, ...] = ("OK",), never: str = "") -> Clause:
    return Clause(rule, said, comes, never)


NO, BAD = ("NO",), ("BAD",)
