"""Mail that leaves at once is one row; whoever needs it to be more files it first."""

from __future__ import annotations

import asyncio

import pytest
from queue_kit import NEVER, NOT_NOW, OK, Down, World, settle

from postel import contents as contents_room
from postel.contents import Contents
from postel.database import SqliteDatabase, Transaction
from postel.mail import parse_domain
from postel.queue import MIGRATIONS, Delayed, Delivered, Failed, Job, QueueFilter, QueueOptions, Relayed
from postel.testing import InlineWorkers


async def rows(world: World, table: str) -> int:
    row = await world.database.read(lambda tx: tx.fetch_one(f"SELECT COUNT(*) FROM {table}"))
    assert row is not None
    return int(row[0])


async def slow() -> World:
    world = await World.open()
    world.latency_s = 60
    return world


async def test_mail_that_leaves_at_once_has_one_row() -> None:
    world = await slow()
    queue = await world.started()
    await world.submit(queue, "bob@example.org", "kitt@example.org")
    await settle()
    assert await rows(world, "queue_arrival") == 1
    assert await rows(world, "queue_message") == 0
    await asyncio.sleep(60)
    assert [whom for whom, _ in world.inbox] == ["bob@example.org", "kitt@example.org"]
    assert await world.is_empty()


async def test_many_that_come_together_are_one_work() -> None:
    world = await World.open(lane_limit=100)
    queue = await world.started()
    await asyncio.gather(*(world.submit(queue, f"u{n}@example.org") for n in range(100)))
    await settle()
    assert len(world.inbox) == 100
    assert await world.is_empty()


@pytest.mark.parametrize(
    ("to", "parameters"),
    [
        (["bob@example.org", "kitt@example.net"], {}),
        (["bob@example.org"], {"HOLDFOR": "60"}),
        (["bob@example.org"], {"BY": "600;R"}),
        ([f"u{n}@example.org" for n in range(101)], {}),
    ],
)
async def test_what_is_not_simple_has_all_its_rows(to: list[str], parameters: dict[str, str]) -> None:
    world = await slow()
    queue = await world.started()
    await world.submit(queue, *to, parameters=parameters)
    assert await rows(world, "queue_arrival") == 0
    assert await rows(world, "queue_recipient") == len(to)


async def test_a_process_that_does_not_deliver_makes_all_rows() -> None:
    world = await World.open()
    await world.submit(world.queue(), "bob@example.org")
    assert await rows(world, "queue_message") == 1


async def test_mail_for_a_lane_that_is_down_waits_in_the_tables() -> None:
    world = await World.open()
    world.hosts["mx:example.org"] = Down()
    queue = await world.started()
    await world.submit(queue, "bob@example.org")
    await settle()
    assert await rows(world, "queue_message") == 1  # the attempt filed it
    await world.submit(queue, "kitt@example.org")
    assert await rows(world, "queue_arrival") == 0


async def test_what_waited_for_a_lane_that_goes_down_is_filed_and_delivered_in_the_end() -> None:
    world = await World.open()
    world.hosts["mx:example.org"] = Down(after_s=5)
    queue = await world.started()
    for n in range(250):
        await world.submit(queue, f"u{n}@example.org")
    await asyncio.sleep(20)
    world.hosts["mx:example.org"] = Relayed("mx", OK)
    await asyncio.sleep(4000)
    assert len({whom for whom, _ in world.inbox}) == len(world.inbox) == 250
    assert await world.is_empty()


async def test_no_more_wait_in_memory_than_the_limit_allows() -> None:
    world = await World.open(fresh_limit=20, page_limit=5, lane_limit=1)
    world.latency_s = 1
    queue = await world.started()
    for n in range(30):
        await world.submit(queue, f"u{n}@example.org")
        await world.submit(queue, f"u{n}@example.net")
    assert await rows(world, "queue_arrival") <= 25
    assert await rows(world, "queue_message") >= 30
    await asyncio.sleep(100)
    assert len({whom for whom, _ in world.inbox}) == len(world.inbox) == 60
    assert await world.is_empty()


