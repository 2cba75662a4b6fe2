"""What an import could not take, and why: one letter or one mailbox stops nothing else.

Gives       Skipped, NotTaken, UnreadableLetter, reason_of.
Not here    What stops all: work.CannotDo.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from postel.cli.context import fail_with, plain
from postel.cli.work import CannotDo
from postel.store import OverQuota

SHOWN: Final = 100  # of any more only the number is told


class NotTaken(CannotDo):
    """A mailbox cannot be read, or not any further; the text says why."""


class UnreadableLetter(Exception):
    """One letter cannot be read to its end: which one, and the trouble."""


@dataclass(slots=True)
class Skipped:
    """Gathers them, and tells of them when the rest is in."""

    number: int = 0
    _lines: list[str] = field(default_factory=list)

    def add(self, what: object, why: BaseException) -> None:
        """A message or a mailbox was left out."""
        self.number += 1
        if self.number <= SHOWN:
            self._lines.append(plain(f"Not imported: {what}: {reason_of(why)}"))

    def end(self) -> None:
        """End the command with a line for each and status 1, if there are any."""
        if not self.number:
            return
        more = self.number - len(self._lines)
        fail_with([*self._lines, *([f"and {more} more"] if more else [])])


def reason_of(trouble: BaseException) -> str:
    """What an operator is told."""
    match trouble:
        case OSError(strerror=str(text)):
            return text
        case OverQuota():
            return f"the quota of the account is used up ({trouble}); see: postel account quota --help"
        case _:
            return str(trouble)
