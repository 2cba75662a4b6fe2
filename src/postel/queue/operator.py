"""What an operator may ask and do, on the database alone: it works beside a running server.

Gives       QueueFilter, QueueEntry, QueueCounts, Desk.
Not here    Telling the scheduler (queue.notes).

A recipient that is being delivered at this moment is not called back: hold and remove then only see to it that
it is not tried again, and that a local delivery does not happen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from postel.database import Database, Transaction, Value
from postel.mail import Domain, ReversePath
from postel.mail.replies import REMOVED_BY_OPERATOR
from postel.message import Action
from postel.net import Clock
from postel.queue.fresh import Fresh
from postel.queue.ids import QueueId
from postel.queue.job import QueuedRecipient
from postel.queue.lane import LaneTrouble
from postel.queue.read import QueuedMessage, fetch_message, fetch_trouble
from postel.queue.record import Recorded, refresh_errand, remove_if_over
from postel.queue.recorder import LeaveWord, Recorder, Stale
from postel.queue.rows import parse_origin
from postel.queue.schema import State, Watch
from postel.queue.settle import Settled

_CHUNK: Final = 200  # messages changed in one transaction, so that mail need not wait long for an operator


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """Which recipients: those that match everything given. Nothing given matches all that is queued.

    scheduled_at    of messages whose release was yet to come at that instant.
    """

    queue_id: QueueId | None = None
    domain: Domain | None = None
    reverse_path: ReversePath | None = None
    scheduled_at: float | None = None

    @property
    def where(self) -> tuple[str, list[Value]]:
        """As SQL on `r` (recipient) and `m` (message), with its parameters."""
        rules: list[tuple[str, Value]] = []
        if self.queue_id is not None:
            rules.append(("m.id = ?", int(self.queue_id)))
        if self.domain is not None:
            rules.append(("r.domain = ?", self.domain.ascii))
        if self.reverse_path is not None:
            rules.append(("m.reverse_path = ?", str(self.reverse_path)))
        if self.scheduled_at is not None:
            rules.append(("m.starts_at > ?", self.scheduled_at))
        return "".join(f" AND {sql}" for sql, _ in rules), [value for _, value in rules]


EVERYTHING: Final = QueueFilter()


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A message, and why its lanes are down where they are."""

    message: QueuedMessage
    lanes_down: Mapping[str, LaneTrouble]


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """Messages; recipients that wait, that are held; lanes with mail, and those of them that are down; messages whose
    release is yet to come.
    """

    messages: int
    waiting: int
    held: int
    lanes: int
    lanes_down: int
    scheduled: int = 0


_MESSAGES: Final = f"""
SELECT DISTINCT m.id FROM queue_message AS m JOIN queue_recipient AS r ON r.message_id = m.id
WHERE m.id > ? AND r.state <> {State.SETTLED:d}{{where}} ORDER BY m.id LIMIT ?"""
_CHOSEN: Final = """
SELECT r.lane, r.number FROM queue_recipient AS r JOIN queue_message AS m ON m.id = r.message_id
WHERE m.id = ? AND {which}{where}"""
_HELD: Final = f"r.state = {State.HELD:d}"
_WAITING: Final = f"r.state = {State.WAITING:d}"
_UNSETTLED: Final = f"r.state <> {State.SETTLED:d}"
_COUNTS: Final = (
    "SELECT COUNT(*) FROM queue_message",
    f"SELECT COUNT(*) FROM queue_recipient WHERE state = {State.WAITING:d}",
    f"SELECT COUNT(*) FROM queue_recipient WHERE state = {State.HELD:d}",
    "SELECT COUNT(DISTINCT lane) FROM queue_errand",
    "SELECT COUNT(*) FROM queue_lane WHERE EXISTS (SELECT 1 FROM queue_errand WHERE lane = queue_lane.name)",
    f"SELECT COUNT(*) FROM queue_message WHERE watch = {Watch.FRESH:d} AND starts_at > ?",
)

# Changes the chosen recipients of one message: (transaction, message, (lane, number) of each).
_Change: TypeAlias = Callable[[Transaction, QueueId, Sequence[tuple[str, int]]], Awaitable[None]]
_DUE: Final = """
UPDATE queue_recipient SET next_at = MAX(?, (SELECT starts_at FROM queue_message WHERE id = ?))
WHERE message_id = ? AND lane = ? AND number = ?"""
_STARTS_NOW: Final = "UPDATE queue_message SET starts_at = ? WHERE id = ? AND starts_at > ?"
_SCHEDULED: Final = f"""
SELECT id, origin FROM queue_message WHERE watch = {Watch.FRESH:d} AND starts_at > ? AND id > ?
ORDER BY id LIMIT ?"""
_SET: Final = "UPDATE queue_recipient SET {what} WHERE message_id = ? AND lane = ? AND number = ?"


