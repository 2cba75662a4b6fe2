"""A consistent copy of the database while it is in use.

Gives       copy_database.
"""

from __future__ import annotations

import os
from pathlib import Path

import apsw

from postel.database.connection import Place, open_reader
from postel.database.faults import DatabaseTrouble
from postel.database.translate import translate


def copy_database(place: Place, to: Path) -> None:
    """Copy to the file `to`, which appears whole or not at all. Blocks; raises DatabaseTrouble.

    One step copies everything, so it is one read transaction: the writer goes on, its WAL grows meanwhile.
    """
    partial = to.with_name(to.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        _copy(place, partial)
        _sync(partial)
        partial.replace(to)
        _sync(to.parent)
    except OSError as error:
        raise DatabaseTrouble(f"cannot write {to}: {error.strerror}") from error
    except apsw.Error as error:
        raise translate(error) from error
    finally:
        partial.unlink(missing_ok=True)


def _copy(place: Place, to: Path) -> None:
    source = open_reader(place)
    target = apsw.Connection(str(to))
    try:
        with target.backup("main", source, "main") as backup:
            while not backup.done:
                backup.step(-1)
    finally:
        source.close(True)
        target.close(True)


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
