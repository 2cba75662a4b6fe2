"""Whose turn it is to write, among processes that share a data directory.

Gives       Turn: a context manager held from before BEGIN IMMEDIATE until after COMMIT.

SQLite's own lock is polled with sleeps in between; the kernel queues those who wait for a file lock, so
that writers take turns without delay, and a process that dies gives its turn back.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from postel.database.faults import DatabaseTrouble


class Turn:
    """An exclusive lock on a file. One thread of a process uses it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError as error:
            raise DatabaseTrouble(f"cannot lock the data directory: {error.strerror}") from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)
