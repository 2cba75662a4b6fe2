"""How much room the disk of the data directory has.

Implements  RFC 1870 6.1 ("whether sufficient resources are available").
Gives       FreeSpace.
Not here    How much is to stay free, and what is said then: servers.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from postel.database import DatabaseTrouble
from postel.net import Clock, Workers

REMEMBERED_S: Final = 5.0  # at a gigabyte a second the disk is not full before we look again


class FreeSpace:
    """Measured now and then, and remembered between: asking costs nothing."""

    def __init__(self, directory: Path, clock: Clock, workers: Workers) -> None:
        self._directory = directory
        self._clock = clock
        self._workers = workers
        self._measured_at = -REMEMBERED_S
        self._free_bytes = 0

    async def __call__(self) -> int:
        """Octets that we may still write. Raises DatabaseTrouble."""
        now = self._clock.now()
        if not 0 <= now - self._measured_at < REMEMBERED_S:
            self._free_bytes = await self._workers.run(self._measure)
            self._measured_at = now
        return self._free_bytes

    def _measure(self) -> int:
        try:
            found = os.statvfs(self._directory)
        except OSError as error:
            raise DatabaseTrouble(f"cannot measure the disk: {error.strerror}") from error
        return found.f_bavail * found.f_frsize
