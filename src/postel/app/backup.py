"""A consistent copy of a data directory while the server works on it, and the way back.

Gives       backup(data, to, open_database), restore(from_, data); NotEmpty, NotABackup.
Form        A directory with the database and, beside it, the files of large contents.

Content files never change and have names of their own. So: link all files that are there, copy the database,
link what has come since. A file that the copy names and that was swept in between is seen by its absence; then
the database is copied again, and that copy no longer names it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

from postel.contents import FOLDER as CONTENTS
from postel.contents import named_files
from postel.database import FILE_NAME as DATABASE_FILE
from postel.database import Database

ATTEMPTS: Final = 10


class NotEmpty(Exception):
    """The place to write to holds something already."""


class NotABackup(Exception):
    """The place to restore from holds no backup."""


class FilesMissing(Exception):
    """The database names content files that are not there."""


OpenDatabase = Callable[[Path], Awaitable[Database]]


async def backup(database: Database, data: Path, to: Path, open_database: OpenDatabase) -> int:
    """Copy to the new directory `to`; the number of content files in it. Raises NotEmpty, FilesMissing, OSError."""
    _make_empty(to)
    _copy_files(data / CONTENTS, to / CONTENTS)
    for _ in range(ATTEMPTS):
        (to / DATABASE_FILE).unlink(missing_ok=True)
        await database.backup(to / DATABASE_FILE)
        _copy_files(data / CONTENTS, to / CONTENTS)
        named = await _named_files(to, open_database)
        there = {path.name for path in _files(to / CONTENTS)}
        if named <= there:
            for path in _files(to / CONTENTS):
                if path.name not in named:
                    path.unlink()
            return len(named)
    raise FilesMissing(f"{len(named - there)} content files that the database names are gone")


async def restore(from_: Path, data: Path, open_database: OpenDatabase) -> int:
    """Copy a backup into a new data directory. Raises NotABackup, NotEmpty, FilesMissing, OSError."""
    if not (from_ / DATABASE_FILE).is_file():
        raise NotABackup(f"{from_} has no {DATABASE_FILE}: it is no backup")
    named = await _named_files(from_, open_database)
    if missing := named - {path.name for path in _files(from_ / CONTENTS)}:
        raise FilesMissing(f"{len(missing)} content files of this backup are gone")
    _make_empty(data)
    _copy_files(from_ / CONTENTS, data / CONTENTS)
    shutil.copyfile(from_ / DATABASE_FILE, data / DATABASE_FILE)
    os.chmod(data / DATABASE_FILE, 0o600)
    return len(named)


def _make_empty(directory: Path) -> None:
    if directory.exists() and any(directory.iterdir()):
        raise NotEmpty(f"{directory} is not empty; name a new directory")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)


async def _named_files(copy: Path, open_database: OpenDatabase) -> set[str]:
    database = await open_database(copy)
    try:
        return await database.read(lambda tx: named_files(tx, ""))
    finally:
        await database.close()


def _files(directory: Path) -> Iterator[Path]:
    if directory.is_dir():
        yield from (path for folder in sorted(directory.iterdir()) for path in sorted(folder.iterdir()))


def _copy_files(from_: Path, to: Path) -> None:
    """Copy what is not there yet. Files are linked where the file system can do that: they never change."""
    for path in _files(from_):
        copy = to / path.parent.name / path.name
        if copy.exists():
            continue
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.link(path, copy)
        except FileNotFoundError:
            continue  # swept meanwhile
        except OSError:
            shutil.copyfile(path, copy)
