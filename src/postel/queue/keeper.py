"""What the passing of time does to messages: a warning to the originator, and at last the end.

Implements  RFC 5321 4.5.4.1 (give-up time), RFC 3461 5.2.5 (delays), 5.2.6 (failures), RFC 2852 4.1.3 (the time by
            which a message was to be delivered).
Gives       Keeper.
Not here    Expiry found by an attempt (queue.settle).

Only recipients that are stuck are warned about or given up: those whose lane is down, or whose next try is
still to come. One that is due in a living lane is tried first, be it ever so old: after a week's power cut
mail is delivered, not returned. A wish for delivery in time is another matter: there whoever is not in an
agent's hand is late, however well the lane may be. Held recipients are nobody's business but the operator's.

While a message is looked at, it is `current`: nobody may begin to deliver it then, and what agents have in
hand already is not stuck.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final, Protocol, TypeAlias

from postel.database import Conflict, Database, Transaction
from postel.mail import Reply, Status, deliver_by_of
from postel.mail.replies import NO_NEXT_HOP
from postel.message import Action
from postel.queue.arrivals import oldest_arrival
from postel.queue.crew import claimed
from postel.queue.fresh import Fresh
from postel.queue.ids import QueueId
from postel.queue.lane import LaneTrouble
from postel.queue.notify import wants_report
from postel.queue.options import QueueOptions
from postel.queue.read import QueuedMessage, RecipientState, fetch_message
from postel.queue.record import Recorded
from postel.queue.recorder import Recorder, Stale
from postel.queue.reports import Notice
from postel.queue.schema import State, Watch
from postel.queue.settle import Settled, overdue

NOT_IN_TIME: Final = Status(4, 4, 7)  # RFC 2852 4.1.3
RECHECK_S: Final = 60.0  # when a message whose time has come could not be settled yet
_PAGE: Final = 200
_LEFT_LIMIT: Final = 1000  # when so many must be looked at again, the rest waits too
_AGED: Final = """
SELECT id, starts_at FROM queue_message
WHERE watch = ? AND starts_at <= ? AND (starts_at > ? OR (starts_at = ? AND id > ?))
ORDER BY starts_at, id LIMIT ?"""
_OLDEST: Final = "SELECT MIN(starts_at) FROM queue_message WHERE watch = ? AND starts_at > ?"
_OVERDUE: Final = """
SELECT id, deadline_at FROM queue_message
WHERE deadline_at <= ? AND (deadline_at > ? OR (deadline_at = ? AND id > ?))
ORDER BY deadline_at, id LIMIT ?"""
_DEADLINE: Final = "SELECT MIN(deadline_at) FROM queue_message WHERE deadline_at > ?"

# The next page of messages behind (instant, id): id and instant of each.
_Reader: TypeAlias = Callable[[tuple[float, int]], Awaitable[list[tuple[int, float]]]]
# What was recorded, and whether the message need not be looked at again.
_Handler: TypeAlias = Callable[[QueuedMessage, float], Awaitable[tuple[Recorded, bool]]]


class LaneView(Protocol):
    """What the keeper must know of lanes."""

    def is_in_hand(self, lane: str, queue_id: QueueId) -> bool:
        """Whether an agent works on that message in that lane."""

    def trouble_of(self, lane: str) -> LaneTrouble | None:
        """Why the lane is down; None when it is not."""


class Keeper:
    """Finds messages whose time has come, one after the other."""

    def __init__(self, database: Database, recorder: Recorder, fresh: Fresh, lanes: LaneView) -> None:
        self._database = database
        self._fresh = fresh
        self._heard_at: float | None = None
        self._recorder = recorder
        self._lanes = lanes
        self.current: QueueId | None = None
        self.next_at: float | None = None

    @property
    def _options(self) -> QueueOptions:
        return self._recorder.options

    def heard(self, starts_at: float, deadline_at: float | None) -> None:
        """A message came, whose time counts from there, and may be over before the usual."""
        at = starts_at + self._waits()[0]
        if deadline_at is not None and deadline_at < at:
            at = deadline_at
        if self._heard_at is None or at < self._heard_at:
            self._heard_at = at
            self._look_at(at)

    async def work(self, now: float, then: Callable[[Recorded], None]) -> None:
        """Do all that is due, and know when to come again.

        `then` hears of every transaction. Raises DatabaseTrouble: then come again at `next_at` too.
        """
        self.next_at, self._heard_at = now + RECHECK_S, None
        await self._fresh.file_until(now - self._waits()[0])
        warned_from, expired_from = now - self._options.warn_after_s, now - self._options.expire_after_s
        left = await self._each(partial(self._overdue, now), now, self._meet_deadline, then)
        for watch in (Watch.FRESH, Watch.WARNED):
            left += await self._each(partial(self._aged, watch, expired_from), now, self._expire, then)
        left += await self._each(partial(self._aged, Watch.FRESH, warned_from), now, self._warn, then)
        waits_s = self._waits()
        oldest = await self._database.read(lambda tx: _oldest(tx, (now - waits_s[0], now - waits_s[1])))
        self.next_at = now + RECHECK_S if left else None
        for starts_at, wait_s in zip(oldest, waits_s, strict=True):
            if starts_at is not None:
                self._look_at(starts_at + wait_s)
        deadline = await self._database.read(lambda tx: tx.fetch_one(_DEADLINE, (now,)))
        if deadline is not None and deadline[0] is not None:
            self._look_at(deadline[0])
        if (arrived_at := await self._database.read(oldest_arrival)) is not None:
            self._look_at(arrived_at + waits_s[0])
        self._look_at_heard()

    def _look_at_heard(self) -> None:
        """What came while we were at work."""
        if self._heard_at is not None:
            self._look_at(self._heard_at)

    def _waits(self) -> tuple[float, float]:
        """For a message not warned about, and for one that was."""
        options = self._options
        return min(options.warn_after_s, options.expire_after_s), options.expire_after_s

    def _look_at(self, at: float) -> None:
        self.next_at = at if self.next_at is None else min(self.next_at, at)

    async def _each(
        self, read: _Reader, now: float, handle: _Handler, then: Callable[[Recorded], None]
    ) -> int:
        """Handle every message that is read, page by page. How many must be looked at again."""
        left, last = 0, (-1.0, -1)
        while left < _LEFT_LIMIT and (rows := await read(last)):
            for number, at in rows:
                left += not await self._one(QueueId(number), now, handle, then)
                last = (at, number)
                await asyncio.sleep(0)  # reading does not suspend, and others want the loop too
        return left

    async def _aged(self, watch: Watch, until: float, last: tuple[float, int]) -> list[tuple[int, float]]:
        """Messages of that age."""
        return await self._page(_AGED, (int(watch), until, last[0], last[0], last[1], _PAGE))

    async def _overdue(self, now: float, last: tuple[float, int]) -> list[tuple[int, float]]:
        """Messages whose time for delivery is over."""
        return await self._page(_OVERDUE, (now, last[0], last[0], last[1], _PAGE))

    async def _page(self, sql: str, values: tuple[float, ...]) -> list[tuple[int, float]]:
        rows = await self._database.read(lambda tx: tx.fetch_all(sql, values))
        return [(row[0], row[1]) for row in rows]

    async def _one(
        self, queue_id: QueueId, now: float, handle: _Handler, then: Callable[[Recorded], None]
    ) -> bool:
        self.current = queue_id
        try:
            message = await self._database.read(lambda tx: fetch_message(tx, queue_id))
            if message is None:
                return True
            if await self._database.read(lambda tx: claimed(tx, queue_id)):
                return False  # a helper has it in hand
            recorded, is_all = await handle(message, now)
        except (Stale, Conflict):  # Conflict: a report's id was taken
            return False
        finally:
            self.current = None
        then(recorded)
        return is_all

    async def _expire(self, message: QueuedMessage, now: float) -> tuple[Recorded, bool]:
        """Give the stuck recipients up."""
        waiting, stuck = self._stuck(message, now)
        lanes: dict[str, list[Settled]] = {}
        for one in stuck:
            reply, remote, because = self._last_words(one)
            lanes.setdefault(one.lane, []).append(overdue(one.recipient, reply, remote, because))
        is_all = len(stuck) == len(waiting)
        if not (stuck or is_all):
            return Recorded(), False
        watch = Watch.OVER if is_all else None
        return await self._recorder.record_end(message, lanes, watch=watch), is_all

    async def _warn(self, message: QueuedMessage, now: float) -> tuple[Recorded, bool]:
        """Tell the originator, once, as soon as something is stuck."""
        waiting, stuck = self._stuck(message, now)
        if waiting and not stuck:
            return Recorded(), False
        notices = [
            self._late(message, one)
            for one in stuck
            if wants_report(one.recipient.parameters, Action.DELAYED)
            and not self._options.is_patient(one.lane)
        ]
        return await self._recorder.record_warning(message, notices), True

    async def _meet_deadline(self, message: QueuedMessage, now: float) -> tuple[Recorded, bool]:
        """RFC 2852 4.1.3: mode R ends what nobody has in hand; mode N has the originator told."""
        wish = deliver_by_of(message.parameters)
        waiting = [one for one in message.recipients if one.state is State.WAITING]
        late = [one for one in waiting if not self._lanes.is_in_hand(one.lane, message.queue_id)]
        is_all = len(late) == len(waiting)
        if not (late or is_all) or wish is None:
            return Recorded(), wish is None
        if wish.is_returned:
            return await self._return(message, late, is_all=is_all), is_all
        if not is_all:
            return Recorded(), False  # told once, about all who are late
        notices = [
            replace(self._late(message, one), status=NOT_IN_TIME)
            for one in late
            if wants_report(one.recipient.parameters, Action.DELAYED)
        ]
        return await self._recorder.record_warning(message, notices, is_deadline=True), True

    async def _return(
        self, message: QueuedMessage, late: Sequence[RecipientState], *, is_all: bool
    ) -> Recorded:
        lanes: dict[str, list[Settled]] = {}
        for one in late:
            reply, remote, because = self._last_words(one)
            lanes.setdefault(one.lane, []).append(overdue(one.recipient, reply, remote, because))
        return await self._recorder.record_end(message, lanes, is_deadline=is_all)

    def _stuck(self, message: QueuedMessage, now: float) -> tuple[list[RecipientState], list[RecipientState]]:
        """Those that wait, and of them those that are stuck."""
        waiting = [one for one in message.recipients if one.state is State.WAITING]
        return waiting, [one for one in waiting if self._is_stuck(message.queue_id, one, now)]

    def _is_stuck(self, queue_id: QueueId, one: RecipientState, now: float) -> bool:
        if self._lanes.is_in_hand(one.lane, queue_id):
            return False
        return one.next_at > now or self._lanes.trouble_of(one.lane) is not None

    def _last_words(self, one: RecipientState) -> tuple[Reply, str | None, str]:
        """What was said last about the recipient, or else about its lane."""
        trouble = self._lanes.trouble_of(one.lane)
        if trouble is not None and not one.remote:
            return trouble.reply, trouble.remote, trouble.because or "the lane is down"
        return one.reply or NO_NEXT_HOP, one.remote, one.because

    def _late(self, message: QueuedMessage, one: RecipientState) -> Notice:
        reply, remote, _ = self._last_words(one)
        return Notice(
            recipient=one.recipient,
            action=Action.DELAYED,
            reply=reply,
            remote=remote,
            last_attempt_at=message.received_at + one.tries_s[-1] if one.tries_s else None,
            retry_until_at=message.starts_at + self._options.expire_after_s,
        )


async def _oldest(tx: Transaction, after: tuple[float, float]) -> list[float | None]:
    """From when the oldest message counts whose time has not come yet: not warned about, and warned about."""
    found: list[float | None] = []
    for watch, limit in zip((Watch.FRESH, Watch.WARNED), after, strict=True):
        row = await tx.fetch_one(_OLDEST, (int(watch), limit))
        found.append(row[0] if row else None)
    return found
