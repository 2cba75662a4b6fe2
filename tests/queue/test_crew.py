"""Several processes that deliver: each what it has accepted a moment ago, one of them all the rest."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from queue_kit import NEVER, NOT_NOW, OK, Down, World, hours, settle

from postel.database import SqliteDatabase
from postel.mail import parse_mailbox
from postel.queue import ALONE, Crew, Delayed, Expanded, Failed, Queue, QueueFilter, Relayed


class Mortal:
    """A database of which one process can lose hold, as by `kill -9`: then whoever asks it waits for ever."""

    def __init__(self, inner: SqliteDatabase) -> None:
        self._inner = inner
        self.is_dead = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def write(self, work: Any) -> Any:
        return await (_never() if self.is_dead else self._inner.write(work))

    async def read(self, work: Any) -> Any:
        return await (_never() if self.is_dead else self._inner.read(work))

    async def share(self, *args: Any) -> Any:
        return await (_never() if self.is_dead else self._inner.share(*args))


async def _never() -> Any:
    await asyncio.get_running_loop().create_future()


async def helper(world: World, number: int = 2) -> Queue:
    queue = world.queue()
    await queue.start(Crew(number, schedules=False))
    return queue


async def mortal(world: World, number: int) -> tuple[Queue, Mortal]:
    database = Mortal(world.database)
    mine = replace(world, database=database, latency_s=100)  # type: ignore[arg-type]
    queue = mine.queue()
    await queue.start(Crew(number, schedules=False))
    return queue, database


async def claims(world: World) -> list[tuple[int, int]]:
    return await world.database.read(lambda tx: tx.fetch_all("SELECT message_id, owner FROM queue_claim"))


async def test_a_helper_delivers_what_it_has_accepted_and_the_scheduler_hears_nothing_of_it() -> None:
    world = await World.open()
    leader, other = await world.started(), await helper(world)
    world.latency_s = 1
    await world.submit(other, "bob@example.org")
    await settle()
    assert len(world.attempts) == 1
    await asyncio.sleep(10)
    assert len(world.inbox) == 1
    assert await world.is_empty()
    await other.stop()
    await leader.stop()


async def test_what_a_helper_cannot_deliver_at_once_the_scheduler_tries_again() -> None:
    world = await World.open()
    leader, other = await world.started(), await helper(world)
    world.hosts["mx:example.org"] = Delayed(NOT_NOW)
    await world.submit(other, "bob@example.org")
    await settle()
    await other.stop()
    del world.hosts["mx:example.org"]
    await hours(1)
    assert world.tried() == ["0m", "1m"]
    assert await world.is_empty()
    await leader.stop()


async def test_a_failure_in_a_helper_is_reported_once() -> None:
    world = await World.open()
    leader, other = await world.started(), await helper(world)
    world.hosts["mx:example.org"] = Failed(NEVER)
    await world.submit(other, "bob@example.org")
    await hours(1)
    assert [whom for whom, _ in world.inbox] == ["ann@example.net"]
    assert await world.is_empty()
    await other.stop()
    await leader.stop()


async def test_members_of_an_alias_that_a_helper_has_expanded_are_the_schedulers() -> None:
    world = await World.open()
    leader, other = await world.started(), await helper(world)
    members = (parse_mailbox("eve@example.org"), parse_mailbox("sam@example.com"))
    world.hosts["local"] = Expanded(members)
    await world.submit(other, "all@here.example")
    await settle()
    assert sorted(whom for whom, _ in world.inbox) == ["eve@example.org", "sam@example.com"]
    assert await world.is_empty()
    await other.stop()
    await leader.stop()


async def test_what_is_not_simple_is_the_schedulers_from_the_start() -> None:
    world = await World.open()
    leader, other = await world.started(), await helper(world)
    await world.submit(other, "bob@example.org", "sam@example.com")
    await settle()
    assert len(world.inbox) == 2
    await other.stop()
    assert await world.is_empty()
    await leader.stop()


async def test_a_helper_leaves_a_dead_destination_to_the_scheduler() -> None:
    world = await World.open()
    leader, other = await world.started(), await helper(world)
    world.hosts["mx:example.org"] = Down()
    for _ in range(3):
        await world.submit(other, "bob@example.org")
    await settle()
    assert (
        1 <= len(world.attempts) <= 2
    )  # by the helper, and perhaps by the scheduler before it heard of that
    before = len(world.attempts)
    for _ in range(20):
        await world.submit(other, "bob@example.org")
    await settle()
    assert len(world.attempts) == before
    world.hosts.clear()
    await hours(1)
    assert len(world.inbox) == 23
    assert await world.is_empty()
    await other.stop()
    await leader.stop()


async def test_operators_see_what_a_helper_has_in_hand_and_nobody_else_takes_it() -> None:
    world = await World.open()
    leader, other = await world.started(), await helper(world)
    world.latency_s = 100
    queue_id = await world.submit(other, "bob@example.org")
    await settle()
    beside = world.queue()
    assert [entry.message.queue_id for entry in await beside.list()] == [queue_id]
    assert await claims(world) == [(int(queue_id), 2)]
    await beside.retry()
    await settle()
    assert len(world.attempts) == 1, "the scheduler leaves it alone"
    await asyncio.sleep(200)
    assert len(world.inbox) == 1
    assert await world.is_empty()
    assert await claims(world) == []
    await other.stop()
    await leader.stop()


async def test_what_was_claimed_and_is_delayed_goes_to_the_scheduler() -> None:
    world = await World.open()
    leader, other = await world.started(), await helper(world)

    world.latency_s = 100
    world.hosts["mx:example.org"] = Delayed(NOT_NOW)
    await world.submit(other, "bob@example.org")
    await settle()
    await world.queue().list()
    await asyncio.sleep(101)
    del world.hosts["mx:example.org"]
    await hours(1)
    assert len(world.inbox) == 1
    assert await claims(world) == []
    assert await world.is_empty()
    await other.stop()
    await leader.stop()


async def test_what_an_operator_removes_from_a_helpers_hand_is_gone() -> None:
    world = await World.open()
    leader, other = await world.started(), await helper(world)
    world.latency_s = 100
    world.hosts["mx:example.org"] = Delayed(NOT_NOW)
    queue_id = await world.submit(other, "bob@example.org")
    await settle()
    assert await world.queue().remove(QueueFilter(queue_id=queue_id)) == 1
    await asyncio.sleep(200)
    assert await world.is_empty()
    assert await claims(world) == []
    await hours(1)
    assert len(world.attempts) == 1
    await other.stop()
    await leader.stop()


async def test_a_dead_helpers_mail_is_taken_over_at_once_and_delivered() -> None:
    world = await World.open()
    leader = await world.started()
    other, database = await mortal(world, 2)
    for _ in range(5):
        await world.submit(other, "bob@example.org")
    await settle()
    await world.queue().list()  # they are in the tables, claimed
    await world.submit(other, "bob@example.org")  # and this one is not
    database.is_dead = True
    leader.lost(2)
    await asyncio.sleep(1)
    assert len(world.inbox) == 6
    assert await world.is_empty()
    assert await claims(world) == []


async def test_a_new_scheduler_takes_over_from_the_dead_and_leaves_the_living_theirs() -> None:
    world = await World.open()
    dead, its = await mortal(world, 2)
    living = await helper(world, 3)
    world.latency_s = 100
    lost = await world.submit(dead, "bob@example.org")
    kept = await world.submit(living, "sam@example.com")
    await settle()
    its.is_dead = True
    world.attempts.clear()
    world.latency_s = 0
    leader = world.queue()
    await leader.start(Crew(4, living=frozenset({3}), is_first=False))
    await asyncio.sleep(1)
    assert [attempt.queue_id for attempt in world.attempts] == [lost]
    later = await world.submit(await helper(world, 5), "eve@example.net")
    await leader.counts()
    await asyncio.sleep(1)
    assert [attempt.queue_id for attempt in world.attempts] == [lost, later]
    await asyncio.sleep(200)
    assert [attempt.queue_id for attempt in world.attempts].count(kept) == 0, "once, before we looked"
    assert await world.is_empty()
    await leader.stop()


async def test_the_first_of_a_new_crew_takes_over_whatever_was_claimed_before() -> None:
    world = await World.open()
    dead, its = await mortal(world, 77)
    await world.submit(dead, "bob@example.org")
    await settle()
    await world.queue().list()
    its.is_dead = True
    leader = world.queue()
    await leader.start(Crew(1))
    await asyncio.sleep(1)
    assert len(world.inbox) == 1
    assert await world.is_empty()
    assert await claims(world) == []
    await leader.stop()


async def test_a_helper_that_ends_hands_over_what_it_could_not_finish() -> None:
    world = await World.open()
    leader, other = await world.started(), await helper(world)
    world.latency_s = 100
    await world.submit(other, "bob@example.org")
    await settle()
    world.latency_s = 0
    await other.stop(drain_s=1)
    await asyncio.sleep(1)
    assert len(world.inbox) == 1
    assert await world.is_empty()
    await leader.stop()


async def test_after_a_reload_a_helper_delivers_by_the_new_routes_and_hands_over_what_waited() -> None:
    world = await World.open(lane_limit=1)
    leader, other = await world.started(), await helper(world)
    world.latency_s = 10
    for _ in range(3):
        await world.submit(other, "bob@example.org")
    await settle()
    await other.reload(world.options, lambda mailbox: "relay")
    await leader.reload(world.options, lambda mailbox: "relay")
    world.hosts["relay"] = Relayed("smarthost", OK)
    await asyncio.sleep(100)
    assert sorted(attempt.lane for attempt in world.attempts) == ["mx:example.org", "relay", "relay"]
    assert len(world.inbox) == 3
    assert await world.is_empty()
    await other.stop()
    await leader.stop()


async def test_who_is_alone_claims_nothing() -> None:
    assert ALONE.owner is None
    world = await World.open()
    queue = await world.started()
    world.latency_s = 100
    await world.submit(queue, "bob@example.org")
    await settle()
    await world.queue().list()
    assert await claims(world) == []
    await queue.stop(drain_s=200)
    assert await world.is_empty()
