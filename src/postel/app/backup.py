"""A consistent copy of a data directory while the server works on it, and the way back.

Gives       backup, restore; NotEmpty, NotABackup, FilesMissing.
Form        A directory as the data directory is: the database, the files of large contents, the certificate.

A content file is complete before a row names it, never changes, and has a name of its own (those of interrupted
transactions do not, and stay behind: such a transaction begins anew). So: copy the database,
then the files that the copy names. A file that was swept in between is missed; then the database is copied again,
and that copy no longer names it. What was copied before need not be again, so this comes to its end.

A backup is on disk when `backup` returns, and `restore` finds out one that was broken off.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from postel.contents import FOLDER as CONTENTS
from postel.contents import content_files
from postel.database import FILE_NAME as DATABASE_FILE
from postel.database import Database

ATTEMPTS: Final = 20
CERTIFICATE: Final = "tls"  # the folder with the certificate that we made ourselves, if we did
_PARTIAL: Final = ".partial"


class NotEmpty(Exception):
    """The place to write to holds something already."""


class NotABackup(Exception):
    """The place to restore from holds no backup."""


class FilesMissing(Exception):
    """The database names content files that are not there."""


OpenDatabase = Callable[[Path], Awaitable[Database]]


async def backup(database: Database, data: Path, to: Path, open_database: OpenDatabase) -> int:
    """Copy to the new directory `to`; the number of content files in it.

    Content files are linked where the file system can do that. Raises NotEmpty, FilesMissing, DatabaseTrouble,
    OSError.
    """
    _make_empty(to)
    for _ in range(ATTEMPTS):
        (to / DATABASE_FILE).unlink(missing_ok=True)
        await database.backup(to / DATABASE_FILE)
        named = await _named_files(to, open_database)
        missing = _copy_contents(data, to, named, may_link=True)
        if not missing:
            _copy_folder(data / CERTIFICATE, to / CERTIFICATE)
            _drop_others(to, named)
            _sync_folders(to)
            return len(named)
    raise FilesMissing(f"{len(missing)} content files that the database names are gone")


async def restore(from_: Path, data: Path, open_database: OpenDatabase) -> int:
    """Copy a backup to a new data directory; the number of content files in it.

    Nothing is left there when it fails. Raises NotABackup, NotEmpty, FilesMissing, DatabaseTrouble, OSError.
    """
    if not (from_ / DATABASE_FILE).is_file():
        raise NotABackup(f"{from_} has no {DATABASE_FILE}: it is no backup")
    _make_empty(data)
    try:
        _copy_file(from_ / DATABASE_FILE, data / DATABASE_FILE)
        named = await _named_files(data, open_database)
        if missing := _copy_contents(from_, data, named, may_link=False):
            raise FilesMissing(f"{len(missing)} content files are not in this backup: it was broken off")
        _copy_folder(from_ / CERTIFICATE, data / CERTIFICATE)
        _sync_folders(data)
    except BaseException:
        for path in data.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise
    return len(named)


def _make_empty(directory: Path) -> None:
    if directory.is_file() or (directory.exists() and any(directory.iterdir())):
        raise NotEmpty(f"{directory} is not empty; name a new directory")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)


async def _named_files(copy: Path, open_database: OpenDatabase) -> set[str]:
    """The content files that a copy of the database names."""
    database = await open_database(copy)
    try:
        return await database.read(lambda tx: content_files(tx))
    finally:
        await database.close()


def _copy_contents(from_: Path, to: Path, named: Iterable[str], *, may_link: bool) -> set[str]:
    """Copy those that are not there yet; the names of those that are not to be had."""
    places = {path.name: path for path in _files(from_ / CONTENTS)}
    missing = set()
    for name in named:
        place = places.get(name)
        copy = None if place is None else to / CONTENTS / place.parent.name / name
        if place is None or copy is None:
            missing.add(name)
        elif not copy.exists():
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not ((may_link and _link(place, copy)) or _copy_file(place, copy)):
                missing.add(name)
    return missing


def _link(place: Path, copy: Path) -> bool:
    """False where that cannot be done."""
    try:
        os.link(place, copy, follow_symlinks=False)
    except OSError:
        return False
    return True


def _copy_file(place: Path, copy: Path) -> bool:
    """Copy, so that the copy appears when it is whole and on disk; False when there is nothing to copy."""
    partial = copy.with_name(copy.name + _PARTIAL)
    try:
        file = place.open("rb")
    except FileNotFoundError:
        return False
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with file, os.fdopen(descriptor, "wb") as out:
        shutil.copyfileobj(file, out, 1024 * 1024)
        out.flush()
        os.fsync(out.fileno())
    partial.rename(copy)
    return True


def _copy_folder(from_: Path, to: Path) -> None:
    if from_.is_dir():
        to.mkdir(mode=0o700, exist_ok=True)
        for path in from_.iterdir():
            if path.is_file():
                _copy_file(path, to / path.name)


def _drop_others(copy: Path, named: set[str]) -> None:
    """Take away what earlier attempts copied, and what opening the database has left."""
    for path in _files(copy / CONTENTS):
        if path.name not in named:
            path.unlink()
    for path in copy.iterdir():
        if path.is_file() and path.name != DATABASE_FILE:
            path.unlink()


def _files(directory: Path) -> Iterator[Path]:
    """The files of contents, which lie in folders."""
    if directory.is_dir():
        for folder in sorted(directory.iterdir()):
            yield from sorted(folder.iterdir())


def _sync_folders(directory: Path) -> None:
    for folder in (directory, *(path for path in directory.rglob("*") if path.is_dir())):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
