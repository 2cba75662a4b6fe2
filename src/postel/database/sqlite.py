"""The embedded engine: one SQLite database, one writer, group commit.

Implements  Database (database.interface).
Gives       SqliteDatabase.
Not here    Batches: database.group. The schema: each room's MIGRATIONS.

Reading is done on the loop, through a connection of its own: in WAL mode it never waits for the writer. Each commit
empties the cache of that one, so the writer's, which has just that in its cache, is read through while it is idle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import apsw

from postel.database.backup import copy_database
from postel.database.bell import ALL, Bell
from postel.database.commit import Committer
from postel.database.connection import READER_PATIENCE_MS, Place, open_reader
from postel.database.faults import DatabaseTrouble
from postel.database.group import GroupCommit
from postel.database.interface import Action, Migration, Shared, Transaction, Work
from postel.database.lane import InlineLane, Lane, ThreadLane
from postel.database.lock import FileTurn, FreeTurn, Turn
from postel.database.migrations import migrate
from postel.database.transaction import SqliteTransaction, drive
from postel.database.translate import translate
from postel.mail import LocalFault

S = TypeVar("S")
T = TypeVar("T")

LOCK_NAME: Final = "postel.lock"
# How soon another process's commit is noticed where no bell rings for it: of a stranger, or of one that was killed.
LOOK_EVERY_S: Final = 30.0
LOOK_OFTEN_S: Final = 1.0  # where there is no place for bells


class SqliteDatabase:
    """Database on one file, or in memory. Made by `open`; belongs to the loop it was opened on."""

    def __init__(self, place: Place, turn: Turn, lane: Lane) -> None:
        self._loop = asyncio.get_running_loop()
        self._place = place
        self._lane = lane
        self._committer = Committer(place, turn)
        self._reader = open_reader(place)
        self._bell = Bell(self._loop, Path(place.path).parent, self._others_rang) if place.is_shared else None
        self._group = GroupCommit(self._loop, self._committer, lane, self._ring)
        self._is_reading = False
        self._is_closed = False
        self._look_timer: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, directory: Path | None, *, threaded: bool = True, vfs: str = "") -> SqliteDatabase:
        """The database of a data directory; None for a private one in memory.

        Without `threaded`, and always in memory, where nothing waits for a disk, all is done on the
        loop. `vfs` names a registered SQLite VFS that the file is reached through. Raises DatabaseTrouble.
        """
        if directory is None:
            return cls(Place.in_memory(), FreeTurn(), InlineLane())
        place = Place.in_directory(directory, vfs)
        turn = FileTurn(directory / LOCK_NAME)
        lane = ThreadLane(asyncio.get_running_loop()) if threaded else InlineLane()
        try:
            return cls(place, turn, lane)
        except BaseException:
            lane.end()
            turn.close()
            raise

    async def write(self, work: Work[T]) -> T:
        """Run a piece of work; return its result when it is on disk."""
        self._check_open()
        return await self._group.write(work)

    async def write_apart(self, work: Work[T]) -> T:
        """Run a long piece of work in the writer's thread, in a commit of its own."""
        self._check_open()
        return await self._group.write_apart(work)

    async def share(self, work: Shared[S, T], item: S, weight: int = 1) -> T:
        """Run a work for an item together with the items of others; return its result when it is on disk."""
        self._check_open()
        return await self._group.share(work, item, weight)

    async def read(self, work: Work[T]) -> T:
        """Run a short piece of reading work on one consistent snapshot."""
        self._check_open()
        if self._is_reading or self._group.is_running:
            raise LocalFault("a work does not start a read: it has a transaction")
        connection = self._reading_connection()
        self._is_reading = True
        tx = SqliteTransaction(connection, is_reading=True)
        try:
            connection.execute("BEGIN")
            result = drive(work, tx)
            if connection.txn_state() == apsw.SQLITE_TXN_WRITE:
                raise LocalFault("a read does not write")
            return result
        except apsw.Error as error:
            raise translate(error) from error
        finally:
            tx.end()
            self._is_reading = False
            _end_read(connection)

    def _reading_connection(self) -> apsw.Connection:
        idle = self._group.idle_connection
        if idle is None:
            return self._reader
        idle.set_busy_timeout(READER_PATIENCE_MS)
        return idle

    def listen(self, channel: str, action: Action) -> Action:
        """Call `action` on the loop after each commit of this process that notified the channel."""
        self._group.listeners[channel].append(action)
        return partial(_remove, self._group.listeners, channel, action)

    def hear(self, channel: str, action: Action) -> Action:
        """Call `action` on the loop after commits of any process that announced the channel."""
        self._group.hearers[channel].append(action)
        if self._bell is not None:
            self._bell.start_hearing()
            if self._look_timer is None:
                self._look_timer = self._loop.call_later(self._look_every_s, self._look)
        return partial(_remove, self._group.hearers, channel, action)

    async def migrate(self, migrations: Sequence[Migration]) -> None:
        """Bring the schema of these rooms up to date, in one transaction."""

        async def work(tx: Transaction) -> None:
            await migrate(tx, migrations)

        await self.write(work)

    async def backup(self, to: Path) -> None:
        """Write a consistent copy to the file `to`, off the loop; reading and writing go on meanwhile."""
        self._check_open()
        copy = partial(copy_database, self._place, to)
        if isinstance(self._lane, InlineLane):
            copy()
        else:
            await self._loop.run_in_executor(None, copy)

    async def close(self) -> None:
        """Finish what waits, then close."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._look_timer is not None:
            self._look_timer.cancel()
            self._look_timer = None
        self._reader.close(True)  # before the writer: the last close checkpoints, which is not for the loop
        await self._group.close()
        if self._bell is not None:
            self._bell.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise DatabaseTrouble("the database is closed")

    # Other processes

    @property
    def _look_every_s(self) -> float:
        return LOOK_EVERY_S if self._bell is not None and self._bell.is_hearing else LOOK_OFTEN_S

    def _ring(self, channels: Collection[str]) -> None:
        if self._bell is not None:
            self._bell.ring(channels)

    def _others_rang(self, channels: Collection[str]) -> None:
        self._group.tell_hearers(self._group.hearers if channels == ALL else channels)

    def _look(self) -> None:
        self._look_timer = self._loop.call_later(self._look_every_s, self._look)
        self._group.when_free(self._compare)

    def _compare(self) -> None:
        if not self._is_closed and self._committer.others_have_committed():
            self._others_rang(ALL)


def _end_read(connection: apsw.Connection) -> None:
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")  # it changed nothing
    except apsw.Error as error:
        raise translate(error) from error


def _remove(actions: dict[str, list[Action]], channel: str, action: Action) -> None:
    """Take an action off its channel; a channel without any is forgotten."""
    there = actions.get(channel, [])
    if action in there:
        there.remove(action)
    if not there:
        actions.pop(channel, None)