class Desk:
    """The operator's desk.

    leave_word  in the transaction of a change: tells a scheduler in another process of its lanes.
    then        after it: tells the one in this process.
    """

    def __init__(
        self,
        database: Database,
        recorder: Recorder,
        clock: Clock,
        leave_word: LeaveWord,
        fresh: Fresh,
        then: Callable[[Collection[str], Recorded], Awaitable[None]],
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._leave_word = leave_word
        self._fresh = fresh
        self._then = then

    async def list(
        self, chosen: QueueFilter = EVERYTHING, *, limit: int = 1000, after: QueueId | None = None
    ) -> Sequence[QueueEntry]:
        """The matching messages in order of age, from the one behind `after` on."""
        await self._fresh.file_all()

        async def work(tx: Transaction) -> Sequence[QueueEntry]:
            ids = await _page(tx, chosen, after, limit)
            entries = [await _fetch_entry(tx, queue_id) for queue_id in ids]
            return [entry for entry in entries if entry is not None]

        return await self._database.read(work)

    async def show(self, queue_id: QueueId) -> QueueEntry | None:
        """One message, or None when it is not in the queue (any more)."""
        await self._fresh.file_all()
        return await self._database.read(lambda tx: _fetch_entry(tx, queue_id))

    async def counts(self) -> QueueCounts:
        """How much there is."""
        await self._fresh.file_all()

        async def work(tx: Transaction) -> QueueCounts:
            now = self._clock.now()
            rows = [await tx.fetch_one(sql, (now,) if "?" in sql else ()) for sql in _COUNTS]
            return QueueCounts(*(row[0] if row else 0 for row in rows))

        return await self._database.read(work)

    async def count_scheduled(self, account: str, limit: int) -> int:
        """How many messages of an account wait for their release, counted up to so many."""
        now = self._clock.now()

        async def work(tx: Transaction) -> int:
            count, last = 0, -1
            while count < limit and (rows := await tx.fetch_all(_SCHEDULED, (now, last, _CHUNK))):
                count += sum(parse_origin(row[1]).account == account for row in rows)
                last = rows[-1][0]
            return count

        return await self._database.read(work)

    async def retry(self, chosen: QueueFilter = EVERYTHING) -> int:
        """Make what waits due now, dead lanes included; what waits for its release goes on waiting. How many
        recipients.
        """
        now = self._clock.now()

        async def change(tx: Transaction, queue_id: QueueId, keys: Sequence[tuple[str, int]]) -> None:
            sql = _SET.format(what="next_at = ?")
            await tx.execute_many(sql, [(now, int(queue_id), *key) for key in keys])
            for lane in {lane for lane, _ in keys}:
                await tx.execute("UPDATE queue_lane SET retry_at = ? WHERE name = ?", (now, lane))

        return await self._change(chosen, _WAITING, change, released_at=now)

    async def hold(self, chosen: QueueFilter = EVERYTHING) -> int:
        """Keep what waits until it is released: not tried, not warned about, not expired."""
        return await self._change(chosen, _WAITING, _set_state(State.HELD))

    async def release(self, chosen: QueueFilter = EVERYTHING, *, early: bool = False) -> int:
        """Let go on what is held, from now on; with `early` also what waits for its release (RFC 4865)."""
        now = self._clock.now()

        async def change(tx: Transaction, queue_id: QueueId, keys: Sequence[tuple[str, int]]) -> None:
            if early and keys:
                await tx.execute(_STARTS_NOW, (now, int(queue_id), now))
            await _set_state(State.WAITING)(tx, queue_id, keys)
            await tx.execute_many(_DUE, [(now, int(queue_id), int(queue_id), *key) for key in keys])
            values = (int(Watch.WARNED), int(queue_id), int(Watch.OVER))
            await tx.execute("UPDATE queue_message SET watch = ? WHERE id = ? AND watch = ?", values)

        which = f"({_HELD} OR ({_WAITING} AND m.starts_at > {now!r}))" if early else _HELD
        return await self._change(chosen, which, change)

    async def remove(self, chosen: QueueFilter = EVERYTHING, *, report: bool = False) -> int:
        """Take out of the queue what waits or is held; with `report`, tell the originators."""
        if report:
            return await self._remove_with_reports(chosen)
        return await self._change(chosen, _UNSETTLED, _set_state(State.SETTLED))

    async def _change(
        self, chosen: QueueFilter, which: str, change: _Change, *, released_at: float | None = None
    ) -> int:
        """Apply a change to all that match, chunk by chunk: recipients in the state `which`, and with `released_at`
        only those of messages whose release has come by then.
        """
        if released_at is not None:
            which = f"{which} AND m.starts_at <= {released_at!r}"
        total = 0
        async for ids in self._chunks(chosen):

            async def work(tx: Transaction, ids: Sequence[QueueId] = ids) -> tuple[int, set[str]]:
                lanes: set[str] = set()
                count = 0
                for queue_id in ids:
                    keys = await _fetch_keys(tx, queue_id, chosen, which)
                    await change(tx, queue_id, keys)
                    touched = {lane for lane, _ in keys}
                    for lane in touched:
                        await refresh_errand(tx, queue_id, lane)
                    await remove_if_over(tx, queue_id)
                    lanes |= touched
                    count += len(keys)
                await self._leave_word(tx, lanes)
                return count, lanes

            count, lanes = await self._database.write(work)
            total += count
            await self._then(lanes, Recorded())
        return total

    async def _remove_with_reports(self, chosen: QueueFilter) -> int:
        total = 0
        async for ids in self._chunks(chosen):
            for queue_id in ids:
                total += await self._remove_one(queue_id, chosen)
        return total

    async def _remove_one(self, queue_id: QueueId, chosen: QueueFilter) -> int:
        """Settle the chosen recipients of one message as failed, and report it."""

        async def work(tx: Transaction) -> tuple[QueuedMessage | None, Sequence[tuple[str, int]]]:
            return await fetch_message(tx, queue_id), await _fetch_keys(tx, queue_id, chosen, _UNSETTLED)

        message, keys = await self._database.read(work)
        if message is None or not keys:
            return 0
        numbers = {number for _, number in keys}
        lanes: dict[str, list[Settled]] = {}
        for one in message.recipients:
            if one.recipient.id in numbers:
                lanes.setdefault(one.lane, []).append(_removed(one.recipient))

        try:
            recorded = await self._recorder.record_end(message, lanes, leave_word=self._leave_word)
        except Stale:
            return await self._remove_one(queue_id, chosen)
        await self._then(set(lanes), recorded)
        return len(keys)

    async def _chunks(self, chosen: QueueFilter) -> AsyncIterator[Sequence[QueueId]]:
        """The ids of all that matches, page by page; what comes meanwhile (a report) is not meant."""
        await self._fresh.file_all()
        newest = await self._database.read(lambda tx: tx.fetch_one("SELECT MAX(id) FROM queue_message"))
        last = (newest and newest[0]) or 0
        after: QueueId | None = None
        while ids := await self._database.read(partial(_page, chosen=chosen, after=after, limit=_CHUNK)):
            after = ids[-1]
            if meant := [queue_id for queue_id in ids if queue_id <= last]:
                yield meant


def _removed(recipient: QueuedRecipient) -> Settled:
    return Settled(
        recipient=recipient,
        action=Action.FAILED,
        reply=REMOVED_BY_OPERATOR,
        because="removed by an operator",
    )


def _set_state(state: State) -> _Change:
    async def change(tx: Transaction, queue_id: QueueId, keys: Sequence[tuple[str, int]]) -> None:
        sql = _SET.format(what="state = ?")
        await tx.execute_many(sql, [(int(state), int(queue_id), *key) for key in keys])

    return change


async def _page(tx: Transaction, chosen: QueueFilter, after: QueueId | None, limit: int) -> Sequence[QueueId]:
    where, values = chosen.where
    start = -1 if after is None else int(after)
    rows = await tx.fetch_all(_MESSAGES.format(where=where), (start, *values, limit))
    return [QueueId(row[0]) for row in rows]


async def _fetch_keys(
    tx: Transaction, queue_id: QueueId, chosen: QueueFilter, which: str
) -> Sequence[tuple[str, int]]:
    where, values = chosen.where
    sql = _CHOSEN.format(where=where, which=which)
    return [(row[0], row[1]) for row in await tx.fetch_all(sql, (int(queue_id), *values))]


async def _fetch_entry(tx: Transaction, queue_id: QueueId) -> QueueEntry | None:
    message = await fetch_message(tx, queue_id)
    if message is None:
        return None
    lanes = sorted({one.lane for one in message.recipients if one.state is not State.SETTLED})
    troubles = [(lane, await fetch_trouble(tx, lane)) for lane in lanes]
    return QueueEntry(message, {lane: trouble for lane, trouble in troubles if trouble is not None})
