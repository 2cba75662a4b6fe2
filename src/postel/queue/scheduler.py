"""Starts agents where there is work for them, and never polls.

Gives       Scheduler.
Not here    Every decision: queue.lane, queue.lanes, queue.settle, queue.keeper.

Whatever happens (a message comes, an agent ends, a timer rings, another process leaves a note) ends in `_poke`; the
next turn of the loop then starts as many agents as the lanes allow and sets one timer for the next instant
at which something may be due.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any, Final

from postel.database import Database, DatabaseTrouble, Transaction
from postel.net import Clock
from postel.observe import logger
from postel.queue.fresh import Fresh
from postel.queue.ids import QueueId
from postel.queue.intake import Placed
from postel.queue.job import DeliveryAgent
from postel.queue.jobs import TROUBLE_PAUSE_S, InHand, LaneJobs
from postel.queue.keeper import Keeper
from postel.queue.lane import Health, Lane, LaneTrouble
from postel.queue.lanes import Lanes
from postel.queue.notes import ALL_LANES, take_notes
from postel.queue.options import QueueOptions
from postel.queue.read import fetch_trouble, parse_trouble
from postel.queue.record import Recorded
from postel.queue.recorder import Recorder
from postel.queue.worklist import WorkList, first_due

log = logger("queue")

_SLEEP_LIMIT_S: Final = 3600.0  # the wall clock may be set while we sleep
_SHUNNED_LIMIT: Final = 10_000  # dead destinations that a helper remembers
_SLEEP_LEAST_S: Final = 0.001  # rounding must not make a timer spin

_LANES: Final = """
SELECT lane, MIN(next_at), MAX(priority) FROM queue_errand WHERE next_at IS NOT NULL GROUP BY lane"""
_TROUBLES: Final = "SELECT name, failures, tried_at, retry_at, reply, remote, because FROM queue_lane"
_ORPHANS: Final = """
DELETE FROM queue_lane WHERE NOT EXISTS (SELECT 1 FROM queue_errand WHERE queue_errand.lane = queue_lane.name)"""


class Scheduler:
    """The lanes of this process at work. Start once; one process schedules a data directory."""

    def __init__(
        self,
        database: Database,
        recorder: Recorder,
        fresh: Fresh,
        clock: Clock,
        options: QueueOptions,
        agents: Callable[[str], DeliveryAgent],
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._agents = agents
        self.lanes = Lanes(options)
        self.keeper = Keeper(database, recorder, fresh, self)
        self._work: dict[str, WorkList] = {}
        self._fresh = fresh
        self._shunned: OrderedDict[str, float] = OrderedDict()
        self._in_hand = InHand()
        self._tasks: dict[asyncio.Task[None], LaneJobs] = {}
        self._chores: set[asyncio.Task[None]] = set()
        self._is_keeping = False
        self._is_poked = False
        self._is_stopping = False
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # the one it was started on

    # Life

    async def start(self, inherit: Callable[[], Awaitable[None]]) -> None:
        """Learn what waits, once `inherit` has put it into the tables, and begin. Raises DatabaseTrouble."""
        self._loop = asyncio.get_running_loop()
        await inherit()
        await self.learn()
        self.keeper.next_at = self._clock.now()
        self._poke()

    def start_helping(self) -> None:
        """Begin with nothing, and deliver only what is offered."""
        self._loop = asyncio.get_running_loop()
        self._poke()

    async def learn(self) -> None:
        """Read every lane that has mail: names and times, not the mail."""

        async def read(tx: Transaction) -> tuple[list[tuple[str, float, int]], dict[str, LaneTrouble]]:
            await take_notes(tx)
            await tx.execute(_ORPHANS)
            rows = await tx.fetch_all(_TROUBLES)
            lanes = await tx.fetch_all(_LANES)
            waiting = [(lane, at, priority) for lane, at, priority in lanes]
            return waiting, {row[0]: parse_trouble(row[1:]) for row in rows}

        lanes, troubles = await self._database.write(read)
        now = self._clock.now()
        for name, next_at, priority in lanes:
            lane = self.lanes.get(name)
            lane.recall(troubles.get(name))
            lane.urgency = priority
            lane.hear(next_at)
            self.lanes.consider(lane, now)

    async def stop(self, drain_s: float) -> None:
        """Start nothing more, and wait so long for agents at work. What they have not done then is due again."""
        self._is_stopping = True
        if self._timer is not None:
            self._timer.cancel()
        running = {*self._tasks, *self._chores}
        if running:
            _, late = await asyncio.wait(running, timeout=drain_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    def configure(self, options: QueueOptions) -> None:
        """New limits, from the next start of an agent on."""
        self.lanes.configure(options)
        self.keeper.next_at = self._clock.now()
        self._poke()

    # What others tell it

    def admits(self, name: str) -> bool:
        """Whether a message for that lane would be tried soon, and there is room for it in memory."""
        lane = self.lanes.find(name)
        if lane is not None and lane.health is Health.DOWN:
            return False
        if not self._fresh.crew.schedules and self._shunned.get(name, 0.0) > self._clock.now():
            return False
        work = self._work.get(name)
        page_limit = self.lanes.options.page_limit
        return work.has_room(page_limit) if work else self._fresh.has_room(0, page_limit)

    def offer(self, placed: Placed) -> None:
        """A message was committed a moment ago."""
        now = self._clock.now()
        self.keeper.heard(placed.starts_at, placed.deadline_at)
        if placed.starts_at > now:
            for job in placed.jobs:
                self.hear(job.lane, placed.starts_at)
            return
        for job in placed.jobs:
            lane = self.lanes.get(job.lane)
            lane.greet(now)
            is_small = len(job.recipients) <= self.lanes.options.max_recipients_per_job
            is_wanted = is_small and lane.health is not Health.DOWN
            if not (is_wanted and self._work_of(lane).offer(job, self.lanes.options.page_limit)):
                if job.is_arrival:
                    self._fresh.drop(job.queue_id)
                lane.hear(placed.starts_at)
                lane.urgency = max(lane.urgency, job.priority)
            self._changed(lane)

    def hear(self, name: str, due_at: float) -> None:
        """There is work in that lane, due then."""
        lane = self.lanes.get(name)
        lane.hear(due_at)
        self._changed(lane)

    def distrust(self) -> None:
        """Somebody has changed messages: whatever was kept in memory is read again."""
        for work in self._work.values():
            work.distrust()

    def park(self) -> None:
        """Forget what is known to come: recipients have moved to other lanes."""
        for work in self._work.values():
            work.park()
            self._changed(work.lane)

    async def look_again(self, names: Collection[str]) -> None:
        """Somebody has changed the mail of these lanes. Raises DatabaseTrouble."""
        self.keeper.next_at = self._clock.now()
        if ALL_LANES in names:
            await self.learn()
        else:
            for name in names:
                await self._look_at(name)
        self._poke()

    async def _look_at(self, name: str) -> None:
        async def read(tx: Transaction) -> tuple[float | None, int, LaneTrouble | None]:
            return *await first_due(tx, name), await fetch_trouble(tx, name)

        due_at, priority, trouble = await self._database.read(read)
        lane = self.lanes.get(name)
        lane.recall(trouble)
        lane.greet(self._clock.now())
        if due_at is not None:
            lane.hear(due_at)
            lane.urgency = max(lane.urgency, priority)
        self._changed(lane)

    # What the keeper asks

    def is_in_hand(self, lane: str, queue_id: QueueId) -> bool:
        """Whether an agent works on that message in that lane."""
        work = self._work.get(lane)
        return work is not None and work.is_in_hand(queue_id)

    def trouble_of(self, lane: str) -> LaneTrouble | None:
        """Why the lane is down; None when it is not."""
        found = self.lanes.find(lane)
        return found.trouble if found else None

    # The pump

    def _poke(self) -> None:
        # What an agent left behind on a loop that has ended is cleared away on whatever loop runs then.
        if self._loop is None or self._loop.is_closed() or self._is_poked or self._is_stopping:
            return
        self._is_poked = True
        self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._is_poked = False
        if self._is_stopping:
            return
        now = self._clock.now()
        while (lane := self.lanes.pick(now)) is not None:
            self._start_agent(lane)
        is_ours = self._fresh.crew.schedules
        if (
            is_ours
            and not self._is_keeping
            and self.keeper.next_at is not None
            and self.keeper.next_at <= now
        ):
            self._is_keeping = True
            self.start_chore(self._keep(now))
        self._set_timer(now)

    def _set_timer(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        kept_at = None if self._is_keeping or not self._fresh.crew.schedules else self.keeper.next_at
        alarms = [at for at in (self.lanes.next_alarm_at(), kept_at) if at is not None]
        if alarms:
            delay_s = min(max(min(alarms) - now, _SLEEP_LEAST_S), _SLEEP_LIMIT_S)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._poke)

    def _changed(self, lane: Lane) -> None:
        self.lanes.consider(lane, self._clock.now())
        if self.lanes.find(lane.name) is not lane:
            self._work.pop(lane.name, None)
        self._poke()

    # Agents

    def _work_of(self, lane: Lane) -> WorkList:
        work = self._work.get(lane.name)
        if work is None or work.lane is not lane:
            work = self._work[lane.name] = WorkList(lane, self._database, self._fresh)
        return work

    def _start_agent(self, lane: Lane) -> None:
        lane.started()
        self.lanes.consider(lane, self._clock.now())
        jobs = LaneJobs(
            lane,
            self._work_of(lane),
            self._recorder,
            self.keeper,
            self._in_hand,
            self._clock,
            self._recorded,
            self._must_leave,
        )
        task = asyncio.get_running_loop().create_task(self._deliver(lane, jobs))
        self._tasks[task] = jobs
        task.add_done_callback(self._tasks.pop)

    async def _deliver(self, lane: Lane, jobs: LaneJobs) -> None:
        """One run of one agent, and what it leaves behind."""
        try:
            fault = await self._run_agent(lane, jobs)
            await jobs.close(fault)
        except Exception as fault:
            log.fault("agent_fault", fault, lane=lane.name)
        finally:
            jobs.abandon()
            self._ended(lane, jobs)

    async def _run_agent(self, lane: Lane, jobs: LaneJobs) -> Exception | None:
        try:
            await self._agents(lane.name).deliver(jobs)
        except Exception as fault:
            log.fault("agent_fault", fault, lane=lane.name)
            return fault
        return None

    def _ended(self, lane: Lane, jobs: LaneJobs) -> None:
        lane.ended()
        if lane.health is Health.DOWN and not self._fresh.crew.schedules:
            self._shun(lane)
        work = self._work_of(lane)
        if lane.running == 0:
            work.tidy()
        if jobs.is_stuck:
            work.park()
            lane.due_at = self._clock.now() + TROUBLE_PAUSE_S
        if lane.running == 0 and work.is_empty:
            del self._work[lane.name]
        self._changed(lane)

    def _shun(self, lane: Lane) -> None:
        """A helper that has met a dead destination leaves it to the scheduler for a while."""
        self._shunned[lane.name] = self._clock.now() + lane.schedule.first_s
        self._shunned.move_to_end(lane.name)
        if len(self._shunned) > _SHUNNED_LIMIT:
            self._shunned.popitem(last=False)

    def _must_leave(self, lane: Lane, taken: int) -> bool:
        """Whether an agent that has done so many jobs shall leave its place to another lane."""
        return self._is_stopping or (taken >= self.lanes.options.turn_jobs and self.lanes.is_crowded(lane))

    def _recorded(self, lane: Lane, recorded: Recorded) -> None:
        self.spread(recorded)
        self._changed(lane)

    def spread(self, recorded: Recorded) -> None:
        """What was recorded leaves work to do; a helper has left notes about it."""
        if not self._fresh.crew.schedules:
            return
        for name, due_at in recorded.due.items():
            self.hear(name, due_at)
        for placed in recorded.placed:
            self.offer(placed)

    # Chores

    async def _keep(self, now: float) -> None:
        try:
            await self.keeper.work(now, self.spread)
        except DatabaseTrouble as trouble:
            log.trouble("queue_unreadable", because=trouble)
        finally:
            self._is_keeping = False
            self._poke()

    def start_chore(self, chore: Coroutine[Any, Any, None]) -> None:
        """Work beside the agents; a stop waits for it too."""
        task = asyncio.get_running_loop().create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
