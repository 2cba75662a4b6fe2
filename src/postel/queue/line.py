"""Who waits in line, each with a level: higher ones first, and nobody for ever.

Implements  RFC 6710 5.1 (what has a higher priority goes first).
Gives       Line.

Whoever has waited longest gets every eighth turn, whatever its level, so that no stream of urgent things can
keep the others waiting without an end. Among equals the first comes first, or the last where that is asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import count
from typing import Final, Generic, TypeVar

T = TypeVar("T")

FAIR_TURN: Final = 8


class Line(Generic[T]):
    """A line with levels. Every step costs O(levels in use), which is one for ordinary mail."""

    __slots__ = ("_count", "_levels", "_ticket", "_turn")

    def __init__(self) -> None:
        self._levels: dict[int, deque[tuple[int, T]]] = {}
        self._ticket = count()
        self._turn = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        for level in sorted(self._levels, reverse=True):
            yield from (item for _, item in self._levels[level])

    @property
    def highest(self) -> int | None:
        """The highest level there is; None when nobody waits."""
        return max(self._levels, default=None)

    def append(self, item: T, level: int = 0) -> None:
        """Somebody comes to the end of the line of that level."""
        line = self._levels.get(level)
        if line is None:
            line = self._levels[level] = deque()
        line.append((next(self._ticket), item))
        self._count += 1

    def pop(self, *, takes_last: bool = False) -> T:
        """Whose turn it is; with `takes_last` who came last among equals. Somebody must be waiting."""
        level = self._next_level()
        line = self._levels[level]
        _, item = line.pop() if takes_last else line.popleft()
        self._count -= 1
        if not line:
            del self._levels[level]
        return item

    def clear(self) -> None:
        """Everybody leaves."""
        self._levels.clear()
        self._count = 0

    def _next_level(self) -> int:
        if len(self._levels) < 2:
            self._turn = 0
            return next(iter(self._levels))
        self._turn += 1
        if self._turn % FAIR_TURN:
            return max(self._levels)
        return min(self._levels, key=lambda level: self._levels[level][0][0])
