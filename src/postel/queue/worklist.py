"""The due mail of one lane: what is in hand, what is known to come next.

Gives       WorkList, Errand, first_due.
Not here    Whether the lane may work at all (queue.lane).

Messages of a higher priority come first. A page of errands is read by priority, too, but an eighth of it is left to
each lower one, so that nothing is kept waiting for ever by what is more urgent.

Memory: the ids of one page of errands, and whole jobs only of messages accepted a moment ago, as far as there is room
for them (queue.fresh). What the tables hold joins the line page by page, however many fresh messages stand in it.
Messages take turns: one that has more recipients in this lane than a job may
carry goes to the end of the line after each job.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from postel.database import Database, Row, Transaction
from postel.mail import HIGHEST, parse_mailbox, parse_reverse_path
from postel.queue.fresh import Fresh
from postel.queue.ids import QueueId
from postel.queue.job import Job, QueuedRecipient
from postel.queue.lane import Lane
from postel.queue.line import FAIR_TURN, Line
from postel.queue.record import refresh_errand, remove_if_over
from postel.queue.rows import parse_origin, parse_parameters
from postel.queue.schema import State

_LEVEL: Final = "SELECT MAX(priority) FROM queue_errand WHERE lane = ? AND priority < ?"
_PAGE: Final = """
SELECT message_id FROM queue_errand WHERE lane = ? AND priority = ? AND next_at <= ?
AND message_id NOT IN (SELECT message_id FROM queue_claim)
ORDER BY next_at, message_id LIMIT ?"""
_FIRST: Final = "SELECT MIN(next_at) FROM queue_errand WHERE lane = ? AND priority = ?"
_NEXT: Final = "SELECT MIN(next_at) FROM queue_errand WHERE lane = ? AND priority = ? AND next_at > ?"
_MESSAGE: Final = """
SELECT reverse_path, parameters, content_id, size_bytes, received_at, origin, starts_at
FROM queue_message WHERE id = ?"""
_SLICE: Final = f"""
SELECT number, mailbox, original, parameters, attempts, depth FROM queue_recipient
WHERE message_id = ? AND lane = ? AND number > ? AND state = {State.WAITING:d} AND next_at <= ?
ORDER BY number LIMIT ?"""


@dataclass(slots=True, eq=False)
class Errand:
    """One message's recipients in this lane.

    after     the number of the last recipient that was handed out.
    open      jobs of it that agents have or whose outcome is being recorded.
    busy      those of them that agents still have.
    """

    queue_id: QueueId
    priority: int = 0
    after: int = -1
    open: int = 0
    busy: int = 0
    is_ready: bool = True
    fresh: Job | None = field(default=None)


class WorkList:
    """The errands of one lane that are known in memory, in the order of their turns."""

    def __init__(self, lane: Lane, database: Database, fresh: Fresh) -> None:
        self.lane = lane
        self._database = database
        self._fresh = fresh
        self._fresh_in_line = 0
        self._ready: Line[Errand] = Line()
        self._known: dict[int, Errand] = {}
        self._reading = asyncio.Lock()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known or in hand."""
        return not self._known

    def has_room(self, page_limit: int, priority: int = 0) -> bool:
        """Whether one more fresh job may stand in line."""
        # What is urgent need not wait for the page in hand to be through; of that, too, there is a page at most.
        return self._fresh.has_room(len(self._ready), page_limit * 2 if priority > 0 else page_limit)

    def offer(self, job: Job, page_limit: int) -> bool:
        """Take a job that was committed a moment ago, if there is room for it; an arrival had its room before."""
        priority = job.priority
        if job.queue_id in self._known or not (job.is_arrival or self.has_room(page_limit, priority)):
            return False
        self._fresh.take()
        self._fresh_in_line += 1
        self._add(Errand(job.queue_id, priority, fresh=job))
        return True

    def distrust(self) -> None:
        """Somebody has changed the database: read again what was kept from accepting."""
        for errand in self._ready:
            self._read_again(errand)

    def park(self) -> None:
        """Keep nothing in memory but what agents have in hand."""
        for errand in self._ready:
            self._read_again(errand)
            errand.is_ready = False
            self._forget_if_through(errand)
        if self._ready:
            self._ready.clear()
            self._count()
            self.lane.hear(0.0)

    def tidy(self) -> None:
        """No agent is at work: keep only what accepting left here."""
        fresh = [errand for errand in self._ready if errand.fresh is not None]
        if len(fresh) == len(self._ready):
            return
        for errand in self._ready:
            if errand.fresh is None:
                errand.is_ready = False
                self._forget_if_through(errand)
        self._ready.clear()
        for errand in fresh:
            self._ready.append(errand, errand.priority)
        self._count()
        self.lane.hear(0.0)

    def is_in_hand(self, queue_id: QueueId) -> bool:
        """Whether an agent has a part of that message, or its outcome is being recorded."""
        errand = self._known.get(queue_id)
        return errand is not None and errand.open > 0

    async def next(self, now: float, *, page_limit: int, job_limit: int) -> Job | None:
        """The next job, or None when nothing more is due. Raises DatabaseTrouble."""
        while True:
            if self._wants_page(now):
                await self._load(now, page_limit)
            if not self._ready:
                return None
            errand = self._ready.pop()
            self._count()
            errand.is_ready, errand.open, errand.busy = False, errand.open + 1, errand.busy + 1
            job = await self._take(errand, now, job_limit)
            if job is not None:
                return job

    def finish(self, job: Job) -> bool:
        """The agent has no more to do for the job. True when it was the last part of its errand in hand."""
        errand = self._known[job.queue_id]
        errand.busy -= 1
        return not (errand.busy or errand.is_ready)

    def close(self, job: Job, *, is_recorded: bool, is_refreshed: bool) -> None:
        """What became of the job is recorded, or it is given up.

        An errand that leaves memory before its row was refreshed is looked at once more.
        """
        errand = self._known[job.queue_id]
        errand.open -= 1
        if job.is_arrival and not is_recorded:
            self._fresh.drop(job.queue_id)
        if self._forget_if_through(errand) and not is_refreshed:
            self.lane.hear(0.0)

    async def _load(self, now: float, page_limit: int) -> None:
        """Read one more page of errands that are due."""
        async with self._reading:
            if not self._wants_page(now):
                return
            await self._fresh.file_dropped()
            self.lane.due_at = None  # what is heard while we read counts again
            if not self._fresh.crew.schedules:
                return  # what is in the tables is not ours
            try:
                ids, next_at = await self._read_page(now, page_limit)
            except BaseException:
                self.lane.hear(now)
                raise
            for number, priority in ids:
                if number not in self._known:
                    self._add(Errand(QueueId(number), priority))
            if next_at is not None:
                self.lane.hear(next_at)

    def _wants_page(self, now: float) -> bool:
        """Whether the tables hold more that is due, and none of what they held stands in line."""
        due_at = self.lane.due_at
        return due_at is not None and due_at <= now and len(self._ready) == self._fresh_in_line

    async def _read_page(self, now: float, page_limit: int) -> tuple[list[tuple[int, int]], float | None]:
        """Due errands with their priorities, beyond those known, and when there will be more."""
        name, known = self.lane.name, len(self._known) - self._fresh_in_line

        async def work(tx: Transaction) -> tuple[list[tuple[int, int]], float | None]:
            found: list[tuple[int, int]] = []
            next_at: list[float] = []
            room = page_limit
            levels = await _levels(tx, name)
            for level in levels:
                limit = known + (room if level == levels[-1] else max(1, room - room // FAIR_TURN))
                rows = await tx.fetch_all(_PAGE, (name, level, now, limit))
                found += [(row[0], level) for row in rows]
                room = max(1, room - len(rows))
                later = await tx.fetch_one(_NEXT, (name, level, now)) if len(rows) < limit else (now,)
                next_at += [at for at in later or () if at is not None]
            return found, min(next_at, default=None)

        return await self._database.read(work)

    async def _take(self, errand: Errand, now: float, limit: int) -> Job | None:
        fresh = errand.fresh
        if fresh is not None:
            self._drop_fresh(errand)
            return fresh
        try:
            await self._fresh.file_dropped()
            job, has_more = await self._read_job(errand, now, limit)
        except BaseException:
            self._put_down(errand)
            self.lane.hear(now)
            raise
        if job is None:
            # An operator was faster, or an earlier record of it left the truth to us.
            await self._refresh(errand)
            return None
        errand.after = job.recipients[-1].id
        if has_more:
            self._line_up(errand)
        return job

    async def _read_job(self, errand: Errand, now: float, limit: int) -> tuple[Job | None, bool]:
        key = (int(errand.queue_id), self.lane.name, errand.after, now, limit + 1)

        async def work(tx: Transaction) -> tuple[Row | None, list[Row]]:
            return await tx.fetch_one(_MESSAGE, key[:1]), await tx.fetch_all(_SLICE, key)

        message, rows = await self._database.read(work)
        if message is None or not rows:
            return None, False
        return _job(errand.queue_id, self.lane.name, message, rows[:limit]), len(rows) > limit

    async def _refresh(self, errand: Errand) -> None:
        async def work(tx: Transaction) -> float | None:
            next_at = await refresh_errand(tx, errand.queue_id, self.lane.name)
            await remove_if_over(tx, errand.queue_id)
            return next_at

        try:
            if errand.busy > 1:
                return  # another part of it is in hand, and will tell
            next_at = await self._database.write(work)
            if next_at is not None:
                self.lane.hear(next_at)
        finally:
            self._put_down(errand)

    def _put_down(self, errand: Errand) -> None:
        errand.open, errand.busy = errand.open - 1, errand.busy - 1
        self._forget_if_through(errand)

    def _add(self, errand: Errand) -> None:
        self._known[errand.queue_id] = errand
        self._line_up(errand)

    def _line_up(self, errand: Errand) -> None:
        errand.is_ready = True
        self._ready.append(errand, errand.priority)
        self._count()

    def _count(self) -> None:
        """Tell the lane how much is ready, and how urgent that is."""
        self.lane.loaded = len(self._ready)
        self.lane.urgency = self._ready.highest or 0

    def _forget_if_through(self, errand: Errand) -> bool:
        if errand.open or errand.is_ready:
            return False
        self._known.pop(errand.queue_id, None)
        return True

    def _drop_fresh(self, errand: Errand) -> None:
        errand.fresh = None
        self._fresh_in_line -= 1
        self._fresh.give_back()

    def _read_again(self, errand: Errand) -> None:
        if errand.fresh is not None:
            if errand.fresh.is_arrival:
                self._fresh.drop(errand.queue_id)
            self._drop_fresh(errand)


async def first_due(tx: Transaction, lane: str) -> tuple[float | None, int]:
    """When the lane's first work is due (None: never), and the highest priority that it has."""
    levels = await _levels(tx, lane)
    rows = [await tx.fetch_one(_FIRST, (lane, level)) for level in levels]
    times = [row[0] for row in rows if row is not None and row[0] is not None]
    return min(times, default=None), max(levels, default=0)


async def _levels(tx: Transaction, lane: str) -> list[int]:
    """The priorities of a lane's errands, the highest first: one step in an index for each."""
    levels: list[int] = []
    below = HIGHEST + 1
    while (row := await tx.fetch_one(_LEVEL, (lane, below))) is not None and row[0] is not None:
        below = row[0]
        levels.append(below)
    return levels


def _job(queue_id: QueueId, lane: str, message: Row, rows: list[Row]) -> Job:
    reverse_path, parameters, content_id, size_bytes, received_at, origin, starts_at = message
    return Job(
        queue_id=queue_id,
        lane=lane,
        reverse_path=parse_reverse_path(f"<{reverse_path}>"),
        parameters=parse_parameters(parameters),
        recipients=tuple(_recipient(row) for row in rows),
        content_id=content_id,
        size_bytes=size_bytes,
        received_at=received_at,
        origin=parse_origin(origin),
        starts_at=starts_at,
    )


def _recipient(row: Row) -> QueuedRecipient:
    number, mailbox, original, parameters, attempts, depth = row
    return QueuedRecipient(
        id=number,
        mailbox=parse_mailbox(mailbox),
        original=parse_mailbox(original),
        parameters=parse_parameters(parameters),
        attempts=attempts,
        depth=depth,
    )
