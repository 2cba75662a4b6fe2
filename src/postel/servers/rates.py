"""How often one client may do something within an hour.

Implements  RFC 2505 2.8 (rate control), RFC 5321 7.8.
Gives       Rates.
Not here    What is counted, and what is said: servers.smtpd_access. Connections at a time: servers.admission.

Each key has a bucket that holds as much as the limit and fills evenly over the hour, so a burst is fine and a flood is
not. The least recently seen key is forgotten: its bucket would be fullest.
"""

from __future__ import annotations

from typing import Final

from postel.net import Remembered, RememberedHere

HOUR_S: Final = 3600.0
KEYS_LIMIT: Final = 10_000  # clients that are remembered


class Rates:
    """Counts for one limit: `per_hour` of each key, which may be changed. `memory` may be that of several processes."""

    def __init__(self, per_hour: int, memory: Remembered | None = None) -> None:
        self.per_hour = per_hour
        self._left = memory or RememberedHere(KEYS_LIMIT)

    def take(self, key: str, now: float) -> bool:
        """Whether there was one left; then it is taken."""
        left, then, _ = self._left.get(key) or (float(self.per_hour), now, 0.0)
        left = min(self.per_hour, left + max(0.0, now - then) * self.per_hour / HOUR_S)
        is_left = left >= 1.0
        self._left.put(key, (left - is_left, now, 0.0))
        return is_left
