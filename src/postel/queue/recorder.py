"""Makes outcomes durable: from what an agent says to what the scheduler must know.

Gives       Recorder, Listener, Stale.
Not here    Decisions (queue.settle), SQL (queue.record), words for the originator (queue.reports).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from postel.database import Database, Transaction
from postel.mail import Domain, LocalFault, Mailbox, parse_domain
from postel.mail.replies import SYSTEM_TROUBLE
from postel.message import Action
from postel.net import Clock
from postel.observe import logger
from postel.queue.arrivals import Ended, end_arrivals, file_arrivals
from postel.queue.crew import ALONE, disclaim
from postel.queue.intake import LaneOf, insert_message, sort_by_lane
from postel.queue.job import Job, QueuedRecipient
from postel.queue.lane import LaneTrouble
from postel.queue.notes import leave_notes
from postel.queue.options import QueueOptions
from postel.queue.outcome import Delayed, NotNow, Outcome
from postel.queue.read import QueuedMessage
from postel.queue.record import EffectFailed, Recorded, Refused, record
from postel.queue.reports import Notice, Report, Reports, notices_of
from postel.queue.rows import format_reply
from postel.queue.schema import Watch
from postel.queue.settle import Change, Grown, Postponed, Settled, settle

log = logger("queue")

_LANE_DOWN: Final = """
INSERT INTO queue_lane (name, failures, tried_at, retry_at, reply, remote, because)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET failures = excluded.failures, tried_at = excluded.tried_at,
    retry_at = excluded.retry_at, reply = excluded.reply, remote = excluded.remote, because = excluded.because"""
_WATCH: Final = "UPDATE queue_message SET watch = ? WHERE id = ?"
_NO_DEADLINE: Final = "UPDATE queue_message SET deadline_at = NULL WHERE id = ?"
_LANE_UP: Final = "DELETE FROM queue_lane WHERE name = ?"
# What a helper finds out counts only where nothing is known yet.
_LANE_DOWN_TOO: Final = """
INSERT INTO queue_lane (name, failures, tried_at, retry_at, reply, remote, because)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO NOTHING"""

# Told after the commit, for hooks and tests: the job and what became of its recipients.
Listener: TypeAlias = Callable[[Job, Sequence[Change]], None]
LeaveWord: TypeAlias = Callable[[Transaction, Collection[str]], Awaitable[None]]
_Also: TypeAlias = Callable[[Transaction], Awaitable[None]]


class Stale(Exception):
    """What was read has changed since; nothing was recorded, and a second look is due."""


class Recorder:
    """Records what became of jobs. One for the process."""

    def __init__(
        self,
        database: Database,
        reports: Reports,
        clock: Clock,
        options: QueueOptions,
        lane_of: LaneOf,
        listener: Listener | None = None,
    ) -> None:
        self._database = database
        self._reports = reports
        self._clock = clock
        self._listener = listener
        self.crew = ALONE
        self.configure(options, lane_of)

    def configure(self, options: QueueOptions, lane_of: LaneOf) -> None:
        """New options and a new view of the lanes; recipients that are queued already stay where they are."""
        self.options = options
        self.lane_of = lane_of
        self.home: Domain = parse_domain(options.hostname)
        self._reports.options = options

    async def record_outcomes(
        self, job: Job, outcomes: Mapping[int, Outcome], *, is_last: bool, revives: bool
    ) -> Recorded:
        """Record an attempt. `revives`: it shows that a lane that was down is well. Raises DatabaseTrouble."""

        async def lane_row(tx: Transaction) -> None:
            if revives:
                await tx.execute(_LANE_UP, (job.lane,))

        changes = settle(job, outcomes, self._clock.now(), self.options)
        if job.is_arrival and not revives and await self._end(job, changes):
            self.tell(job, changes)
            return Recorded(applied=changes)
        return await self._record(job, changes, lane_row, is_last=is_last)

    async def _end(self, job: Job, changes: Sequence[Change]) -> bool:
        """ARRIVED -> GONE, if that is all there is to say. Raises DatabaseTrouble."""
        is_end = all(isinstance(change, Settled) for change in changes)
        if not is_end or notices_of(changes, self._clock.now()):
            return False
        try:
            return await self._database.share(end_arrivals, Ended(job, changes))
        except EffectFailed:  # it will fail once more, in the walk that knows what to do then
            return False

    async def record_lane_down(
        self, lane: str, trouble: LaneTrouble | None, job: Job | None, reply: Delayed, *, is_last: bool
    ) -> Recorded:
        """Record that the lane is down (`trouble`), and that `job` was the one to find out.

        Its recipients stay due, behind others: the lane's own schedule says when they are tried again.
        """

        async def lane_row(tx: Transaction) -> None:
            if trouble is not None:
                words = (format_reply(trouble.reply), trouble.remote, trouble.because)
                times = (trouble.failures, trouble.tried_at, trouble.retry_at)
                sql = _LANE_DOWN if self.crew.schedules else _LANE_DOWN_TOO
                await tx.execute(sql, (lane, *times, *words))

        if job is None:
            await self._database.write(lane_row)
            return Recorded()
        now = self._clock.now()
        changes = settle(job, {r.id: reply for r in job.recipients}, now, self.options)
        at_once = [replace(c, next_at=now) if isinstance(c, Postponed) else c for c in changes]
        return await self._record(job, at_once, lane_row, is_last=is_last)

    async def record_end(
        self,
        message: QueuedMessage,
        lanes: Mapping[str, Sequence[Settled]],
        *,
        watch: Watch | None = None,
        is_deadline: bool = False,
        leave_word: LeaveWord | None = None,
    ) -> Recorded:
        """Record an end without an attempt, by lane, and what time can still do to the message. `is_deadline`: the
        wish for delivery in time has been acted on.

        `leave_word` is told in the transaction of every lane whose mail has changed.

        Raises DatabaseTrouble, and Stale when one of them is settled already.
        """
        changes = [change for group in lanes.values() for change in group]
        about = message.job("", tuple(change.recipient for change in changes))
        report = await self._compose(about, notices_of(changes, self._clock.now()))

        async def work(tx: Transaction) -> Recorded:
            if watch is not None:
                await tx.execute(_WATCH, (int(watch), int(message.queue_id)))
            if is_deadline:
                await tx.execute(_NO_DEADLINE, (int(message.queue_id),))
            if leave_word is not None:
                await leave_word(tx, {*lanes, *report.lanes})
            recorded = Recorded()
            for lane, group in lanes.items():
                job = message.job(lane, tuple(change.recipient for change in group))
                part = await record(tx, job, group, report.now, _no_members, self.options, is_last=True)
                recorded.applied.extend(part.applied)
            if len(recorded.applied) < len(changes):
                raise Stale
            return await report.insert(tx, recorded)

        recorded = await self._write(work, report)
        self.tell(about, recorded.applied)
        return recorded

    async def record_warning(
        self, message: QueuedMessage, notices: Sequence[Notice], *, is_deadline: bool = False
    ) -> Recorded:
        """Record that the originator was told of the delay: the usual one, or that it was not delivered in time
        (`is_deadline`). Raises DatabaseTrouble.
        """
        report = await self._compose(message.job("", ()), notices)

        async def work(tx: Transaction) -> Recorded:
            if is_deadline:
                changed = await tx.execute(_NO_DEADLINE, (int(message.queue_id),))
            else:
                changed = await tx.execute(_WATCH, (int(Watch.WARNED), int(message.queue_id)))
            return await report.insert(tx, Recorded()) if changed else Recorded()

        recorded = await self._write(work, report)
        for notice in notices:
            log.event("late", id=message.queue_id, recipient=notice.recipient.mailbox, reply=notice.reply)
        return recorded

    async def _record(self, job: Job, changes: list[Change], also: _Also, *, is_last: bool) -> Recorded:
        """One transaction: the changes, what goes with them (`also`), and the report about them."""
        while True:
            try:
                recorded = await self._commit(job, changes, also, is_last=is_last)
            except EffectFailed as failed:
                if not isinstance(failed.fault, NotNow):
                    log.fault("delivery_fault", failed.fault, id=job.queue_id, recipient=failed.number)
                changes = [self._without_effect(change, failed) for change in changes]
                continue
            except Refused as refused:
                changes = [_instead(change, refused.change) for change in changes]
                continue
            self.tell(job, recorded.applied)
            return recorded

    async def _commit(self, job: Job, changes: list[Change], also: _Also, *, is_last: bool) -> Recorded:
        report = await self._compose(job, notices_of(changes, self._clock.now()))
        lanes = {m: self.lane_of(m) for c in changes if isinstance(c, Grown) for m in c.members}

        async def work(tx: Transaction) -> Recorded:
            if job.is_arrival:
                await file_arrivals(tx, [job.queue_id])
            await also(tx)
            recorded = await record(
                tx, job, changes, report.now, lanes.__getitem__, self.options, is_last=is_last
            )
            if any(change.recipient.id in report.about for change in recorded.applied):
                await report.insert(tx, recorded)
            if not self.crew.schedules:
                await self._hand_over(tx, job, recorded)
            return recorded

        return await self._write(work, report)

    @staticmethod
    async def _hand_over(tx: Transaction, job: Job, recorded: Recorded) -> None:
        """What a helper leaves to do is the scheduler's."""
        await disclaim(tx, (job.queue_id,))
        placed = {each.lane for one in recorded.placed for each in one.jobs}
        if lanes := {*recorded.due, *placed}:
            await leave_notes(tx, lanes)

    async def _compose(self, about: Job, notices: Sequence[Notice]) -> _Reporting:
        report = await self._reports.compose(about, notices)
        lanes = sort_by_lane(report.message, self.lane_of, self.home) if report else {}
        return _Reporting(self._clock.now(), report, lanes)

    async def _write(
        self, work: Callable[[Transaction], Awaitable[Recorded]], report: _Reporting
    ) -> Recorded:
        try:
            recorded = await self._database.write(work)
        except Exception:
            await report.discard()
            raise
        if not recorded.placed:
            await report.discard()
        return recorded

    def _without_effect(self, change: Change, failed: EffectFailed) -> Change:
        if change.recipient.id != failed.number:
            return change
        next_at = self._clock.now() + self.options.retry.wait_s(change.recipient.attempts + 1)
        reply, because = SYSTEM_TROUBLE, f"the effect of the delivery failed: {failed.fault!r}"
        if isinstance(failed.fault, NotNow):
            reply, because = failed.fault.reply, failed.fault.because
        return Postponed(
            recipient=change.recipient, next_at=next_at, reply=reply, remote=None, because=because
        )

    def tell(self, job: Job, changes: Sequence[Change]) -> None:
        """Log and pass on what is durable."""
        for change in changes:
            _log_change(job, change)
        if self._listener is not None and changes:
            self._listener(job, changes)


