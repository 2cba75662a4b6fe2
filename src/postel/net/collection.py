"""Python's search for garbage in cycles, and when it is left out.

Gives       settle_for_good, without_collection.

A full collection looks at every object of the process, and holds the interpreter meanwhile: it is only worth its time
where there may be garbage. What the start has made is never any.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_paused = 0


def settle_for_good() -> None:
    """All that there is now stays to the end: no collection looks at it again."""
    gc.collect()
    gc.freeze()


@contextmanager
def without_collection() -> Iterator[None]:
    """No collection meanwhile: for a second at most, in which many objects without cycles are made. On the loop."""
    global _paused
    _paused += 1
    gc.disable()
    try:
        yield
    finally:
        _paused -= 1
        if not _paused:
            gc.enable()
