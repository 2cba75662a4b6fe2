"""Who waits for which commit.

Gives       GroupCommit.
Not here    What happens within a batch: database.commit.

    loop                                        writer's thread
    begin (if it is our turn at once)           else: wait for our turn, begin
    run the units of the batch
                                                COMMIT: write and sync
    tell all who waited                         checkpoint, when due
    begin ...

Whatever waits when a commit has finished forms the next one, so the cost of a sync is shared by all who
wait for it.

Units run on the loop because a statement takes microseconds and APSW releases the interpreter lock around
each: a thread that runs them beside a busy loop must win that lock back every time, and was up to a hundred
times slower (bench/database.py --beside-us). What waits for the disk or for other processes is the thread's, and
so is a unit that says of itself that it is long (`write_apart`): its statements are few and each takes long, without
the interpreter lock. It is a batch of its own; those behind it wait.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import apsw

from postel.database.commit import Committer, Joint, Unit, lose
from postel.database.faults import DatabaseTrouble
from postel.database.interface import Action, Shared, Work
from postel.database.lane import Lane

S = TypeVar("S")
T = TypeVar("T")

JOINT_LIMIT: Final = 200  # weight in one savepoint: so much is done again when one of them fails


class GroupCommit:
    """Collects units into batches. All of it runs on the loop but what is posted to the lane.

    ring    tells other processes of what a batch has announced.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        committer: Committer,
        lane: Lane,
        ring: Callable[[Collection[str]], None],
    ) -> None:
        self._loop = loop
        self._committer = committer
        self._lane = lane
        self._ring = ring
        self._waiting: deque[Unit | Joint] = deque()
        self._open: dict[Shared[Any, Any], Joint] = {}  # of those that wait: who may be joined
        self._is_busy = False  # a batch is under way, or will begin at the end of this turn of the loop
        self._to_ring: set[str] = set()  # what others are yet to be told of
        self._resting: list[Action] = []  # what to do with the connection between two batches
        self.is_running = False  # units, at this moment
        self.listeners: defaultdict[str, list[Action]] = defaultdict(list)
        self.hearers: defaultdict[str, list[Action]] = defaultdict(list)

    async def write(self, work: Work[T]) -> T:
        """Run a piece of work; return its result when it is on disk."""
        unit = Unit(work, self._loop.create_future())
        self._waiting.append(unit)
        self._start()
        return await unit.future  # type: ignore[no-any-return]

    async def write_apart(self, work: Work[T]) -> T:
        """Run a piece of work in the writer's thread; return its result when it is on disk."""
        unit = Unit(work, self._loop.create_future(), is_apart=True)
        self._waiting.append(unit)
        self._start()
        return await unit.future  # type: ignore[no-any-return]

    async def share(self, work: Shared[S, T], item: S, weight: int) -> T:
        """Run a work for an item together with the items of others; return its result when it is on disk."""
        joint = self._open.get(work)
        if joint is None or joint.weight >= JOINT_LIMIT:
            joint = self._open[work] = Joint(work)
            self._waiting.append(joint)
        future: asyncio.Future[T] = self._loop.create_future()
        joint.add(item, weight, future)
        self._start()
        return await future

    @property
    def idle_connection(self) -> apsw.Connection | None:
        """The writer's, for the rest of this turn of the loop; None while a batch is under way."""
        return None if self._is_busy else self._committer.connection

    def when_free(self, action: Action) -> None:
        """Call `action` on the loop when no batch is under way: now, or between two."""
        if self._is_busy:
            self._resting.append(action)
        else:
            action()

    async def close(self) -> None:
        """Finish what waits, then close. Nothing may be written any more."""
        while self._is_busy:
            free = self._loop.create_future()
            self._resting.append(partial(free.set_result, None))
            await free
        self._ring_now()
        closed = self._loop.create_future()
        self._lane.post(self._committer.close, closed.set_result)
        await closed
        self._lane.end()

    def _start(self) -> None:
        """Begin a batch, but not at once: all who ask in this turn of the loop shall share it."""
        if not self._is_busy:
            self._is_busy = True
            self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        has_begun: DatabaseTrouble | bool = _trouble_of(self._committer.try_begin)
        if has_begun is False:
            self._lane.post(partial(_trouble_of, self._committer.begin), self._run)
        else:
            self._run(has_begun)

    def _run(self, begun: DatabaseTrouble | bool) -> None:
        if isinstance(begun, DatabaseTrouble):
            self._give_up(begun)
            return
        first = self._waiting[0]
        if isinstance(first, Unit) and first.is_apart:
            self._waiting.popleft()
            self._lane.post(partial(self._committer.run_apart, first), partial(self._end, [first]))
            return
        self._open.clear()
        self.is_running = True
        try:
            units = self._committer.run(self._waiting)
        finally:
            self.is_running = False
        if self._committer.has_begun:
            self._lane.post(self._committer.commit, partial(self._end, units))
        else:
            self._end(units, None)

    def _give_up(self, trouble: DatabaseTrouble) -> None:
        units = [unit for one in self._waiting for unit in one.members]
        self._waiting.clear()
        self._open.clear()
        lose(units, trouble)
        self._tell(units)
        self._rest()

    def _end(self, units: Sequence[Unit], error: Exception | None) -> None:
        self._committer.end(units, error)
        self._tell(units)
        if self._committer.is_checkpoint_due():
            self._lane.post(self._committer.checkpoint, self._rest)
        else:
            self._rest()

    def _rest(self, _: None = None) -> None:
        """The connection is free. Who was just told comes before the next batch, and so may join it."""
        self._is_busy = False
        resting, self._resting = self._resting, []
        for action in resting:
            action()
        if self._waiting:
            self._start()

    def _tell(self, units: Sequence[Unit]) -> None:
        channels: set[str] = set()
        announced: set[str] = set()
        for unit in units:
            if unit.error is None:
                self._call_all(unit.after)
                channels.update(unit.channels)
                announced.update(unit.announced)
        for channel in sorted(channels):
            self._call_all(self.listeners.get(channel, ()))
        self.tell_hearers(announced)
        for unit in units:
            if not unit.future.done():  # its caller may have been cancelled
                _settle(unit)
        if announced and not self._to_ring:
            self._loop.call_soon(self._ring_now)  # those who are told here go on first
        self._to_ring |= announced

    def _ring_now(self) -> None:
        channels, self._to_ring = self._to_ring, set()
        if channels:
            self._ring(channels)

    def tell_hearers(self, channels: Iterable[str]) -> None:
        """Call who hears these channels."""
        for channel in sorted(channels):
            self._call_all(self.hearers.get(channel, ()))

    def _call_all(self, actions: Iterable[Action]) -> None:
        for action in actions:
            # By way of the loop, which reports an action that raises, and runs them before who is told.
            self._loop.call_soon(action)


def _trouble_of(begin: Callable[[], bool]) -> DatabaseTrouble | bool:
    try:
        return begin()
    except DatabaseTrouble as trouble:
        return trouble


def _settle(unit: Unit) -> None:
    if unit.error is None:
        unit.future.set_result(unit.result)
    else:
        unit.future.set_exception(unit.error)
