"""Which of several equal processes this one is.

Gives       Part, WHOLE.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from postel.queue import ALONE, Crew


@dataclass(frozen=True, slots=True)
class Part:
    """The number of a worker, from 0 on, and how many there are. A server that is one process is the first of one."""

    number: int = 0
    count: int = 1
    crew: Crew = ALONE

    @property
    def is_first(self) -> bool:
        """Whether this one does what only one may do: schedule what waits, and clear up."""
        return self.number == 0

    @property
    def is_whole(self) -> bool:
        """Whether there is no other."""
        return self.count == 1

    def share(self, limit: int) -> int:
        """What of a limit for all falls to this one."""
        return max(1, limit // self.count)


WHOLE: Final = Part()
