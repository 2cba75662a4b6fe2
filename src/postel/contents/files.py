"""The files of large content: made, synced, told from orphans, removed.

Gives       ContentFiles (the directory), DraftFile (one that is being written), OpenFile (one being read).
Not here    Which files are named: contents.rows. Threads: all that blocks here is called in a worker.

A file lies from its first octet where it will stay: `contents/ab/abcd...`. Its writer holds a lock on it
until the transaction that names it is durable. So an orphan is a file that nobody has locked and no row
names, asked in this order; a clock is not needed, and a process that dies leaves no doubt.
"""

from __future__ import annotations

import enum
import errno
import fcntl
import os
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from postel.contents.disk import Disk
from postel.database import DatabaseTrouble
from postel.mail import LocalFault

FOLDER: Final = "contents"
_LOOK_BACK: Final = 64 * 1024  # octets read at a time, from the end
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def disk_trouble(doing: str) -> Iterator[None]:
    """Raise DatabaseTrouble for an OSError."""
    try:
        yield
    except OSError as error:
        raise DatabaseTrouble(f"{doing}: {error.strerror}", is_full=error.errno in _FULL) from error


class ContentFiles:
    """The directory of large contents, `<data>/contents`."""

    def __init__(self, data_directory: Path, disk: Disk) -> None:
        self._root = data_directory / FOLDER
        self._disk = disk
        self._synced: set[str] = set()

    def create(self) -> DraftFile:
        """A new empty file, locked. Blocks; raises DatabaseTrouble."""
        with disk_trouble("cannot make a content file"):
            while True:
                name = secrets.token_hex(16)
                self._make_folder(name[:2])
                path = self.path(name)
                fd = self._disk.create(path)
                fcntl.flock(fd, fcntl.LOCK_EX)
                if _is_at(path, fd):  # else a sweep was faster than our lock
                    return DraftFile(name, path, fd, self._disk)
                os.close(fd)

    def path(self, name: str) -> Path:
        """Where a file of this name lies."""
        return self._root / name[:2] / name

    def folders(self) -> list[str]:
        """The sub-directories there are: the first two characters of names. Blocks."""
        with disk_trouble("cannot list the contents"):
            return sorted(e.name for e in os.scandir(self._root) if e.is_dir()) if self._root.exists() else []

    def names(self, folder: str) -> list[str]:
        """The files of a sub-directory. Blocks."""
        with disk_trouble("cannot list the contents"):
            return [entry.name for entry in os.scandir(self._root / folder)]

    def remove(self, names: Iterable[str]) -> None:
        """Remove files; those already gone are fine. Blocks; raises DatabaseTrouble."""
        with disk_trouble("cannot remove a content file"):
            for name in names:
                self._disk.remove(self.path(name))

    def lock(self, name: str) -> DraftFile | None:
        """Lock a file that its writer may have left; None when somebody lives who holds it. Blocks."""
        with disk_trouble("cannot lock a content file"):
            path = self.path(name)
            try:
                fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                return None
            return DraftFile(name, path, fd, self._disk)

    def is_there(self, name: str) -> bool:
        """Whether there is a file of this name. Blocks."""
        return self.path(name).exists()

    def free_bytes(self) -> int:
        """What a program without privileges may still write to this disk. Blocks; raises DatabaseTrouble."""
        with disk_trouble("cannot tell what is free on the disk"):
            found = os.statvfs(self._root if self._root.exists() else self._root.parent)
            return found.f_bavail * found.f_frsize

    def _make_folder(self, folder: str) -> None:
        """A file is not durable before all directories that lead to it are."""
        if folder in self._synced:
            return
        self._root.mkdir(mode=0o700, exist_ok=True)
        (self._root / folder).mkdir(mode=0o700, exist_ok=True)
        self._disk.sync_directory(self._root)
        self._disk.sync_directory(self._root.parent)
        self._synced.add(folder)


class _State(enum.Enum):
    OPEN = "open"
    CLAIMED = "claimed"  # a transaction has named it; whether that became durable is not known here
    SETTLED = "settled"
    DISCARDED = "discarded"


