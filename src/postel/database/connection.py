"""Connections to one SQLite database, set up the way all of Postel relies on.

Gives       Place (where the database is), open_writer, open_reader.

The standard library's sqlite3 must never open the file: it may link a SQLite whose WAL can lose committed
writes, and two SQLite libraries in one process drop each other's POSIX locks.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from postel.database.faults import DatabaseTrouble
from postel.database.translate import translate

FILE_NAME: Final = "postel.db"
APPLICATION_ID: Final = 0x706F7374  # "post": what file(1) and we recognise the file by
STATEMENTS_KEPT: Final = 256  # prepared statements a connection keeps: more than all rooms have
WRITER_CACHE_KIB: Final = 32 * 1024  # a batch should fit: what does not is written before its commit
READER_CACHE_KIB: Final = 8 * 1024
WRITER_PATIENCE_MS: Final = 10_000  # others of ours wait for the process lock; this is for strangers
READER_PATIENCE_MS: Final = 1_000  # a reader of a WAL waits only while another process recovers it
WAL_KEPT_BYTES: Final = 64 * 1024 * 1024  # a WAL that a long backup made longer is cut to this

_names = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is: a file, or memory that all connections of this place share."""

    path: str
    is_file: bool
    vfs: str = ""  # SQLite's name for what stands between it and the disk; "" is the system's own

    @property
    def is_shared(self) -> bool:
        """Whether other processes may have it open: a VFS that this one registered leads nobody else there."""
        return self.is_file and not self.vfs

    @classmethod
    def in_directory(cls, directory: Path, vfs: str = "") -> Place:
        """`postel.db` in a directory, readable by us alone."""
        try:
            if not directory.exists():
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                sync_directory(directory.parent)  # that of the file itself is SQLite's business
            path = directory / FILE_NAME
            # SQLite gives the WAL the permissions of the file, so it is enough to make the file first.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise DatabaseTrouble(f"cannot open {directory}: {error.strerror}") from error
        return cls(str(path), True, vfs)

    @classmethod
    def in_memory(cls) -> Place:
        """A private database, gone with its last connection."""
        return cls(f"file:/postel-{next(_names)}?vfs=memdb", False)


def sync_directory(path: Path) -> None:
    """Return when the names in a directory are on disk. Raises OSError."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def open_writer(place: Place) -> apsw.Connection:
    """The connection that writes. Raises DatabaseTrouble."""
    connection = _connect(place, WRITER_PATIENCE_MS)
    try:
        _set(connection, "journal_mode", "WAL" if place.is_file else "MEMORY")
        if connection.execute("PRAGMA application_id").fetchall() != [(APPLICATION_ID,)]:
            _set(connection, "application_id", APPLICATION_ID)  # a commit, which others would notice
        # FULL: the WAL is synced by every commit, so that "committed" means "survives a power cut".
        _set(connection, "synchronous", "FULL" if place.is_file else "OFF")
        _set(connection, "fullfsync", "ON")  # where fsync alone does not reach the platter (macOS)
        _set(connection, "wal_autocheckpoint", 0)  # we checkpoint after the batch is acknowledged
        _set(connection, "journal_size_limit", WAL_KEPT_BYTES)
        _set(connection, "cache_size", -WRITER_CACHE_KIB)
    except apsw.Error as error:
        connection.close(True)
        raise translate(error) from error
    return connection


def open_reader(place: Place) -> apsw.Connection:
    """A connection that can only read, and never checkpoints. Raises DatabaseTrouble."""
    connection = _connect(place, READER_PATIENCE_MS)
    try:
        _set(connection, "wal_autocheckpoint", 0)
        _set(connection, "cache_size", -READER_CACHE_KIB)
        _set(connection, "query_only", "ON")
    except apsw.Error as error:
        connection.close(True)
        raise translate(error) from error
    return connection


def _connect(place: Place, patience_ms: int) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    if not place.is_file:
        flags |= apsw.SQLITE_OPEN_URI
    try:
        connection = apsw.Connection(
            place.path, flags=flags, vfs=place.vfs or None, statementcachesize=STATEMENTS_KEPT
        )
        connection.set_busy_timeout(patience_ms)
        # Plans are made once. Else (STAT4) a query for a range is prepared anew each time, at four times its cost.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        _set(connection, "foreign_keys", "ON")
        _set(connection, "trusted_schema", "OFF")
        _set(connection, "temp_store", "MEMORY")
    except apsw.Error as error:
        raise translate(error) from error
    return connection


def _set(connection: apsw.Connection, name: str, value: str | int) -> None:
    connection.execute(f"PRAGMA {name} = {value}").fetchall()