async def test_mail_of_the_tables_is_not_kept_waiting_by_fresh_mail() -> None:
    world = await World.open(lane_limit=1)
    await world.submit(world.queue(), "old@example.org")
    world.latency_s = 1
    queue = await world.started()
    for n in range(20):
        await world.submit(queue, f"u{n}@example.org")
    await asyncio.sleep(6)
    assert "old@example.org" in [whom for whom, _ in world.inbox]


# Whoever looks at the queue finds what has just come


async def test_operators_see_what_an_agent_has_in_hand_and_it_is_delivered_once() -> None:
    world = await slow()
    queue = await world.started()
    queue_id = await world.submit(queue, "bob@example.org")
    await settle()
    assert [entry.message.queue_id for entry in await queue.list()] == [queue_id]
    assert (await queue.counts()).waiting == 1
    shown = await world.queue().show(queue_id)
    assert shown is not None
    assert [str(one.recipient.mailbox) for one in shown.message.recipients] == ["bob@example.org"]
    assert shown.message.size_bytes == len(await _content(world, shown.message.content_id))
    await asyncio.sleep(60)
    assert [whom for whom, _ in world.inbox] == ["bob@example.org"]
    assert await world.is_empty()


async def _content(world: World, content_id: int) -> bytes:
    reader = await world.contents.reader(content_id)
    return b"".join([piece async for piece in reader.chunks()])


async def test_what_is_filed_is_as_it_came() -> None:
    world = await slow()
    queue = await world.started()
    wishes = {"NOTIFY": "NEVER", "ORCPT": "rfc822;a+20b@example.org", "X": None}
    to = ['"a\\"b c"@example.org', "bob@example.org"]
    parameters = {"BODY": "8BITMIME", "ENVID": "x y\tz"}
    await world.submit(queue, *to, rcpt=wishes, parameters=parameters, account="ann@example.net")
    (entry,) = await queue.list()
    assert [str(one.recipient.mailbox) for one in entry.message.recipients] == to
    assert [one.recipient.parameters for one in entry.message.recipients] == [wishes, wishes]
    assert entry.message.parameters == parameters
    assert entry.message.origin.account == "ann@example.net"
    assert str(entry.message.reverse_path) == "ann@example.net"


async def test_what_another_process_holds_is_not_tried_from_memory() -> None:
    world = await World.open(lane_limit=1)
    world.latency_s = 10
    queue = await world.started()
    await world.submit(queue, "first@example.org")
    await world.submit(queue, "second@example.org")
    await settle()
    assert await world.queue().hold(QueueFilter(domain=parse_domain("example.org"))) == 2
    await asyncio.sleep(1000)
    assert [whom for whom, _ in world.inbox] == ["first@example.org"]  # it was in hand
    assert (await queue.counts()).held == 1
    await queue.release()
    await settle()
    await asyncio.sleep(11)
    assert [whom for whom, _ in world.inbox] == ["first@example.org", "second@example.org"]
    assert await world.is_empty()


async def test_what_is_removed_in_hand_is_not_delivered_to_a_mailbox() -> None:
    world = await slow()
    stored: list[str] = []

    async def effect(tx: Transaction) -> None:
        stored.append("x")

    world.hosts["local"] = Delivered(effect)
    queue = await world.started()
    await world.submit(queue, "ann@here.example")
    await settle()
    assert await queue.remove() == 1
    await asyncio.sleep(100)
    assert stored == []
    assert await world.is_empty()


async def test_old_mail_in_hand_is_found_by_the_keeper() -> None:
    world = await World.open(warn_after_s=600.0, expire_after_s=3600.0, lane_limit=1)
    world.latency_s = 1000
    queue = await world.started()
    await world.submit(queue, "first@example.org")
    await world.submit(queue, "second@example.org")
    await asyncio.sleep(650)
    assert await rows(world, "queue_arrival") == 0
    await asyncio.sleep(2000)
    assert len(world.inbox) == 2
    assert await world.is_empty()


