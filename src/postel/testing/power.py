"""A disk whose power fails: every write is noted, and a cut leaves only what a real disk might.

Gives       PowerDisk, a recorder for the database (as a SQLite VFS) and for content files (as a contents.Disk), and
            its `cuts`, each of which can be laid out in a directory as the machine would find it afterwards.

What a disk promises is little (POSIX fsync, and what SQLite's authors assume of it):

    octets and lengths     are there for certain once their file was synced after them. Until then each sector,
                           on its own, may be as it was at any moment since the last sync: lost, reordered, torn
    names                  are there, or gone, for certain once their directory was synced; until then, perhaps
    an open file           of a name that is gone is gone too
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import apsw

from postel.contents import Disk

SECTOR_BYTES: Final = 512
_UNNOTED: Final = ("-shm",)  # memory that processes share; nothing of it outlives them
_numbers = count(1)


class _File:
    """One file, whatever its name: what is certain of it, and what was done since."""

    __slots__ = ("certain", "pending")

    def __init__(self) -> None:
        self.certain = bytearray()
        self.pending: list[tuple[int, bytes] | int] = []  # (offset, octets) written, or cut to a length

    def settle(self) -> None:
        for one in self.pending:
            _apply(self.certain, one)
        self.pending.clear()

    def after_cut(self, rng: random.Random, keeps: float) -> bytearray:
        """Its octets, when each sector written since the last sync is kept with that probability."""
        found = bytearray(self.certain)
        for one in self.pending:
            if isinstance(one, int):
                if rng.random() < keeps:
                    _apply(found, one)
            else:
                for piece in _sectors(*one):
                    if rng.random() < keeps:
                        _apply(found, piece)
        return found


def _apply(octets: bytearray, change: tuple[int, bytes] | int) -> None:
    if isinstance(change, int):
        del octets[change:]
        octets.extend(bytes(max(0, change - len(octets))))
        return
    offset, data = change
    octets.extend(bytes(max(0, offset - len(octets))))
    octets[offset : offset + len(data)] = data


def _sectors(offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    """A write as the disk does it: cut where sectors end."""
    at = 0
    while at < len(data):
        stop = at + SECTOR_BYTES - (offset + at) % SECTOR_BYTES
        yield offset + at, data[at:stop]
        at = stop


@dataclass(slots=True)
class _Names:
    """Which names lead to which files: for certain, and as of now."""

    certain: dict[str, _File] = field(default_factory=dict)
    current: dict[str, _File] = field(default_factory=dict)

    def settle(self, folder: str) -> None:
        for name in {*self.certain, *self.current}:
            if os.path.dirname(name) == folder:
                self._settle_one(name)

    def _settle_one(self, name: str) -> None:
        if name in self.current:
            self.certain[name] = self.current[name]
        else:
            self.certain.pop(name, None)

    def after_cut(self, rng: random.Random, keeps: float) -> dict[str, _File]:
        found = dict(self.certain)
        for name in sorted({*self.certain, *self.current}):
            if self.certain.get(name) is not self.current.get(name) and rng.random() < keeps:
                if name in self.current:
                    found[name] = self.current[name]
                else:
                    del found[name]
        return found


@dataclass(frozen=True, slots=True)
class Cut:
    """The power went after `step` steps.

    files   what is found afterwards, by path below the directory.
    """

    step: int
    files: dict[str, bytes]

    def lay_out(self, directory: Path) -> Path:
        """Write what is left into a new directory."""
        for name, octets in self.files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(octets)
        return directory


class PowerDisk:
    """Everything that happens below a directory, step by step.

    vfs     name it to SqliteDatabase.open; valid while this object lives.
    disk    give it to Contents.
    steps   how many changes have been made so far: the time on this disk's clock.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.steps = 0
        self._log: list[tuple[str, str, tuple[int, bytes] | int | None]] = []
        self.vfs = f"power-{next(_numbers)}"
        self._registered = _Vfs(self.vfs, self)
        self.disk: Disk = _NotedDisk(self)

    def close(self) -> None:
        """Forget the VFS; nothing may be open through it any more."""
        self._registered.unregister()

    def note(self, what: str, path: str, change: tuple[int, bytes] | int | None = None) -> None:
        """One step: create, change, sync, remove, or sync the names of a folder."""
        if not path.endswith(_UNNOTED):
            self._log.append((what, os.path.relpath(path, self._directory), change))
            self.steps += 1

    def without_syncs(self) -> PowerDisk:
        """The same life on a disk that only says that it syncs: what a test must not survive."""
        lying = PowerDisk(self._directory)
        lying.close()
        lying.steps = self.steps
        lying._log = [
            ("ignored", path, None) if what == "sync" else (what, path, change)
            for what, path, change in self._log
        ]
        return lying

    def cuts(self, rng: random.Random, steps: range | None = None) -> Iterator[Cut]:
        """The power cut after each of these steps (all of them), and what luck leaves of what was not synced.

        Luck changes from cut to cut: nothing unsynced is kept, or all, or some.
        """
        wanted = set(range(self.steps + 1) if steps is None else steps)
        names = _Names()
        for step in range(self.steps + 1):
            if step in wanted:
                keeps = rng.choice((0.0, 0.5, 0.9, 1.0))
                found = names.after_cut(rng, keeps)
                yield Cut(step, {name: bytes(file.after_cut(rng, keeps)) for name, file in found.items()})
            if step < self.steps:
                _replay(names, *self._log[step])


