"""The queue: the only door between receiving and delivering.

Gives       Queue.
Not here    How each thing is done: the other files of this room, one idea each.

    accept ---> [ database ] ---> scheduler ---> agent ---> recorder ---> [ database ]
                     ^                                          |
    operator --------+                            reports ------+

The legal states of a message and every walk between them stand in INTERNALS.md.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial

from postel.contents import Contents
from postel.database import Conflict, Database, DatabaseTrouble, Transaction
from postel.net import Clock
from postel.observe import logger
from postel.queue.arrivals import Arrival, insert_arrivals, is_simple
from postel.queue.at_once import AtOnce, Shortcut
from postel.queue.crew import ALONE, Crew, claims_of, release_claims
from postel.queue.following import Followers, Following
from postel.queue.fresh import Fresh
from postel.queue.ids import QueueId, QueueIds
from postel.queue.intake import LaneOf, Placed, insert_message, sort_by_lane
from postel.queue.job import DeliveryAgent, NewMessage, QueuedRecipient
from postel.queue.jobs import TROUBLE_PAUSE_S
from postel.queue.notes import ALL_LANES, CHANNEL, any_notes, leave_notes, take_notes
from postel.queue.operator import EVERYTHING, Desk, QueueCounts, QueueEntry, QueueFilter
from postel.queue.options import QueueOptions
from postel.queue.outcome import Effect
from postel.queue.reclassify import is_sorted, note_sorted, reclassify
from postel.queue.record import Recorded
from postel.queue.recorder import Listener, Recorder
from postel.queue.reports import Reports
from postel.queue.scheduler import Scheduler
from postel.queue.waking import count_messages, lanes_with_mail, make_due

log = logger("queue")


class Queue:
    """The mail that this host is responsible for.

    Without `start` it accepts and serves operators, and leaves the delivering to the process that schedules.
    Started as a helper of a crew, it delivers what it has accepted a moment ago, and leaves the rest to that process.

    lane_of     names the lane of a mailbox, from its domain alone.
    agents      makes the agent that delivers one lane's mail; called whenever one is needed.
    listener    is told after the commit what became of recipients.
    at_once     delivers a lane's mail in the transaction that accepts it, where that can be; None: it never can.
    """

    def __init__(
        self,
        database: Database,
        contents: Contents,
        clock: Clock,
        options: QueueOptions,
        lane_of: LaneOf,
        agents: Callable[[str], DeliveryAgent],
        *,
        rng: random.Random | None = None,
        listener: Listener | None = None,
        at_once: Callable[[str], AtOnce | None] = lambda lane: None,
    ) -> None:
        rng = rng or random.Random(random.SystemRandom().getrandbits(128))
        self._database = database
        self._clock = clock
        self._ids = QueueIds(clock, rng)
        reports = Reports(contents, clock, options, self._ids)
        self._followers = Followers(listener)
        self._recorder = Recorder(database, reports, clock, options, lane_of, self._followers.settled)
        self._shortcut = Shortcut(database, at_once, self._recorder.tell)
        self._fresh = Fresh(database, options.fresh_limit)
        self._contents = contents
        self._scheduler = Scheduler(database, self._recorder, self._fresh, clock, options, agents)
        self._desk = Desk(database, self._recorder, clock, self._leave_word, self._fresh, self._look_again)
        self._crew = ALONE
        self._is_delivering = False
        self._unwatch: Callable[[], None] | None = None
        self._is_giving_up = False
        self._is_taking_notes = False
        self._has_more_notes = False
        self._has_missed_notes = False

    @property
    def is_scheduling(self) -> bool:
        """Whether this process delivers what the tables hold."""
        return self._unwatch is not None

    # Life

    async def start(self, crew: Crew = ALONE) -> None:
        """Deliver from now on, as what this process is in its crew. Raises DatabaseTrouble."""
        self._crew = self._fresh.crew = self._recorder.crew = crew
        self._is_delivering = True
        if not crew.schedules:
            self._fresh.dropped = self._give_up_dropped
            self._scheduler.start_helping()
            return
        self._unwatch = self._database.hear(CHANNEL, self._heard_of_notes)
        await self._scheduler.start(self._inherit)

    async def _inherit(self) -> None:
        """Before the tables are read: what the dead had in hand is in them, and nobody's."""
        await self._fresh.file_all()
        for owner in await self._database.read(lambda tx: claims_of(tx, self._crew)):
            await self._database.write(partial(release_claims, owner=owner))

    def lost(self, number: int) -> None:
        """A helper has died: what it had in hand is due. Only for who schedules."""
        if self.is_scheduling:
            self._scheduler.start_chore(self._take_over(number))

    async def _take_over(self, number: int) -> None:
        try:
            await self._fresh.file_all()
            lanes = await self._database.write(partial(release_claims, owner=number))
            await self._scheduler.look_again(lanes)
        except DatabaseTrouble as trouble:
            log.trouble("queue_unreadable", because=trouble)
            asyncio.get_running_loop().call_later(TROUBLE_PAUSE_S, self.lost, number)

    async def stop(self, drain_s: float = 10.0) -> None:
        """Stop delivering: agents have so many seconds to finish; what they have not done is due again.

        A queue that was stopped is not started again.
        """
        if self._is_delivering:
            if self._unwatch is not None:
                self._unwatch()
            self._fresh.dropped = None
            await self._scheduler.stop(drain_s)
            self._unwatch, self._is_delivering = None, False
            if not self._crew.schedules:
                await self._give_up()

    async def reload(self, options: QueueOptions, lane_of: LaneOf, routes: str = "") -> None:
        """Take new settings; mail whose lane is another now moves there. Raises DatabaseTrouble.

        routes      a fingerprint of what `lane_of` goes by: where it is that of the last time, all mail is in its lane
                    already, and nothing is read. "" does not tell.
        """
        self._recorder.configure(options, lane_of)
        self._scheduler.configure(options)
        await self._fresh.file_all()
        if not self._crew.schedules:
            self._scheduler.park()
            return
        is_known = await self._database.read(lambda tx: is_sorted(tx, routes))
        if routes and is_known:
            return
        await self._database.write(partial(note_sorted, fingerprint=""))
        touched = await reclassify(self._database, lane_of)
        await self._database.write(partial(note_sorted, fingerprint=routes))
        if touched and self.is_scheduling:
            self._scheduler.park()
            await self._scheduler.look_again(touched)

    # Receiving

    def next_id(self) -> QueueId:
        """The id for a message that begins now."""
        return self._ids.next()

    async def accept(self, message: NewMessage, beside: Effect | None = None) -> None:
        """Queue a message with its content: when this returns, it is durable and we are responsible.

        What can be delivered by the same transaction is delivered.

        beside      done in the same transaction: both happen or neither.

        Raises DatabaseTrouble: then nothing was queued, as far as anybody may rely on it.
        """
        recorder = self._recorder
        lanes = sort_by_lane(message, recorder.lane_of, recorder.home)
        if beside is None and self._admits(message, lanes):
            ((lane, recipients),) = lanes.items()
            if await self._shortcut.take(message, lane, recipients):
                return
            arrival = Arrival(message, lane, recipients, self._arrived, self._crew.owner)
            await self._write(self._database.share(insert_arrivals, arrival, arrival.weight))
            return

        async def work(tx: Transaction) -> None:
            placed = await insert_message(tx, message, lanes)
            if beside is not None:
                await beside(tx)
            await self._leave_word(tx, lanes)
            tx.after_commit(lambda: self._offer(placed))

        await self._write(self._database.write(work))

    def _admits(self, message: NewMessage, lanes: Mapping[str, tuple[QueuedRecipient, ...]]) -> bool:
        """Whether the message may be an arrival."""
        limit = self._recorder.options.max_recipients_per_job
        return self._is_delivering and is_simple(message, lanes, limit) and self._scheduler.admits(*lanes)

    async def _write(self, writing: Awaitable[object]) -> None:
        try:
            await writing
        except Conflict as conflict:
            # Two processes may make the same id, once in some millions of messages a second.
            raise DatabaseTrouble(f"the queue id is taken: {conflict}") from conflict

    def _arrived(self, message: NewMessage, placed: Placed) -> None:
        self._contents.remember(placed.jobs[0].content_id, message.content.data)
        if self._is_delivering:
            self._scheduler.offer(placed)

    def _offer(self, placed: Placed) -> None:
        if self.is_scheduling:
            self._scheduler.offer(placed)

    def follow(self, queue_id: QueueId, recipients: int) -> AbstractContextManager[Following]:
        """Watch what becomes of a message that is about to be accepted; only where this process delivers."""
        return self._followers.follow(queue_id, recipients)

    # Lanes by name

    async def lanes_with_mail(self) -> Sequence[str]:
        """The lanes that have mail, held mail too. Raises DatabaseTrouble, as the next two."""
        await self._fresh.file_all()
        return await self._database.read(lanes_with_mail)

    async def count_messages(self, lanes: Collection[str]) -> int:
        """Messages that wait in these lanes, held ones apart; one that waits in two of them counts twice."""
        await self._fresh.file_all()
        return await self._database.read(lambda tx: count_messages(tx, lanes))

    async def wake(self, lanes: Collection[str]) -> None:
        """Make what waits in these lanes due now, lanes that are down included."""
        await self._fresh.file_all()
        for lane in lanes:
            while await self._wake_page(lane):
                await asyncio.sleep(0)  # reading does not suspend, and others want the loop too

    async def _wake_page(self, lane: str) -> bool:
        now = self._clock.now()

        async def work(tx: Transaction) -> bool:
            has_more = await make_due(tx, lane, now)
            await self._leave_word(tx, (lane,))
            return has_more

        has_more = await self._database.write(work)
        await self._look_again((lane,), Recorded())
        return has_more

    # The operator

    async def list(
        self, chosen: QueueFilter = EVERYTHING, *, limit: int = 1000, after: QueueId | None = None
    ) -> Sequence[QueueEntry]:
        """The matching messages in order of age, from the one behind `after` on."""
        return await self._desk.list(chosen, limit=limit, after=after)

    async def show(self, queue_id: QueueId) -> QueueEntry | None:
        """One message, or None when it is not in the queue (any more)."""
        return await self._desk.show(queue_id)

    async def counts(self) -> QueueCounts:
        """How much there is."""
        return await self._desk.counts()

    async def retry(self, chosen: QueueFilter = EVERYTHING) -> int:
        """Make what waits due now, dead lanes included, unless its release is yet to come. How many recipients."""
        return await self._desk.retry(chosen)

    async def flush(self) -> int:
        """Make everything that waits due now. How many recipients."""
        return await self._desk.retry(EVERYTHING)

    async def hold(self, chosen: QueueFilter = EVERYTHING) -> int:
        """Keep what waits until it is released: not tried, not warned about, not expired. How many."""
        return await self._desk.hold(chosen)

    async def release(self, chosen: QueueFilter = EVERYTHING, *, early: bool = False) -> int:
        """Let go on what is held, from now on; with `early` also what waits for its release. How many recipients."""
        return await self._desk.release(chosen, early=early)

    async def count_scheduled(self, account: str, limit: int) -> int:
        """How many messages of an account wait for their release, counted up to so many (RFC 4865 6 (2))."""
        return await self._desk.count_scheduled(account, limit)

    async def remove(self, chosen: QueueFilter = EVERYTHING, *, report: bool = False) -> int:
        """Take out what waits or is held; with `report`, tell the originators. How many recipients."""
        return await self._desk.remove(chosen, report=report)

    # Word to and from other processes

    async def _leave_word(self, tx: Transaction, lanes: Collection[str]) -> None:
        if not self.is_scheduling:
            await leave_notes(tx, lanes)

    async def _look_again(self, lanes: Collection[str], recorded: Recorded) -> None:
        if self.is_scheduling:
            self._scheduler.distrust()
            self._scheduler.spread(recorded)
            await self._scheduler.look_again(lanes)

    def _give_up_dropped(self) -> None:
        if not self._is_giving_up:
            self._is_giving_up = True
            self._scheduler.start_chore(self._give_up())

    async def _give_up(self) -> None:
        try:
            await self._fresh.file_dropped()
        except DatabaseTrouble as trouble:
            log.trouble("queue_unreadable", because=trouble)
            if self._is_delivering:
                asyncio.get_running_loop().call_later(TROUBLE_PAUSE_S, self._give_up_dropped)
        finally:
            self._is_giving_up = False

    def _heard_of_notes(self) -> None:
        if not self.is_scheduling:
            return
        self._scheduler.distrust()
        self._has_more_notes = True
        if not self._is_taking_notes:
            self._is_taking_notes = True
            self._scheduler.start_chore(self._take_notes())

    async def _take_notes(self) -> None:
        try:
            while self._has_more_notes:
                self._has_more_notes = False
                if self._has_missed_notes:
                    await self._scheduler.look_again({ALL_LANES})
                    self._has_missed_notes = False
                elif await self._database.read(any_notes):
                    self._has_missed_notes = True
                    await self._scheduler.look_again(await self._database.write(take_notes))
                    self._has_missed_notes = False
        except DatabaseTrouble as trouble:
            log.trouble("queue_unreadable", because=trouble)
            asyncio.get_running_loop().call_later(TROUBLE_PAUSE_S, self._heard_of_notes)
        finally:
            self._is_taking_notes = False
