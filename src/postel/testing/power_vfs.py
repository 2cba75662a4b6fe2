"""The recorders of a PowerDisk: what stands between SQLite, or content files, and the real disk.

Gives       PowerVfs, WatchedDisk, Watcher.
Not here    What a power cut makes of what they note: testing.power.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar

import apsw

from postel.contents import Disk

T = TypeVar("T")
_FULL: Final = frozenset((errno.ENOSPC, errno.EDQUOT))


class Watcher(Protocol):
    """Who is told of each step, and may have it fail."""

    def note(self, what: str, path: str, change: tuple[int, bytes] | int | None = None) -> None:
        """It was done."""

    def ailment(self, what: str, path: str) -> int | None:
        """What it fails with, as an errno."""


# For the database


class PowerVfs(apsw.VFS):
    """The system's own, with every change noted."""

    def __init__(self, name: str, watcher: Watcher) -> None:
        self._watcher = watcher
        super().__init__(name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        """Open a file, and watch it."""
        path = _path_of(name)
        if not os.path.exists(path):
            _check(self._watcher, "create", path)
        return _VfsFile(name, flags, self._watcher)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        """Remove a file."""
        _check(self._watcher, "remove", filename)
        super().xDelete(filename, syncdir)
        self._watcher.note("remove", filename)
        if syncdir:
            self._watcher.note("sync names", os.path.dirname(filename))


class _VfsFile(apsw.VFSFile):
    def __init__(self, name: str | apsw.URIFilename | None, flags: list[int], watcher: Watcher) -> None:
        self._path = _path_of(name)
        self._watcher = watcher
        is_new = not os.path.exists(self._path) or os.path.getsize(self._path) == 0
        # SQLite syncs the directory with the first sync of a journal or WAL that it made (unixSync, DIRSYNC).
        is_journal = flags[0] & (apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL)
        self._names_are_due = bool(is_new and is_journal)
        super().__init__("", name, flags)
        if is_new:
            watcher.note("create", self._path)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        _check(self._watcher, "read", self._path)
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        _check(self._watcher, "change", self._path)
        super().xWrite(data, offset)
        self._watcher.note("change", self._path, (offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        _check(self._watcher, "change", self._path)
        super().xTruncate(newsize)
        self._watcher.note("change", self._path, newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        _check(self._watcher, "sync", self._path)
        super().xSync(flags)
        self._watcher.note("sync", self._path)
        if self._names_are_due:
            self._names_are_due = False
            self._watcher.note("sync names", os.path.dirname(self._path))


def _path_of(name: str | apsw.URIFilename | None) -> str:
    return str(name.filename() if isinstance(name, apsw.URIFilename) else name)


def _check(watcher: Watcher, what: str, path: str) -> None:
    """Raise what SQLite's own VFS would have its engine see."""
    number = watcher.ailment(what, path)
    if number is None:
        return
    if what == "sync":
        watcher.note("lose", path)
    if number in _FULL:
        raise apsw.FullError(os.strerror(number))
    raise apsw.IOError(os.strerror(number))


# For the files of large content


class WatchedDisk(Disk):
    """That of this machine, with every change noted."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._paths: dict[int, str] = {}

    def create(self, path: Path) -> int:
        """See Disk, as for all of these."""
        fd = self._try("create", str(path), lambda: super(WatchedDisk, self).create(path))
        self._paths[fd] = str(path)
        self._watcher.note("create", str(path))
        return fd

    def write(self, fd: int, data: memoryview) -> int:
        """Write."""
        path, at = self._path(fd), os.lseek(fd, 0, os.SEEK_CUR)
        taken = self._try("change", path, lambda: super(WatchedDisk, self).write(fd, data))
        self._watcher.note("change", path, (at, bytes(data[:taken])))
        return taken

    def cut(self, fd: int, size_bytes: int) -> None:
        """Shorten."""
        path = self._path(fd)
        self._try("change", path, lambda: super(WatchedDisk, self).cut(fd, size_bytes))
        self._watcher.note("change", path, size_bytes)

    def sync(self, fd: int) -> None:
        """Sync octets."""
        path = self._path(fd)
        self._try("sync", path, lambda: super(WatchedDisk, self).sync(fd))
        self._watcher.note("sync", path)

    def sync_directory(self, path: Path) -> None:
        """Sync names."""
        self._try("sync names", str(path), lambda: super(WatchedDisk, self).sync_directory(path))
        self._watcher.note("sync names", str(path))

    def remove(self, path: Path) -> None:
        """Remove."""
        self._try("remove", str(path), lambda: super(WatchedDisk, self).remove(path))
        self._watcher.note("remove", str(path))

    def _path(self, fd: int) -> str:
        """Of a descriptor that was made here, or by whoever opened the file again."""
        there = os.readlink(f"/proc/self/fd/{fd}") if os.path.exists("/proc/self/fd") else self._paths[fd]
        return there.removesuffix(" (deleted)")

    def _try(self, what: str, path: str, act: Callable[[], T]) -> T:
        """Raises OSError when the disk ails."""
        number = self._watcher.ailment(what, path)
        if number is not None:
            if what == "sync":
                self._watcher.note("lose", path)
            raise OSError(number, os.strerror(number), path)
        return act()
