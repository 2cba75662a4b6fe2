"""Which messages are recent to a session.

Implements  RFC 3501 2.3.2 (\\Recent: the first session that is notified of a message has it, and no other).
Gives       Recent, NOBODYS.
Not here    Who was first: store.claim_recent.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

NOBODYS: Final = 1 << 32  # beyond the last UID (RFC 9051 9, nz-number)


class Recent:
    """The UIDs that one session was the first to hear of: ranges, ascending and disjoint."""

    __slots__ = ("_starts", "_stops")

    def __init__(self, claimed: range = range(0)) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        self.add(claimed)

    def add(self, claimed: range) -> None:
        """Some more, greater than all before."""
        if not claimed:
            return
        if self._stops and self._stops[-1] == claimed.start:
            self._stops[-1] = claimed.stop
        else:
            self._starts.append(claimed.start)
            self._stops.append(claimed.stop)

    @property
    def first(self) -> int:
        """The least; NOBODYS when there are none."""
        return self._starts[0] if self._starts else NOBODYS

    def __contains__(self, uid: int) -> bool:
        place = bisect_right(self._starts, uid)
        return place > 0 and uid < self._stops[place - 1]

    @property
    def ranges(self) -> Iterable[tuple[int, int]]:
        """First and last, both included."""
        return ((start, stop - 1) for start, stop in zip(self._starts, self._stops, strict=True))
