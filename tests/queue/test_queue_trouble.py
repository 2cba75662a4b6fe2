"""The database cannot, for a while: nothing is lost, nothing spins."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from queue_kit import NEVER, NOT_NOW, OK, Down, World, hours, settle

from postel.database import Conflict, DatabaseTrouble, Shared, SqliteDatabase, Work
from postel.queue import Change, Delayed, Failed, Job, NewMessage, Queue, QueueFilter, QueueId, Relayed

S = TypeVar("S")
T = TypeVar("T")


class FlakyDatabase:
    """A database whose reads or writes fail while it is told so."""

    def __init__(self, inner: SqliteDatabase) -> None:
        self._inner = inner
        self.read_fault: Exception | None = None
        self.write_fault: Exception | None = None
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def write(self, work: Work[T]) -> T:
        self._raise(self.write_fault)
        return await self._inner.write(work)

    async def share(self, work: Shared[S, T], item: S, weight: int = 1) -> T:
        self._raise(self.write_fault)
        return await self._inner.share(work, item, weight)

    async def read(self, work: Work[T]) -> T:
        self._raise(self.read_fault)
        return await self._inner.read(work)

    def _raise(self, fault: Exception | None) -> None:
        if fault is not None:
            self.refused += 1
            raise fault


FULL = DatabaseTrouble("disk full", is_full=True)


async def flaky(**options: Any) -> tuple[World, FlakyDatabase, Queue]:
    world = await World.open(**options)
    database = FlakyDatabase(world.database)
    world = replace(world, database=database)  # type: ignore[arg-type]
    queue = await world.started()
    return world, database, queue


async def test_what_cannot_be_stored_is_not_accepted() -> None:
    world, database, queue = await flaky()
    database.write_fault = FULL
    with pytest.raises(DatabaseTrouble):
        await world.submit(queue, "bob@example.org")
    database.write_fault = None
    await hours(1)
    assert world.attempts == []


async def test_an_id_that_is_taken_is_trouble_not_a_second_message() -> None:
    world, _, queue = await flaky()
    world.hosts["mx:example.org"] = Delayed(NOT_NOW)
    first = await world.submit(queue, "bob@example.org")
    message: NewMessage = replace(await world.message(queue, "eve@example.org"), queue_id=first)
    with pytest.raises(DatabaseTrouble, match="taken"):
        await queue.accept(message)


async def test_an_outcome_waits_until_the_database_takes_it() -> None:
    world, database, queue = await flaky()
    world.latency_s = 5
    await world.submit(queue, "bob@example.org")
    await asyncio.sleep(1)
    database.write_fault = FULL
    await hours(1)
    assert len(world.attempts) == 1
    assert database.refused > 10
    database.write_fault = None
    await hours(0.1)
    assert len(world.attempts) == 1
    assert await world.is_empty()


async def test_a_report_whose_id_is_taken_gets_another() -> None:
    world, database, queue = await flaky()
    world.latency_s = 5
    world.hosts["mx:example.org"] = Failed(NEVER)
    await world.submit(queue, "bob@example.org")
    await asyncio.sleep(1)
    database.write_fault = Conflict("queue_message.id")
    await asyncio.sleep(5)
    database.write_fault = None
    await hours(1)
    assert len(world.delivered_to("ann@example.net")) == 1


async def test_mail_that_cannot_be_read_is_asked_for_again_soon() -> None:
    world, database, queue = await flaky(fresh_limit=0)
    await world.submit(queue, "bob@example.org")
    database.read_fault = FULL
    await asyncio.sleep(300)
    assert world.attempts == []
    assert database.refused < 40
    database.read_fault = None
    await asyncio.sleep(60)
    assert world.delivered_to("bob@example.org")


async def test_trouble_while_a_page_is_taken_apart_loses_nobody() -> None:
    world, database, queue = await flaky(fresh_limit=0, lane_limit=1)
    for n in range(5):
        await world.submit(queue, f"u{n}@example.org")
    world.latency_s = 5
    await asyncio.sleep(1)
    database.read_fault = FULL
    await asyncio.sleep(10)
    database.read_fault = None
    await hours(1)
    assert sorted(whom for whom, _ in world.inbox) == [f"u{n}@example.org" for n in range(5)]


async def test_time_goes_on_after_trouble() -> None:
    world, database, queue = await flaky()
    world.hosts["mx:example.org"] = Delayed(NOT_NOW, "mx")
    await world.submit(queue, "bob@example.org")
    await hours(3.9)
    database.read_fault = FULL
    await hours(1)
    database.read_fault = None
    await hours(0.2)
    assert len(world.delivered_to("ann@example.net")) == 1


async def test_a_report_about_the_end_whose_id_is_taken_is_made_again() -> None:
    world, database, queue = await flaky(expire_after_s=600)
    world.hosts["mx:example.org"] = Delayed(NOT_NOW, "mx")
    await world.submit(queue, "bob@example.org")
    await asyncio.sleep(599)
    database.write_fault = Conflict("queue_message.id")
    await asyncio.sleep(10)
    database.write_fault = None
    await hours(1)
    assert len(world.delivered_to("ann@example.net")) == 1


async def test_what_is_in_hand_does_not_expire() -> None:
    world, _, queue = await flaky(warn_after_s=50, expire_after_s=100)
    world.latency_s = 500
    await world.submit(queue, "bob@example.org")
    await hours(1)
    assert [whom for whom, _ in world.inbox] == ["bob@example.org"]
    assert await world.is_empty()


async def test_mail_is_given_up_while_others_of_its_message_are_tried() -> None:
    world, _, queue = await flaky(expire_after_s=100)
    world.hosts["mx:dead.example"] = Down()

    def slow(job: Job) -> Any:
        world.latency_s = 500
        return Relayed("mx", OK)

    world.hosts["mx:slow.example"] = slow
    await world.submit(queue, "a@dead.example", "b@slow.example")
    await asyncio.sleep(50)
    world.latency_s = 0
    await asyncio.sleep(200)
    assert not world.delivered_to("b@slow.example")
    (report,) = world.delivered_to("ann@example.net")
    assert b"a@dead.example" in report
    await hours(1)
    assert world.delivered_to("b@slow.example")
    assert await world.is_empty()


async def test_the_listener_hears_what_was_recorded() -> None:
    world = await World.open()
    heard: list[tuple[Job, list[Change]]] = []
    queue = Queue(
        world.database,
        world.contents,
        world.clock,
        world.options,
        lambda mailbox: "local",
        world.queue()._scheduler._agents,
        listener=lambda job, changes: heard.append((job, list(changes))),
    )
    await queue.start()
    queue_id = await world.submit(queue, "bob@example.org", "eve@example.org")
    await settle()
    ((job, changes),) = heard
    assert job.queue_id == queue_id
    assert [str(change.recipient.mailbox) for change in changes] == ["bob@example.org", "eve@example.org"]
    await queue.stop()


async def test_notes_about_very_many_lanes_become_one() -> None:
    world = await World.open()
    queue, other = await world.started(), world.queue()
    world.hosts |= {f"mx:d{n}.example": Delayed(NOT_NOW) for n in range(300)}
    for n in range(300):
        await world.submit(queue, f"a@d{n}.example")
    await settle()
    world.hosts.clear()
    assert await other.retry() == 300
    queue._heard_of_notes()
    queue._heard_of_notes()
    await settle()
    assert len(world.inbox) == 300


async def test_notes_are_not_lost_to_trouble() -> None:
    world, database, queue = await flaky()
    other = replace(world, database=database._inner).queue()
    await world.submit(other, "bob@example.org")
    database.read_fault = FULL
    queue._heard_of_notes()
    await settle()
    database.read_fault = None
    await asyncio.sleep(60)
    assert world.delivered_to("bob@example.org")
    await queue.stop()
    queue._heard_of_notes()  # nobody minds


async def test_a_removal_that_is_overtaken_looks_again() -> None:
    world, _, queue = await flaky()
    world.latency_s = 1
    world.hosts["mx:example.org"] = Failed(NEVER)
    queue_id = await world.submit(queue, "bob@example.org")
    await asyncio.sleep(0.999)
    told = await asyncio.gather(
        *(queue.remove(QueueFilter(queue_id=queue_id), report=True) for _ in range(3)), asyncio.sleep(0.5)
    )
    assert sum(count or 0 for count in told) == 1
    await hours(1)
    assert len(world.delivered_to("ann@example.net")) == 1
    assert await queue.remove(QueueFilter(queue_id=QueueId(1)), report=True) == 0


async def test_a_forgotten_lane_is_dropped_from_memory() -> None:
    world = await World.open()
    queue = await world.started()
    for n in range(50):
        await world.submit(queue, f"a@d{n}.example")
    await settle()
    assert len(world.inbox) == 50
    assert len(queue._scheduler.lanes) == 0
    assert queue._scheduler._work == {}


@pytest.mark.slow
async def test_a_large_queue_takes_little_memory_and_is_learned_at_once() -> None:
    world = await World.open()
    queue = world.queue()
    count, lanes = 20_000, 2_000
    for n in range(0, count, 10):
        await world.submit(queue, *(f"u{n + k}@d{(n // 10 * 7 + k) % lanes}.example" for k in range(10)))
    for n in range(0, lanes, 2):
        world.hosts[f"mx:d{n}.example"] = Down(after_s=30)
    queue = await world.started()
    assert len(queue._scheduler.lanes) == lanes
    assert sum(lane.loaded for lane in queue._scheduler.lanes) == 0
    await hours(0.25)
    assert len(world.inbox) == count // 2
    assert sum(len(work._known) for work in queue._scheduler._work.values()) < 100
    world.hosts.clear()
    await hours(2)
    assert sorted(whom for whom, _ in world.inbox) == sorted(
        f"u{n + k}@d{(n // 10 * 7 + k) % lanes}.example" for n in range(0, count, 10) for k in range(10)
    )
    assert await world.is_empty()