class DraftFile:
    """A content file and the lock that says its writer lives.

    Workers, the database's writer and the loop all call it, and a cancelled caller may leave a worker
    writing while it discards; so each step has the file for itself.
    """

    __slots__ = ("_disk", "_fd", "_guard", "_path", "_state", "name")

    def __init__(self, name: str, path: Path, fd: int, disk: Disk) -> None:
        self.name = name
        self._disk = disk
        self._path = path
        self._fd = fd
        self._state = _State.OPEN
        self._guard = threading.Lock()

    def __del__(self) -> None:
        if self._fd >= 0:  # the file stays: the lock is gone, so the next sweep finds it
            os.close(self._fd)

    @property
    def is_over(self) -> bool:
        """Whether it was let go or discarded."""
        return self._fd < 0

    @property
    def is_undecided(self) -> bool:
        """Whether a transaction has named it whose end is not known here."""
        return self._state is _State.CLAIMED

    def write(self, data: bytes | bytearray) -> None:
        """Append. Blocks; raises DatabaseTrouble."""
        with self._guard, disk_trouble("cannot write a content file"), memoryview(data) as view:
            self._check_open()
            done = 0
            while done < len(view):
                done += self._disk.write(self._fd, view[done:])

    def sync(self) -> None:
        """Return when the file and its name are on disk. Blocks; raises DatabaseTrouble."""
        with self._guard, disk_trouble("cannot sync a content file"):
            self._check_open()
            self._disk.sync(self._fd)
            self._disk.sync_directory(self._path.parent)

    def read(self, start: int, count: int) -> bytes:
        """Up to `count` octets from `start` of what was written. Blocks; raises DatabaseTrouble."""
        with self._guard, disk_trouble("cannot read a content file"):
            self._check_open()
            return os.pread(self._fd, count, start)

    def size(self) -> int:
        """Octets of the file as it is. Blocks; raises DatabaseTrouble."""
        with self._guard, disk_trouble("cannot look at a content file"):
            self._check_open()
            return os.fstat(self._fd).st_size

    def line_start(self, before: int) -> int:
        """Where the last line that begins at or before an offset begins. Blocks; raises DatabaseTrouble."""
        end = before
        while end > 0:
            start = max(end - _LOOK_BACK, 0)
            found = self.read(start, end - start).rfind(b"\r\n")
            if found >= 0:
                return start + found + 2
            if start == 0:
                break
            end = start + 1  # a CRLF may lie across the border
        return 0

    def cut(self, size_bytes: int) -> None:
        """Forget what comes after that; writing goes on there. Blocks; raises DatabaseTrouble."""
        with self._guard, disk_trouble("cannot cut a content file"):
            self._check_open()
            self._disk.cut(self._fd, size_bytes)

    def claim(self) -> None:
        """A transaction names the file now. Raises LocalFault when it was discarded before that."""
        with self._guard:
            if self._state is _State.DISCARDED:
                raise LocalFault("a discarded draft cannot be kept")
            self._state = _State.CLAIMED

    def let_go(self) -> None:
        """The end of the transaction that named it is known, or the sweep's business: unlock."""
        with self._guard:
            self._state = _State.SETTLED
            self._close()

    def discard(self) -> None:
        """Remove the file, unless a transaction has named it. Blocks; idempotent.

        A file that cannot be removed is left to the sweep.
        """
        with self._guard:
            if self._state is _State.OPEN:
                self._state = _State.DISCARDED
                with suppress(OSError):
                    self._disk.remove(self._path)
                self._close()

    def _check_open(self) -> None:
        if self._fd < 0:
            raise LocalFault("a draft is not written after its end")

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class OpenFile:
    """A content file open for reading. It can be read to its end even when it is removed meanwhile."""

    __slots__ = ("_fd", "_guard")

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._guard = threading.Lock()

    def read(self, start: int, count: int) -> bytes:
        """Up to `count` octets from `start`; b"" at the end. Blocks; raises OSError."""
        with self._guard:
            return os.pread(self._fd, count, start)

    def close(self) -> None:
        """Give it back, when no read is under way any more. Blocks."""
        with self._guard:
            os.close(self._fd)


def _is_at(path: Path, fd: int) -> bool:
    """Whether the open file still has its name: a link elsewhere (a backup) does not count."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(fd))
    except FileNotFoundError:
        return False
