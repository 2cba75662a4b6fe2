"""One server to a data directory.

Gives       Owner: a lock that the kernel drops when the process ends, however it ends.

Commands such as `postel queue` work beside the server without it: what they do is a transaction.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

NAME: Final = "serve.lock"


class AlreadyServed(Exception):
    """Another server works on this data directory; the text names its process."""


class Owner:
    """Holds a data directory for this process until `release`."""

    def __init__(self, directory: Path) -> None:
        """Take the directory. Raises AlreadyServed, OSError."""
        self._file = os.open(directory / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise AlreadyServed(f"process {holder} already serves {directory}; stop it first") from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the directory go."""
        os.close(self._file)
