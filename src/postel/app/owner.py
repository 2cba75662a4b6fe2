"""The data directory: made, found usable, and owned by one server at a time.

Gives       make_directory, Owner (a lock that the kernel drops when the process ends, however it ends), server_of,
            AlreadyServed, CannotUse.

Commands such as `postel queue` work beside the server without it: what they do is a transaction.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import Final

from postel.app.privileges import current_user
from postel.observe import logger

log = logger("app")

NAME: Final = "serve.lock"


class AlreadyServed(Exception):
    """Another server works on this data directory; the text names its process."""


class CannotUse(Exception):
    """This is no directory that we can keep mail in; the text says why and what to do."""


def make_directory(directory: Path) -> None:
    """Make a data directory that only its owner may look into, unless it is there. Raises CannotUse."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotUse(_why_not(directory, error)) from None


class Owner:
    """Holds a data directory for this process until `release`."""

    def __init__(self, directory: Path) -> None:
        """Take the directory. Raises AlreadyServed, CannotUse."""
        try:
            self._file = os.open(directory / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CannotUse(_why_not(directory, error)) from None
        try:
            self._lock(directory)
        except BaseException:
            os.close(self._file)
            raise
        _warn_if_open(directory)

    def _lock(self, directory: Path) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(self._file)
            raise AlreadyServed(f"process {holder} already serves {directory}; stop it first") from None
        except OSError as error:
            raise CannotUse(_why_not(directory, error)) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let the directory go."""
        os.close(self._file)


def server_of(directory: Path) -> str | None:
    """The process that serves a data directory now; None where none does, as far as we may know."""
    try:
        file = os.open(directory / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(file)
    finally:
        os.close(file)
    return None


def _holder(file: int) -> str:
    return os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"


def _warn_if_open(directory: Path) -> None:
    """What is inside is closed to others, but names and sizes tell something too."""
    mode = stat.S_IMODE(directory.stat().st_mode)
    if mode & 0o077:
        because = f"others may look into it, or worse ({mode:04o}); say chmod 700 {directory}"
        log.trouble("data_directory_open", directory=directory, because=because)


def _why_not(directory: Path, error: OSError) -> str:
    """A sentence about the directory for people, and what to do."""
    place = Path(os.fsdecode(error.filename)) if error.filename else directory
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{place} is not a directory; name one as data"
    if isinstance(error, PermissionError):
        user = current_user()
        if not directory.exists():
            return f"{user} cannot make {directory}; as root say: install -d -m 700 -o {user} {directory}"
        return f"{user} cannot write to {directory}; as root say: chown -R {user} {directory}"
    if error.errno == errno.EROFS:
        return f"{directory} is on a file system that is mounted read-only; name another place as data"
    return f"{place} cannot be used: {(error.strerror or str(error)).lower()}"
