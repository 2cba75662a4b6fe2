"""The wall clock as a value that is passed in, so that tests can own it.

Gives       Clock, SystemClock.
Not here    Waiting: that is asyncio's business, on the loop's own time. The fake clock: testing.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the wall time."""

    def now(self) -> float:
        """Seconds since the Unix epoch."""


class SystemClock:
    """This machine's clock."""

    now = staticmethod(time.time)