async def test_a_reload_moves_what_waits_in_memory() -> None:
    world = await World.open(lane_limit=1)
    world.latency_s = 10
    queue = await world.started()
    for n in range(3):
        await world.submit(queue, f"u{n}@example.org")
    await settle()
    await queue.reload(world.options, lambda mailbox: "smarthost")
    await asyncio.sleep(100)
    assert {attempt.lane for attempt in world.attempts} == {"mx:example.org", "smarthost"}
    assert sorted(whom for whom, _ in world.inbox) == ["u0@example.org", "u1@example.org", "u2@example.org"]
    assert await world.is_empty()


async def test_etrn_counts_what_has_just_come() -> None:
    world = await slow()
    queue = await world.started()
    await world.submit(queue, "bob@example.org")
    assert await queue.count_messages(["mx:example.org"]) == 1
    assert await queue.lanes_with_mail() == ["mx:example.org"]


async def test_a_stop_leaves_what_waits_to_the_next_process() -> None:
    world = await World.open(lane_limit=1)
    world.latency_s = 10
    queue = await world.started()
    for n in range(3):
        await world.submit(queue, f"u{n}@example.org")
    await settle()
    await queue.stop(0.0)
    await world.started()
    await asyncio.sleep(100)
    assert max(whom for whom, _ in world.inbox) == "u2@example.org"
    assert await world.is_empty()


# The first attempt does not end it


async def test_an_attempt_that_is_delayed_files_it() -> None:
    world = await World.open()
    world.hosts["mx:example.org"] = lambda job: {
        str(r.mailbox): Delayed(NOT_NOW, "mx") if "later" in str(r.mailbox) else Relayed("mx", OK)
        for r in job.recipients
    }
    queue = await world.started()
    await world.submit(queue, "bob@example.org", "later@example.org")
    await settle()
    (entry,) = await queue.list()
    assert [(one.recipient.attempts, one.state.name) for one in entry.message.recipients] == [
        (1, "SETTLED"),
        (1, "WAITING"),
    ]
    world.hosts["mx:example.org"] = Relayed("mx", OK)
    await asyncio.sleep(100)
    assert [whom for whom, _ in world.inbox] == ["bob@example.org", "later@example.org"]
    assert await world.is_empty()


async def test_a_failure_is_reported_once() -> None:
    world = await World.open()
    world.hosts["mx:example.org"] = Failed(NEVER, "mx")
    queue = await world.started()
    await world.submit(queue, "bob@example.org")
    await settle()
    assert len(world.delivered_to("ann@example.net")) == 1
    assert await world.is_empty()


async def test_an_effect_that_fails_delays_its_message_and_no_other() -> None:
    world = await World.open()

    async def bad(tx: Transaction) -> None:
        raise ValueError("no room")

    def answer(job: Job) -> dict[str, Delivered]:
        return {str(r.mailbox): Delivered(bad if "bad" in str(r.mailbox) else None) for r in job.recipients}

    world.hosts["local"] = answer
    queue = await world.started()
    await asyncio.gather(*(world.submit(queue, f"{name}@here.example") for name in ("a", "bad", "c")))
    await settle()
    (entry,) = await queue.list()
    assert [str(one.recipient.mailbox) for one in entry.message.recipients] == ["bad@here.example"]
    assert entry.message.recipients[0].recipient.attempts == 1


async def test_an_older_database_gets_the_table() -> None:
    database = await SqliteDatabase.open(None)
    await database.migrate((*contents_room.MIGRATIONS[:2], *MIGRATIONS[:2]))
    await database.migrate((*contents_room.MIGRATIONS, *MIGRATIONS))
    world = World(database, Contents(None, database, InlineWorkers()), QueueOptions())
    queue = await world.started()
    await world.submit(queue, "bob@example.org")
    await settle()
    assert len(world.inbox) == 1
    assert await world.is_empty()
