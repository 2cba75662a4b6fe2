"""What one agent holds: the due work of its lane, job by job.

Gives       LaneJobs, InHand.
Not here    Which lane gets an agent (queue.lanes); SQL.

Invariant: a job that was handed out is recorded exactly once, or given up and due again: whatever the agent does
or fails to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import chain, repeat
from typing import Final

from postel.database import Conflict, DatabaseTrouble
from postel.mail import LocalFault, Reply
from postel.mail.replies import EXPIRED, SYSTEM_TROUBLE
from postel.net import Clock
from postel.observe import logger
from postel.queue.ids import QueueId
from postel.queue.job import Job
from postel.queue.keeper import Keeper
from postel.queue.lane import Health, Lane
from postel.queue.outcome import Delayed, Failed, Outcome
from postel.queue.record import Recorded
from postel.queue.recorder import Recorder
from postel.queue.worklist import WorkList

log = logger("queue")

_PATIENCE_S: Final = (1.0, 2.0, 5.0, 10.0, 30.0)  # between tries to record what has happened
_ASIDE_S: Final = 1.0  # until work that somebody else has in hand is looked at again
TROUBLE_PAUSE_S: Final = 30.0


class InHand:
    """The recipients that agents of all lanes have in hand.

    A reload may move a recipient to another lane while it is tried in the old one; then it waits there.
    """

    def __init__(self) -> None:
        self._numbers: dict[QueueId, set[int]] = {}

    def take(self, job: Job) -> bool:
        """Note the recipients of a job. False, and nothing noted, when some are in hand already."""
        numbers = {recipient.id for recipient in job.recipients}
        there = self._numbers.setdefault(job.queue_id, set())
        if not there.isdisjoint(numbers):
            return False
        there |= numbers
        return True

    def drop(self, job: Job) -> None:
        """The recipients of a job are not in hand any more."""
        there = self._numbers[job.queue_id]
        there.difference_update(recipient.id for recipient in job.recipients)
        if not there:
            del self._numbers[job.queue_id]


class LaneJobs:
    """Implements `Jobs` for one run of one agent.

    is_stuck    the agent never asked for a job, or what it did could not be recorded: to start another
                one at once would only do the same again.
    """

    def __init__(
        self,
        lane: Lane,
        work: WorkList,
        recorder: Recorder,
        keeper: Keeper,
        in_hand: InHand,
        clock: Clock,
        then: Callable[[Lane, Recorded], None],
        must_leave: Callable[[Lane, int], bool],
    ) -> None:
        self._lane = lane
        self._work = work
        self._recorder = recorder
        self._keeper = keeper
        self._in_hand = in_hand
        self._clock = clock
        self._then = then
        self._must_leave = must_leave
        self._job: Job | None = None
        self.is_stuck = True
        self._has_asked = False
        self._taken = 0

    @property
    def lane(self) -> str:
        """The destination."""
        return self._lane.name

    async def next(self) -> Job | None:
        """The next job; None when the agent shall finish."""
        await self._settle_forgotten()
        is_first, self.is_stuck = not self._has_asked, False
        self.count_as_asked()
        if not self._lane.may_take(is_first=is_first) or self._must_leave(self._lane, self._taken):
            return None
        self._job = await self._take()
        while self._job is not None and self._job.is_too_late(self._clock.now()):
            await self._return(self._job)
            self._job = await self._take()
        self._taken += self._job is not None
        return self._job

    async def done(self, job: Job, outcomes: Mapping[int, Outcome]) -> None:
        """Record what became of the job in hand; tries until the database takes it."""
        self._check_in_hand(job)
        self._job = None
        is_answer = any(not isinstance(o, Delayed) or o.remote is not None for o in outcomes.values())
        is_success = any(not isinstance(o, Delayed) for o in outcomes.values())
        is_down = self._lane.health is Health.DOWN
        if is_down and not is_answer:
            delayed = next((o for o in outcomes.values() if isinstance(o, Delayed)), Delayed(SYSTEM_TROUBLE))
            await self._go_down(job, delayed)
            return
        recorded = await self._record(job, outcomes, revives=is_down)
        if is_answer:
            self._hear_answer(is_success=is_success)
        self._then(self._lane, recorded)

    async def _record(self, job: Job, outcomes: Mapping[int, Outcome], *, revives: bool) -> Recorded:
        is_last = self._work.finish(job)
        recorded = await self._persist(
            job, lambda: self._recorder.record_outcomes(job, outcomes, is_last=is_last, revives=revives)
        )
        self._close(job, is_recorded=True, is_refreshed=is_last)
        return recorded

    async def lane_down(self, reply: Reply, because: str, remote: str | None = None) -> None:
        """The destination cannot be reached."""
        job, self._job = self._job, None
        await self._go_down(job, Delayed(reply, remote, because))

    async def close(self, fault: Exception | None) -> None:
        """The agent is through, or has failed: a job still in hand is delayed."""
        job, self._job = self._job, None
        self.count_as_asked()
        if job is not None:
            await self._delay(job, f"the agent failed: {fault!r}" if fault else "the agent forgot the job")

    def abandon(self) -> None:
        """The agent was stopped: the job in hand is due again."""
        job, self._job = self._job, None
        self.count_as_asked()
        if job is not None:
            self._work.finish(job)
            self._close(job, is_recorded=False, is_refreshed=False)

    def count_as_asked(self) -> None:
        """From now on the agent has had its chance to take work that was counted for it."""
        if not self._has_asked:
            self._has_asked = True
            self._lane.asked()

    async def _return(self, job: Job) -> None:
        """RFC 2852 4.1.3: its time is over, so no attempt may be made. That says nothing about the lane."""
        self._job = None
        failed = Failed(EXPIRED, because="its time is over")
        outcomes = {recipient.id: failed for recipient in job.recipients}
        self._then(self._lane, await self._record(job, outcomes, revives=False))

    async def _take(self) -> Job | None:
        """The next job that nobody else has in hand; others are put aside for a moment."""
        now = self._clock.now()
        aside: list[Job] = []
        try:
            while (job := await self._read(now)) is not None and not self._is_free(job):
                aside.append(job)
        finally:
            for other in aside:
                self._work.finish(other)
                self._work.close(other, is_recorded=False, is_refreshed=True)
                self._lane.hear(now + _ASIDE_S)
        return job

    async def _read(self, now: float) -> Job | None:
        options = self._recorder.options
        try:
            return await self._work.next(
                now, page_limit=options.page_limit, job_limit=options.max_recipients_per_job
            )
        except DatabaseTrouble as trouble:
            log.trouble("queue_unreadable", lane=self.lane, because=trouble)
            self._work.park()
            self._lane.due_at = now + TROUBLE_PAUSE_S
            return None

    def _is_free(self, job: Job) -> bool:
        return job.queue_id != self._keeper.current and self._in_hand.take(job)

    def _check_in_hand(self, job: Job) -> None:
        if self._job is not job:
            raise LocalFault("an agent is done with the job it was given last, once")

    async def _settle_forgotten(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            await self._delay(job, "the agent forgot the job")

    async def _delay(self, job: Job, because: str) -> None:
        self._job = job
        await self.done(job, {r.id: Delayed(SYSTEM_TROUBLE, because=because) for r in job.recipients})

    async def _go_down(self, job: Job | None, delayed: Delayed) -> None:
        now = self._clock.now()
        is_down = self._lane.went_down(now, delayed.reply, delayed.because, delayed.remote)
        if is_down:
            self._work.park()
            log.event(
                "lane_down",
                lane=self.lane,
                remote=delayed.remote,
                reply=delayed.reply,
                because=delayed.because or None,
            )
        is_last = self._work.finish(job) if job else False
        trouble = self._lane.trouble if is_down else None
        recorded = await self._persist(
            job, lambda: self._recorder.record_lane_down(self.lane, trouble, job, delayed, is_last=is_last)
        )
        if job is not None:
            self._close(job, is_recorded=True, is_refreshed=is_last)
        self._then(self._lane, recorded)

    def _hear_answer(self, *, is_success: bool) -> None:
        if self._lane.answered(self._clock.now(), is_success=is_success):
            log.event("lane_up", lane=self.lane)

    async def _persist(self, job: Job | None, record: Callable[[], Awaitable[Recorded]]) -> Recorded:
        """Record, however long the database needs: forgetting a delivery would be delivering twice."""
        try:
            for pause_s in chain(_PATIENCE_S, repeat(_PATIENCE_S[-1])):
                try:
                    return await record()
                except (DatabaseTrouble, Conflict) as trouble:  # Conflict: a report's id was taken
                    log.trouble(
                        "outcome_unrecorded", lane=self.lane, id=job and job.queue_id, because=trouble
                    )
                await asyncio.sleep(pause_s)
            raise LocalFault("patience has no end")
        except BaseException:
            self.is_stuck = True
            if job is not None:
                self._close(job, is_recorded=False, is_refreshed=False)
            raise

    def _close(self, job: Job, *, is_recorded: bool, is_refreshed: bool) -> None:
        self._work.close(job, is_recorded=is_recorded, is_refreshed=is_refreshed)
        self._in_hand.drop(job)