def _replay(names: _Names, what: str, path: str, change: tuple[int, bytes] | int | None) -> None:
    match what:
        case "create":
            names.current.setdefault(path, _File())
        case "change":
            assert change is not None
            names.current[path].pending.append(change)
        case "sync":
            names.current[path].settle()
        case "remove":
            names.current.pop(path, None)
        case "sync names":
            names.settle("" if path == "." else path)


# For the database


class _Vfs(apsw.VFS):
    """The system's own, with every change noted."""

    def __init__(self, name: str, noted: PowerDisk) -> None:
        self._noted = noted
        super().__init__(name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _VfsFile(name, flags, self._noted)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self._noted.note("remove", filename)
        if syncdir:
            self._noted.note("sync names", os.path.dirname(filename))


class _VfsFile(apsw.VFSFile):
    def __init__(self, name: str | apsw.URIFilename | None, flags: list[int], noted: PowerDisk) -> None:
        self._path = str(name.filename() if isinstance(name, apsw.URIFilename) else name)
        self._noted = noted
        is_new = not os.path.exists(self._path) or os.path.getsize(self._path) == 0
        # SQLite syncs the directory with the first sync of a journal or WAL that it made (unixSync, DIRSYNC).
        is_journal = flags[0] & (apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL)
        self._names_are_due = bool(is_new and is_journal)
        super().__init__("", name, flags)
        if is_new:
            noted.note("create", self._path)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self._noted.note("change", self._path, (offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._noted.note("change", self._path, newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._noted.note("sync", self._path)
        if self._names_are_due:
            self._names_are_due = False
            self._noted.note("sync names", os.path.dirname(self._path))


# For the files of large content


class _NotedDisk(Disk):
    """That of this machine, with every change noted."""

    def __init__(self, noted: PowerDisk) -> None:
        self._noted = noted
        self._paths: dict[int, str] = {}

    def create(self, path: Path) -> int:
        fd = super().create(path)
        self._paths[fd] = str(path)
        self._noted.note("create", str(path))
        return fd

    def write(self, fd: int, data: memoryview) -> int:
        at = os.lseek(fd, 0, os.SEEK_CUR)
        taken = super().write(fd, data)
        self._noted.note("change", self._paths[fd], (at, bytes(data[:taken])))
        return taken

    def cut(self, fd: int, size_bytes: int) -> None:
        super().cut(fd, size_bytes)
        self._noted.note("change", self._paths[fd], size_bytes)

    def sync(self, fd: int) -> None:
        super().sync(fd)
        self._noted.note("sync", self._paths[fd])

    def sync_directory(self, path: Path) -> None:
        super().sync_directory(path)
        self._noted.note("sync names", str(path))

    def remove(self, path: Path) -> None:
        super().remove(path)
        self._noted.note("remove", str(path))