@dataclass(frozen=True, slots=True)
class _Reporting:
    """The report of a transaction, if there is one."""

    now: float
    report: Report | None
    lanes: Mapping[str, tuple[QueuedRecipient, ...]]

    @property
    def about(self) -> frozenset[int]:
        """The recipients that it tells of."""
        return self.report.about if self.report else frozenset()

    async def insert(self, tx: Transaction, recorded: Recorded) -> Recorded:
        """Queue it, as any message."""
        if self.report is not None:
            recorded.placed.append(await insert_message(tx, self.report.message, self.lanes))
        return recorded

    async def discard(self) -> None:
        """It was not queued: leave nothing behind."""
        if self.report is not None:
            await self.report.draft.discard()


def _no_members(mailbox: Mailbox) -> str:
    raise LocalFault(f"an end expands nothing: {mailbox}")


def _instead(change: Change, other: Change) -> Change:
    return other if change.recipient.id == other.recipient.id else change


def _log_change(job: Job, change: Change) -> None:
    facts = {"id": job.queue_id, "recipient": change.recipient.mailbox, "lane": job.lane}
    match change:
        case Grown(members=members):
            log.event("expanded", **facts, members=len(members))
        case Postponed(reply=reply, remote=remote, because=because):
            log.event("delayed", **facts, remote=remote, reply=reply, because=because or None)
        case Settled(action=None, because=because):
            log.event("discarded", **facts, because=because or None)
        case Settled(action=Action.FAILED, reply=reply, remote=remote, because=because):
            log.event("failed", **facts, remote=remote, reply=reply, because=because or None)
        case Settled(action=Action.RELAYED, reply=reply, remote=remote):
            log.event("relayed", **facts, remote=remote, reply=reply)
        case Settled():
            log.event("delivered", **facts)
