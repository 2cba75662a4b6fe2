"""Which of several equal processes this one is.

Gives       Part, WHOLE, ONE_WORKERS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from postel.queue import ALONE, Crew

ONE_WORKERS: Final = "odmr"  # the protocol whose connections the scheduler must have


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

    def serves(self, protocol: str) -> bool:
        """Whether it accepts connections of that protocol. Who fetches mail by ATRN is handed over to the scheduler."""
        return self.is_first or protocol != ONE_WORKERS

    def share(self, limit: int) -> int:
        """What of a limit for all falls to this one."""
        return max(1, limit // self.count)


WHOLE: Final = Part()
