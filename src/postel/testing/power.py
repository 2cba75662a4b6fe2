"""A disk whose power fails: every write is noted, and a cut leaves only what a real disk might.

Gives       PowerDisk, a recorder for the database (as a SQLite VFS) and for content files (as a contents.Disk), and
            its `cuts`, each of which can be laid out in a directory as the machine would find it afterwards.
Not here    The recorders themselves: testing.power_vfs.

What a disk promises is little (POSIX fsync, and what SQLite's authors assume of it):

    octets and lengths     are there for certain once their file was synced after them. Until then each sector,
                           on its own, may be as it was at any moment since the last sync: lost, reordered, torn
    a sync that failed     makes nothing certain, and a later one that succeeds does not either: the kernel has
                           forgotten which pages it could not write (what was written before must be written again)
    names                  are there, or gone, for certain once their directory was synced; until then, perhaps
    an open file           of a name that is gone is gone too
"""

from __future__ import annotations

import enum
import os
import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final, TypeAlias

from postel.contents import Disk
from postel.testing.power_vfs import PowerVfs, WatchedDisk

SECTOR_BYTES: Final = 512
_UNNOTED: Final = ("-shm",)  # memory that processes share; nothing of it outlives them
_numbers = count(1)

Change: TypeAlias = tuple[int, bytes] | int  # (offset, octets) written, or cut to a length

# Asked before each call that reaches the disk (read, create, change, sync, remove, sync names), with the path: what
# it fails with (an errno), or None when it goes well.
Ailment: TypeAlias = Callable[[str, str], int | None]


class _Fate(enum.Enum):
    OPEN = "written, and not synced since"
    CERTAIN = "synced, but something older is lost"
    LOST = "its sync failed"


class _File:
    """One file, whatever its name: what is certain of it, and what was done since."""

    __slots__ = ("_has_lost", "certain", "late")

    def __init__(self, octets: bytes = b"") -> None:
        self.certain = bytearray(octets)
        self.late: list[tuple[Change, _Fate]] = []
        self._has_lost = False

    def change(self, one: Change) -> None:
        self.late.append((one, _Fate.OPEN))

    def settle(self) -> None:
        """A sync: all is certain but what an earlier one has lost."""
        if self._has_lost:
            self._judge(_Fate.CERTAIN)
            return
        for one, _ in self.late:
            _apply(self.certain, one)
        self.late.clear()

    def forget(self) -> None:
        """A sync that failed."""
        self._judge(_Fate.LOST)
        self._has_lost = bool(self.late)

    def _judge(self, fate: _Fate) -> None:
        self.late = [(one, fate if old is _Fate.OPEN else old) for one, old in self.late]

    def after_cut(self, rng: random.Random, keeps: float) -> bytearray:
        """Its octets, when each sector that is not certain is kept with that probability."""
        found = bytearray(self.certain)
        for one, fate in self.late:
            if fate is _Fate.CERTAIN or keeps == 1.0:
                _apply(found, one)
            elif keeps:
                _apply_some(found, one, rng, keeps)
        return found


def _apply_some(octets: bytearray, change: Change, rng: random.Random, keeps: float) -> None:
    pieces: Iterable[Change] = (change,) if isinstance(change, int) else _sectors(*change)
    for piece in pieces:
        if rng.random() < keeps:
            _apply(octets, piece)


def _apply(octets: bytearray, change: Change) -> None:
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

    @classmethod
    def of(cls, found: Mapping[str, bytes]) -> _Names:
        """Of a disk on which these files lie for certain."""
        files = {name: _File(octets) for name, octets in found.items()}
        return cls(files, dict(files))

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
        for name in {
            **self.certain,
            **self.current,
        }:  # in the order of their making: chance falls the same way
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
    """Everything that happens below a directory, step by step. What lies there already is certain.

    vfs     name it to SqliteDatabase.open; valid while this object lives.
    disk    give it to Contents.
    steps   how many changes have been made so far: the time on this disk's clock.
    ails    what fails, and how (see Ailment); None: nothing.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.steps = 0
        self.ails: Ailment | None = None
        self._log: list[tuple[str, str, Change | None]] = []
        self._found = {
            os.path.relpath(path, directory): path.read_bytes()
            for path in directory.rglob("*")
            if path.is_file()
        }
        self.vfs = f"power-{next(_numbers)}"
        self._registered = PowerVfs(self.vfs, self)
        self.disk: Disk = WatchedDisk(self)

    def close(self) -> None:
        """Forget the VFS; nothing may be opened through it any more."""
        self._registered.unregister()

    def note(self, what: str, path: str, change: Change | None = None) -> None:
        """One step: create, change, sync, lose (a sync that failed), remove, or sync the names of a folder."""
        if not path.endswith(_UNNOTED):
            self._log.append((what, os.path.relpath(path, self.directory), change))
            self.steps += 1

    def ailment(self, what: str, path: str) -> int | None:
        """What a call fails with, if it does."""
        return None if self.ails is None or path.endswith(_UNNOTED) else self.ails(what, path)

    def without_syncs(self, of: str = "") -> PowerDisk:
        """The same life on a disk that only says that it syncs, wherever a path contains `of`: what a test must
        not survive.
        """
        lying = PowerDisk(self.directory)
        lying.close()
        lying.steps, lying._found = self.steps, self._found
        lying._log = [
            ("ignored", path, None) if what == "sync" and of in path else (what, path, change)
            for what, path, change in self._log
        ]
        return lying

    def steps_at(self, part: str) -> list[int]:
        """The steps that concerned a path which contains `part`."""
        return [step for step, (_, path, _) in enumerate(self._log) if part in path]

    def cut_now(self, rng: random.Random) -> Cut:
        """The power goes at this instant."""
        return next(self.cuts(rng, range(self.steps, self.steps + 1)))

    def cuts(self, rng: random.Random, steps: Collection[int] | None = None) -> Iterator[Cut]:
        """The power cut after each of these steps (all of them), and what luck leaves of what was not synced.

        Luck changes from cut to cut: nothing unsynced is kept, or all, or some.
        """
        wanted = range(self.steps + 1) if steps is None else set(steps)
        names = _Names.of(self._found)
        for step in range(self.steps + 1):
            if step in wanted:
                keeps = rng.choice((0.0, 0.5, 0.9, 1.0))
                found = names.after_cut(rng, keeps)
                yield Cut(step, {name: bytes(file.after_cut(rng, keeps)) for name, file in found.items()})
            if step < self.steps:
                _replay(names, *self._log[step])


def _replay(names: _Names, what: str, path: str, change: Change | None) -> None:
    match what:
        case "create":
            names.current.setdefault(path, _File())
        case "change":
            assert change is not None
            names.current[path].change(change)
        case "sync":
            names.current[path].settle()
        case "lose":
            names.current[path].forget()
        case "remove":
            names.current.pop(path, None)
        case "sync names":
            names.settle("" if path == "." else path)
