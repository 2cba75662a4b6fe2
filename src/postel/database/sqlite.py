"""The embedded engine: one SQLite database, one writer, group commit.

Implements  Database (database.interface).
Gives       SqliteDatabase.
Not here    What happens within a batch: database.commit. The schema: each room's MIGRATIONS.

All writing goes through one lane. Whatever waits when a commit has finished forms the next one, so the
cost of a sync is shared by all who wait for it. Reading goes through a connection of its own, on the loop:
in WAL mode it never waits for the writer.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import apsw

from postel.database.backup import copy_database
from postel.database.commit import Committer, Unit
from postel.database.connection import Place, open_reader
from postel.database.faults import DatabaseTrouble
from postel.database.interface import Action, Migration, Transaction, Work
from postel.database.lane import InlineLane, Lane, ThreadLane
from postel.database.lock import Turn
from postel.database.migrations import migrate
from postel.database.transaction import SqliteTransaction, drive
from postel.database.translate import translate
from postel.mail import LocalFault

T = TypeVar("T")

BATCH_LIMIT: Final = 1000  # units in one commit, so that the first need not wait long for the last
LOCK_NAME: Final = "postel.lock"
LOOK_EVERY_S: Final = 1.0


class SqliteDatabase:
    """Database on one file, or in memory. Made by `open`; belongs to the loop it was opened on."""

    def __init__(self, place: Place, turn: AbstractContextManager[None], lane: Lane) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._place = place
        self._turn = turn
        self._lane = lane
        self._committer = Committer(place, turn)
        self._reader = open_reader(place)
        self._is_reading = False
        self._waiting: deque[Unit] = deque()
        self._is_posted = False
        self._is_closed = False
        self._watchers: list[Action] = []
        self._listeners: defaultdict[str, list[Action]] = defaultdict(list)
        self._look_timer: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, directory: Path | None, *, threaded: bool = True) -> SqliteDatabase:
        """The database of a data directory; None for a private one in memory.

        Without `threaded`, and always in memory, where nothing waits for a disk, batches run on the
        loop. Raises DatabaseTrouble.
        """
        if directory is None:
            return cls(Place.in_memory(), nullcontext(), InlineLane())
        place = Place.in_directory(directory)
        lane = ThreadLane(asyncio.get_running_loop()) if threaded else InlineLane()
        try:
            return cls(place, Turn(directory / LOCK_NAME), lane)
        except BaseException:
            lane.end()
            raise

    async def write(self, work: Work[T]) -> T:
        """Run a piece of work; return its result when it is on disk."""
        if self._is_closed:
            raise DatabaseTrouble("the database is closed")
        unit = Unit(work, self._loop.create_future())
        self._waiting.append(unit)
        if not self._is_posted:
            # Not at once: all who ask in this turn of the loop shall share the commit.
            self._is_posted = True
            self._loop.call_soon(self._lane.post, self._commit_some)
        return await unit.future  # type: ignore[no-any-return]

    async def read(self, work: Work[T]) -> T:
        """Run a short piece of reading work on one consistent snapshot."""
        if self._is_closed:
            raise DatabaseTrouble("the database is closed")
        if self._is_reading or threading.get_ident() != self._loop_thread:
            raise LocalFault("a work does not start a read: it has a transaction")
        self._is_reading = True
        tx = SqliteTransaction(self._reader, is_reading=True)
        try:
            self._reader.execute("BEGIN")
            return drive(work, tx)
        except apsw.Error as error:
            raise translate(error) from error
        finally:
            tx.end()
            self._end_read()

    def watch(self, action: Action) -> Action:
        """Call `action` on the loop when another process has committed."""
        self._watchers.append(action)
        if self._place.is_file and self._look_timer is None:
            self._look_timer = self._loop.call_later(LOOK_EVERY_S, self._look)
        return partial(_remove, self._watchers, action)

    def listen(self, channel: str, action: Action) -> Action:
        """Call `action` on the loop after each commit of this process that notified the channel."""
        self._listeners[channel].append(action)
        return partial(_remove, self._listeners[channel], action)

    async def migrate(self, migrations: Sequence[Migration]) -> None:
        """Bring the schema of these rooms up to date, in one transaction."""

        async def work(tx: Transaction) -> None:
            await migrate(tx, migrations)

        await self.write(work)

    async def backup(self, to: Path) -> None:
        """Write a consistent copy to the file `to`, off the loop; reading and writing go on meanwhile."""
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
        await self._in_lane(self._drain)
        self._reader.close(True)  # first, so that the last close, which checkpoints, is not on the loop
        await self._in_lane(self._committer.close)
        self._lane.end()
        if isinstance(self._turn, Turn):
            self._turn.close()

    async def _in_lane(self, job: Action) -> None:
        done = self._loop.create_future()

        def run() -> None:
            job()
            self._lane.back(partial(done.set_result, None))

        self._lane.post(run)
        await done

    # In the lane.

    def _commit_some(self) -> None:
        self._is_posted = False  # from here on, who comes posts anew: at worst an empty batch
        units = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_LIMIT))]
        if units:
            self._committer.commit(units)
            self._lane.back(partial(self._resolve, units))
            self._committer.checkpoint_if_due()
        if self._waiting:
            self._lane.post(self._commit_some)

    def _compare(self) -> None:
        if self._committer.others_have_committed():
            self._lane.back(partial(self._call_all, self._watchers))

    def _drain(self) -> None:
        while self._waiting:
            self._commit_some()

    # On the loop.

    def _resolve(self, units: Sequence[Unit]) -> None:
        channels: set[str] = set()
        for unit in units:
            if unit.error is None:
                self._call_all(unit.after)
                channels |= unit.channels
        for channel in sorted(channels):
            self._call_all(self._listeners[channel])
        for unit in units:
            if not unit.future.done():  # its caller may have been cancelled
                _settle(unit)

    def _call_all(self, actions: Sequence[Action]) -> None:
        for action in actions:
            # By way of the loop, which reports an action that raises, and runs them before the waiting tasks.
            self._loop.call_soon(action)

    def _look(self) -> None:
        self._look_timer = self._loop.call_later(LOOK_EVERY_S, self._look) if self._watchers else None
        self._lane.post(self._compare)

    def _end_read(self) -> None:
        self._is_reading = False
        try:
            if self._reader.in_transaction:
                self._reader.execute("ROLLBACK")  # it changed nothing
        except apsw.Error as error:
            raise translate(error) from error


def _settle(unit: Unit) -> None:
    if unit.error is None:
        unit.future.set_result(unit.result)
    else:
        unit.future.set_exception(unit.error)


def _remove(actions: list[Action], action: Action) -> None:
    if action in actions:
        actions.remove(action)
