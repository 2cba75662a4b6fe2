"""Group commit: a batch of units becomes durable together.

Gives       Unit, Committer.
Not here    Who waits for whom, threads: database.sqlite.

    WAITING -> RUN        in the batch's transaction, between SAVEPOINT and RELEASE
            -> FAILED     rolled back to its savepoint, alone; its own exception is its outcome
    RUN     -> DURABLE    the COMMIT of the batch returned            <- the promise is kept here
            -> LOST       the COMMIT (or the engine) failed: DatabaseTrouble for all of the batch
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import apsw

from postel.database.connection import Place, open_writer
from postel.database.faults import DatabaseTrouble
from postel.database.interface import Action, Work
from postel.database.transaction import SqliteTransaction, drive
from postel.database.translate import translate
from postel.observe import logger

CHECKPOINT_PAGES: Final = 1000  # of WAL, about 4 MB: SQLite's own default

_log = logger("database")


class Unit:
    """One piece of work on its way, and how it ended."""

    __slots__ = ("after", "channels", "error", "future", "result", "work")

    def __init__(self, work: Work[Any], future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None
        self.after: Sequence[Action] = ()
        self.channels: frozenset[str] | set[str] = frozenset()


class Committer:
    """Owns the writing connection. Every method runs in the writer's thread."""

    def __init__(self, place: Place, turn: AbstractContextManager[None]) -> None:
        self._place = place
        self._turn = turn
        self._connection: apsw.Connection | None = self._open()
        self._wal_pages = 0
        self._checkpoint_at = CHECKPOINT_PAGES
        self._seen_version = self.others_version()

    def commit(self, units: Sequence[Unit]) -> None:
        """Run the units and make them durable. Each has its outcome when this returns; never raises."""
        try:
            with self._turn:
                connection = self._ready_connection()
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    for unit in units:
                        _run(connection, unit)
                    connection.execute("COMMIT")
                except BaseException:
                    self._recover(connection)
                    raise
        except Exception as error:  # whatever it is, those who wait must hear of it
            self._lose(units, _as_trouble(error))

    def checkpoint_if_due(self) -> None:
        """Move a long WAL into the database file, after the batch was acknowledged."""
        if self._wal_pages < self._checkpoint_at or self._connection is None:
            return
        try:
            total, done = self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            _log.trouble("database_trouble", doing="checkpoint", because=str(error))
            total, done = self._wal_pages, 0
        # A reader (a backup) may hold the WAL back: then it is tried again only when it has grown.
        self._checkpoint_at = CHECKPOINT_PAGES + (0 if total == done else self._wal_pages)
        self._wal_pages = 0 if total == done else self._wal_pages

    def others_version(self) -> int:
        """A number that changes when another connection than this one has committed; 0 for trouble."""
        try:
            rows = self._ready_connection().execute("PRAGMA data_version").fetchall()
        except (apsw.Error, DatabaseTrouble):
            return 0
        return int(rows[0][0])  # type: ignore[arg-type]

    def others_have_committed(self) -> bool:
        """Whether another process has committed since this was last asked."""
        version, seen = self.others_version(), self._seen_version
        self._seen_version = version
        return version != seen

    def close(self) -> None:
        """Close the connection; the last one of all processes moves the WAL into the file."""
        if self._connection is not None:
            self._connection.close(True)
            self._connection = None

    def _open(self) -> apsw.Connection:
        with self._turn:
            connection = open_writer(self._place)
        if self._place.is_file:
            connection.set_wal_hook(self._note_wal)  # also turns SQLite's own checkpoints off
        return connection

    def _note_wal(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _ready_connection(self) -> apsw.Connection:
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def _recover(self, connection: apsw.Connection) -> None:
        """Leave the connection without a transaction, or leave it altogether."""
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except apsw.Error:
            self._connection = None
            connection.close(True)

    def _lose(self, units: Sequence[Unit], trouble: DatabaseTrouble) -> None:
        _log.trouble("database_trouble", doing="commit", units=len(units), because=trouble.reason)
        for unit in units:
            unit.error = unit.error or trouble


def _run(connection: apsw.Connection, unit: Unit) -> None:
    """Run one unit in its savepoint. Raises only what loses the whole batch."""
    connection.execute("SAVEPOINT unit")
    tx = SqliteTransaction(connection)
    try:
        unit.result = drive(unit.work, tx)
        unit.after, unit.channels = tx.after, tx.channels
        if tx.trouble is not None:
            raise tx.trouble
    except BaseException as error:
        unit.error = error
        if not connection.in_transaction:  # SQLite rolled everything back by itself
            raise tx.trouble or DatabaseTrouble("the transaction of the batch is gone") from error
        connection.execute("ROLLBACK TO unit")
    finally:
        tx.end()
    connection.execute("RELEASE unit")


def _as_trouble(error: Exception) -> DatabaseTrouble:
    translated = translate(error) if isinstance(error, apsw.Error) else error
    return translated if isinstance(translated, DatabaseTrouble) else DatabaseTrouble(repr(translated))
