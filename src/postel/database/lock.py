"""Whose turn it is to write, among processes that share a data directory.

Gives       Turn, FileTurn, FreeTurn.

SQLite's own lock is polled with sleeps in between; the kernel queues those who wait for a file lock, so
that writers take turns without delay, and a process that dies gives its turn back.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol

from postel.database.faults import DatabaseTrouble


class Turn(Protocol):
    """Held from before BEGIN IMMEDIATE until after COMMIT."""

    def try_take(self) -> bool:
        """Take it if nobody else has it. Raises DatabaseTrouble."""

    def take(self) -> None:
        """Wait for it. Blocks; raises DatabaseTrouble."""

    def give(self) -> None:
        """Give it back."""

    def close(self) -> None:
        """No more turns."""


class FileTurn:
    """An exclusive lock on a file."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DatabaseTrouble(f"cannot open {path}: {error.strerror}") from error

    def try_take(self) -> bool:
        """Take it if nobody else has it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise DatabaseTrouble(f"cannot lock the data directory: {error.strerror}") from error
        return True

    def take(self) -> None:
        """Wait for it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError as error:
            raise DatabaseTrouble(f"cannot lock the data directory: {error.strerror}") from error

    def give(self) -> None:
        """Give it back."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)


class FreeTurn:
    """Nobody else is there: a database in memory."""

    def try_take(self) -> bool:
        """Always."""
        return True

    def take(self) -> None:
        """At once."""

    def give(self) -> None:
        """Nothing to give."""

    def close(self) -> None:
        """Nothing to close."""
