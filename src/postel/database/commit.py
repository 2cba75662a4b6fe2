"""Group commit: a batch of units becomes durable together.

Gives       Unit, Joint, Committer.
Not here    Who waits for whom, and which thread does what: database.sqlite.

    WAITING -> RUN        in the batch's transaction, between SAVEPOINT and RELEASE
            -> FAILED     rolled back to its savepoint, alone; its own exception is its outcome
    RUN     -> DURABLE    the COMMIT of the batch returned            <- the promise is kept here
            -> LOST       the COMMIT (or the engine) failed: DatabaseTrouble for all of the batch

Units that share their work are a joint: one savepoint for all of them. If it fails, each of them is run in one of
its own, so that the failure is that of the unit that caused it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

import apsw

from postel.database.connection import WRITER_PATIENCE_MS, Place, open_writer
from postel.database.faults import DatabaseTrouble
from postel.database.interface import Action, Shared, Transaction, Work
from postel.database.lock import Turn
from postel.database.transaction import SqliteTransaction, drive
from postel.database.translate import translate
from postel.observe import logger

# A batch is cut here (`SqliteTransaction.cost`), a few milliseconds of work: so long the loop does nothing else.
BATCH_COST: Final = 1000
CHECKPOINT_PAGES: Final = 1000  # of WAL, about 4 MB: SQLite's own default

_log = logger("database")


class Unit:
    """One piece of work on its way, and how it ended."""

    __slots__ = ("after", "announced", "channels", "error", "future", "is_apart", "result", "work")

    def __init__(self, work: Work[Any], future: asyncio.Future[Any], *, is_apart: bool = False) -> None:
        self.work = work
        self.future = future
        self.is_apart = is_apart  # a batch of its own, run where it does not hold the loop
        self.result: Any = None
        self.error: BaseException | None = None
        self.after: Sequence[Action] = ()
        self.channels: Iterable[str] = ()
        self.announced: Iterable[str] = ()

    def follow_up(self, other: Unit | SqliteTransaction) -> None:
        """Take over what shall happen once it is durable."""
        self.after, self.channels, self.announced = other.after, other.channels, other.announced

    @property
    def members(self) -> Sequence[Unit]:
        """Itself, as a joint has members."""
        return (self,)

    def run(self, connection: apsw.Connection) -> int:
        """Run it: what it cost. Raises only what loses the batch."""
        return _run(connection, self)


class Joint:
    """Units that share their work."""

    __slots__ = ("items", "members", "weight", "work")

    is_apart: Final = False

    def __init__(self, work: Shared[Any, Any]) -> None:
        self.work = work
        self.items: list[Any] = []
        self.members: list[Unit] = []
        self.weight = 0

    def add(self, item: Any, weight: int, future: asyncio.Future[Any]) -> None:
        """One more."""
        self.weight += weight
        self.items.append(item)
        self.members.append(Unit(partial(_alone, self.work, item), future))

    def run(self, connection: apsw.Connection) -> int:
        """Run them: what it cost. Raises only what loses the batch."""
        first = self.members[0]
        whole = Unit(self._work, first.future)
        cost = _run(connection, whole)
        if whole.error is None:
            for unit, result in zip(self.members, whole.result, strict=True):
                unit.result = result
            first.follow_up(whole)
            return cost
        return cost + sum(_run(connection, unit) for unit in self.members)

    async def _work(self, tx: Transaction) -> Sequence[Any]:
        return await self.work(tx, self.items)


async def _alone(work: Shared[Any, Any], item: Any, tx: Transaction) -> Any:
    (result,) = await work(tx, (item,))
    return result


class Committer:
    """Owns the writing connection. Its methods are called one at a time, from whichever thread.

    try_begin, or else begin -> run -> commit -> end; what fails leaves it ready to begin anew.

    connection  the one that writes; None after trouble, until the next batch.
    """

    def __init__(self, place: Place, turn: Turn) -> None:
        self._place = place
        self._turn = turn
        self.connection: apsw.Connection | None = None
        self._wal_pages = 0
        self._seen_version = 0
        self._turn.take()
        try:
            self._ready_connection()
        finally:
            self._turn.give()
        self._seen_version = self._others_version()

    def try_begin(self) -> bool:
        """Begin a batch if that can be done without waiting for another process. Raises DatabaseTrouble."""
        if self.connection is None or not self._turn.try_take():
            return False
        try:
            self.connection.set_busy_timeout(0)
            self.connection.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:  # a stranger writes, who knows nothing of our turns
            self._turn.give()
            return False
        except apsw.Error as error:
            self._recover()
            raise _as_trouble(error) from error
        return True

    def begin(self) -> bool:
        """Begin a batch: True. Blocks while others have their turn; raises DatabaseTrouble."""
        self._turn.take()
        try:
            connection = self._ready_connection()
            connection.set_busy_timeout(WRITER_PATIENCE_MS)
            connection.execute("BEGIN IMMEDIATE")
        except (apsw.Error, DatabaseTrouble) as error:
            self._recover()
            raise _as_trouble(error) from error
        return True

    def run(self, waiting: deque[Unit | Joint]) -> list[Unit]:
        """Take units off the front and run them, up to the limit of a batch, or to one that runs apart.

        If the engine fails, they all have that for their error, and none is left to commit.
        """
        units: list[Unit] = []
        cost = 0
        try:
            while waiting and cost < BATCH_COST and not waiting[0].is_apart:
                one = waiting.popleft()
                units += one.members
                cost += one.run(self._ready_connection())
        except Exception as error:  # whatever it is, those who wait must hear of it
            lose(units, error)
            self._roll_back()
        return units

    def run_apart(self, unit: Unit) -> Exception | None:
        """Run one unit alone and make it durable, as `run` and `commit`. Blocks for as long as that takes."""
        try:
            unit.run(self._ready_connection())
        except Exception as error:
            lose([unit], error)
            self._roll_back()
        return self.commit() if self.has_begun else None

    @property
    def has_begun(self) -> bool:
        """Whether there is a batch to commit."""
        return self.connection is not None and self.connection.in_transaction

    def commit(self) -> Exception | None:
        """Make the batch durable. Blocks; never raises: what went wrong, if anything.

        In its thread, and kept to the one call that waits for the disk: the thread must win the
        interpreter lock back after each.
        """
        try:
            self._ready_connection().execute("COMMIT")
        except Exception as error:  # whatever it is, those who wait must hear of it
            return error
        return None

    def end(self, units: Sequence[Unit], error: Exception | None) -> None:
        """Each unit has its outcome when this returns, and others have their turn."""
        if error is not None:
            lose(units, error)
        self._recover()

    def is_checkpoint_due(self) -> bool:
        """Whether the WAL has become long: by the pages that we wrote into it."""
        if self.connection is None or not self._place.is_file:
            return False
        written, _ = self.connection.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE, True)
        self._wal_pages += written
        return self._wal_pages >= CHECKPOINT_PAGES

    def checkpoint(self) -> None:
        """Move the WAL into the database file, between two batches. Blocks; never raises."""
        # Where a reader (a backup) holds the WAL back, the rest is moved the next time.
        self._wal_pages = 0
        try:
            self._ready_connection().wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except Exception as error:
            _log.trouble("database_trouble", doing="checkpoint", because=str(error))

    def others_have_committed(self) -> bool:
        """Whether another process has committed since this was last asked."""
        version, seen = self._others_version(), self._seen_version
        self._seen_version = version
        return version != seen

    def close(self) -> None:
        """Close; the last one of all processes moves the WAL into the file. Blocks."""
        if self.connection is not None:
            self.connection.close(True)
            self.connection = None
        self._turn.close()

    def _others_version(self) -> int:
        """A number that changes when another connection than this one has committed."""
        if self.connection is None:
            return self._seen_version
        try:
            rows = self.connection.execute("PRAGMA data_version").fetchall()
        except apsw.Error:
            return self._seen_version
        return int(rows[0][0])  # type: ignore[arg-type]

    def _ready_connection(self) -> apsw.Connection:
        """The connection, opened anew if trouble has made us close it. Raises DatabaseTrouble."""
        if self.connection is None:
            self.connection = open_writer(self._place)
        return self.connection

    def _recover(self) -> None:
        """Leave no transaction behind, and let others have their turn."""
        self._roll_back()
        self._turn.give()

    def _roll_back(self) -> None:
        """A connection that cannot even do that is closed, and opened anew for the next batch."""
        connection = self.connection
        try:
            if connection is not None and connection.in_transaction:
                connection.execute("ROLLBACK")
        except apsw.Error:
            self.connection = None
            if connection is not None:
                connection.close(True)


def lose(units: Iterable[Unit], error: Exception) -> None:
    """The batch is not durable. A unit that had failed by itself keeps its own error."""
    trouble = _as_trouble(error)
    _log.trouble("database_trouble", doing="commit", because=trouble.reason)
    for unit in units:
        if unit.error is None:  # one exception each: a raised one gathers the traceback of its caller
            unit.error = DatabaseTrouble(trouble.reason, is_full=trouble.is_full)


def _run(connection: apsw.Connection, unit: Unit) -> int:
    """Run one unit in its savepoint: what it cost. Raises only what loses the batch."""
    connection.execute("SAVEPOINT unit")
    tx = SqliteTransaction(connection)
    try:
        unit.result = drive(unit.work, tx)
        unit.follow_up(tx)
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
    return tx.cost


def _as_trouble(error: Exception) -> DatabaseTrouble:
    translated = translate(error) if isinstance(error, apsw.Error) else error
    return translated if isinstance(translated, DatabaseTrouble) else DatabaseTrouble(repr(translated))
