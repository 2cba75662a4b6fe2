"""Sort in steps: as `list.sort` does, but never for long without letting other threads run.

Gives       sort_apart.

`list.sort` holds the interpreter from its beginning to its end: 100 ms for 100,000 pairs. So what is long is first
dealt out, by keys that lie evenly among all, into buckets that are sorted one by one. Costs O(n log n), as one does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

T = TypeVar("T")

AT_ONCE: Final = 4096  # items: some two milliseconds
_LOOKED_AT: Final = 8  # keys for each bucket, to find where it begins


def sort_apart(items: Sequence[T], key: Callable[[T], Any], *, reverse: bool = False) -> list[T]:
    """The items in the order of their keys. Equals keep their order, reversed or not."""
    if len(items) <= AT_ONCE:
        return sorted(items, key=key, reverse=reverse)
    bounds = _bounds(items, key)
    buckets: list[list[T]] = [[] for _ in range(len(bounds) + 1)]
    for item in items:
        buckets[bisect_right(bounds, key(item))].append(item)
    found: list[T] = []
    for bucket in reversed(buckets) if reverse else buckets:
        bucket.sort(key=key, reverse=reverse)
        found += bucket
    return found


def _bounds(items: Sequence[T], key: Callable[[T], Any]) -> list[Any]:
    """Keys that part the items into buckets of some AT_ONCE / 2; fewer where many keys are equal."""
    number = 2 * len(items) // AT_ONCE
    step = max(1, len(items) // (number * _LOOKED_AT))
    looked_at = sorted(key(item) for item in items[::step])
    return list(dict.fromkeys(looked_at[_LOOKED_AT - 1 :: _LOOKED_AT]))
