"""What an operator sees and does, beside a running server and without one."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from queue_kit import NEVER, NOT_NOW, OK, UNREACHABLE, Down, World, hours, lane_of, settle

from postel import contents as contents_room
from postel.contents import Contents
from postel.database import SqliteDatabase
from postel.mail import Mailbox, ReversePath, parse_domain, parse_mailbox
from postel.queue import (
    MIGRATIONS,
    Delayed,
    Failed,
    Queue,
    QueueCounts,
    QueueFilter,
    QueueId,
    QueueOptions,
    Relayed,
    State,
)
from postel.testing import InlineWorkers

ORG = QueueFilter(domain=parse_domain("example.org"))


async def held_up(*to: str) -> tuple[World, Queue]:
    """A running queue whose mail all waits."""
    world = await World.open()
    queue = await world.started()
    for mailbox in to:
        world.hosts[lane_of(parse_mailbox(mailbox))] = Delayed(NOT_NOW, "mx")
        await world.submit(queue, mailbox)
    await settle()
    return world, queue


def whom(entries: Any) -> list[str]:
    return [str(r.recipient.mailbox) for entry in entries for r in entry.message.recipients]


async def test_an_empty_queue_is_empty() -> None:
    world = await World.open()
    queue = world.queue()
    assert await queue.list() == []
    assert await queue.show(queue.next_id()) is None
    assert await queue.counts() == QueueCounts(0, 0, 0, 0, 0)
    for change in (queue.retry, queue.hold, queue.release, queue.remove):
        assert await change() == 0
    assert await queue.flush() == 0


async def test_list_filters_and_pages() -> None:
    world, queue = await held_up("a@example.org", "b@example.com", "c@example.org")
    queue_id = await world.submit(
        queue, "d@example.org", "e@example.com", reverse_path="kitt@free.org", rcpt={"NOTIFY": "NEVER"}
    )
    await settle()
    assert whom(await queue.list()) == [f"{n}@example.{'com' if n in 'be' else 'org'}" for n in "abcde"]
    assert len(await queue.list(ORG)) == 3
    kitt = ReversePath(parse_mailbox("kitt@free.org"))
    assert [e.message.queue_id for e in await queue.list(QueueFilter(reverse_path=kitt))] == [queue_id]
    assert await queue.list(QueueFilter(reverse_path=ReversePath.NULL)) == []
    assert len(await queue.list(QueueFilter(queue_id=queue_id, domain=parse_domain("EXAMPLE.org")))) == 1
    first = await queue.list(limit=2)
    rest = await queue.list(after=first[-1].message.queue_id)
    assert whom(first) + whom(rest) == whom(await queue.list())


async def test_show_tells_all_about_a_message() -> None:
    world, queue = await held_up("a@example.org")
    world.hosts["mx:dead.example"] = Down()
    queue_id = await world.submit(
        queue, "b@example.org", "x@dead.example", "y@good.example", parameters={"BODY": "8BITMIME"}
    )
    await settle()
    entry = await queue.show(queue_id)
    assert entry is not None
    message = entry.message
    assert (str(message.reverse_path), message.origin.client_ip) == ("ann@example.net", "192.0.2.1")
    assert message.parameters == {"BODY": "8BITMIME"}
    b, x, y = message.recipients
    assert (b.state, b.reply, b.remote, b.tries_s) == (State.WAITING, NOT_NOW, "mx", (0,))
    assert (x.state, x.lane) == (State.WAITING, "mx:dead.example")
    assert (y.state, y.reply) == (State.SETTLED, OK)
    assert entry.lanes_down["mx:dead.example"].reply == UNREACHABLE
    assert await queue.counts() == QueueCounts(2, 3, 0, 2, 1)


async def test_retry_makes_due_what_waits_even_in_dead_lanes() -> None:
    world, queue = await held_up("a@example.org")
    world.hosts["mx:dead.example"] = Down()
    await world.submit(queue, "x@dead.example")
    await asyncio.sleep(100)  # by now the next tries are minutes away
    world.attempts.clear()
    assert await queue.retry(ORG) == 1
    await settle()
    assert [a.lane for a in world.attempts] == ["mx:example.org"]
    world.hosts.clear()
    assert await queue.flush() == 2
    await settle()
    assert len(world.inbox) == 2
    assert await world.is_empty()


async def test_what_is_held_is_not_tried_not_warned_about_and_does_not_expire() -> None:
    world, queue = await held_up("a@example.org", "b@example.com")
    assert await queue.hold(ORG) == 1
    assert await queue.hold(ORG) == 0
    world.attempts.clear()
    assert await queue.flush() == 1
    await hours(200)
    assert {a.lane for a in world.attempts} == {"mx:example.com", "mx:example.net"}
    assert (await queue.counts()).held == 1
    world.hosts.clear()
    assert await queue.release() == 1
    await settle()
    assert world.delivered_to("a@example.org")
    assert await world.is_empty()


async def test_what_is_released_late_may_still_expire() -> None:
    world, queue = await held_up("a@example.org")
    await queue.hold()
    await hours(200)
    assert await queue.release() == 1
    await hours(1)
    (report,) = world.delivered_to("ann@example.net")
    assert b"5.4.7" in report
    assert await world.is_empty()


async def test_a_recipient_held_while_it_is_tried_stays_held() -> None:
    world, queue = await held_up()
    world.latency_s = 5
    world.hosts["mx:example.org"] = Delayed(NOT_NOW, "mx")
    await world.submit(queue, "a@example.org")
    await asyncio.sleep(1)
    assert await queue.hold() == 1
    await hours(10)
    assert len(world.attempts) == 1
    assert (await queue.counts()).held == 1


async def test_remove_takes_out_without_a_word() -> None:
    world, queue = await held_up("a@example.org", "b@example.com")
    await queue.hold(QueueFilter(domain=parse_domain("example.com")))
    assert await queue.remove(ORG) == 1
    assert await queue.remove() == 1
    assert await world.is_empty()
    await hours(200)
    assert world.inbox == []


async def test_remove_of_some_recipients_leaves_the_others() -> None:
    world, queue = await held_up()
    world.hosts["mx:example.org"] = world.hosts["mx:example.com"] = Delayed(NOT_NOW, "mx")
    await world.submit(queue, "a@example.org", "b@example.com", "c@example.org")
    await settle()
    assert await queue.remove(ORG, report=True) == 2
    await settle()
    (report,) = world.delivered_to("ann@example.net")
    assert report.count(b"Action: failed") == 2
    assert b"b@example.com" not in report.partition(b"Your message")[0]
    world.hosts.clear()
    await hours(0.1)
    assert world.delivered_to("b@example.com")
    assert await world.is_empty()


async def test_a_message_removed_while_it_is_tried_is_gone_whatever_comes_of_it() -> None:
    world, queue = await held_up()
    world.latency_s = 5
    for n, answer in enumerate((Failed(NEVER), Delayed(NOT_NOW), Relayed("mx", OK), Down(5))):
        world.hosts[f"mx:d{n}.example"] = answer
        await world.submit(queue, f"a@d{n}.example")
    await asyncio.sleep(1)
    assert await queue.remove() == 4
    await hours(200)
    assert {whom for whom, _ in world.inbox} == {"a@d2.example"}
    assert await world.is_empty()


async def test_a_message_removed_before_its_turn_is_never_tried() -> None:
    world = await World.open(lane_limit=1)
    queue = await world.started()
    world.latency_s = 5
    for n in range(5):
        await world.submit(queue, f"u{n}@example.org")
    await asyncio.sleep(1)
    (second,) = [e for e in await queue.list() if "u1@example.org" in whom([e])]
    assert await queue.remove(QueueFilter(queue_id=second.message.queue_id)) == 1
    await hours(1)
    assert [whom for whom, _ in world.inbox] == [f"u{n}@example.org" for n in (0, 2, 3, 4)]


async def test_mail_moves_when_its_lane_gets_another_name() -> None:
    world, queue = await held_up()
    world.hosts["mx:example.org"] = Down()
    for n in range(5):
        await world.submit(queue, f"u{n}@example.org", "x@example.com")
    await settle()
    world.hosts["smarthost"] = Relayed("smarthost", OK)
    await queue.reload(QueueOptions(), lambda mailbox: "smarthost")
    await settle()
    assert len(world.inbox) == 10
    assert await world.is_empty()
    assert (await queue.counts()).lanes == 0


async def test_mail_that_moves_while_it_is_tried_is_recorded_where_it_is() -> None:
    world, queue = await held_up()
    world.latency_s = 5
    await world.submit(queue, "a@example.org")
    await asyncio.sleep(1)
    await queue.reload(QueueOptions(), lambda mailbox: "smarthost")
    await hours(1)
    assert [whom for whom, _ in world.inbox] == ["a@example.org"]
    assert await world.is_empty()


async def test_mail_that_moves_waits_for_those_who_try_it_and_nothing_spins() -> None:
    world, queue = await held_up()
    world.latency_s = 500
    for n in range(5):
        await world.submit(queue, f"u{n}@example.org")
    await asyncio.sleep(1)
    for lanes in (lambda mailbox: "smarthost", lane_of, lambda mailbox: "smarthost"):
        await queue.reload(QueueOptions(), lanes)
        await asyncio.sleep(1)
    await hours(2)
    assert sorted(whom for whom, _ in world.inbox) == [f"u{n}@example.org" for n in range(5)]
    assert await world.is_empty()


@pytest.fixture
def shared(tmp_path: Path) -> Any:
    """Opens the database of one directory again and again, as processes do."""
    opened: list[SqliteDatabase] = []

    async def open_world(**options: Any) -> World:
        database = await SqliteDatabase.open(tmp_path, threaded=False)
        opened.append(database)
        await database.migrate((*contents_room.MIGRATIONS, *MIGRATIONS))
        return World(database, Contents(tmp_path, database, InlineWorkers()), QueueOptions(**options))

    return open_world


@pytest.mark.slow
async def test_another_process_accepts_mail_and_this_one_delivers_it(shared: Any) -> None:
    server, client = await shared(), await shared()
    queue, other = await server.started(), client.queue()
    await settle()
    await client.submit(other, "a@example.org")
    await asyncio.sleep(3)
    assert server.delivered_to("a@example.org")
    assert client.inbox == []
    await queue.stop()
    await server.database.close()
    await client.database.close()


@pytest.mark.slow
async def test_an_operator_in_another_process_is_obeyed(shared: Any) -> None:
    server, client = await shared(), await shared()
    queue, other = await server.started(), client.queue()
    server.hosts["mx:example.org"] = Delayed(NOT_NOW, "mx")
    await server.submit(queue, "a@example.org")
    await settle()
    assert await other.hold() == 1
    await hours(3)
    assert len(server.attempts) == 1
    server.hosts.clear()
    assert await other.release() == 1
    await asyncio.sleep(3)
    assert server.delivered_to("a@example.org")
    server.hosts["mx:example.org"] = Failed(NEVER)
    server.latency_s = 10
    await server.submit(queue, "b@example.org")
    await asyncio.sleep(1)
    assert await other.remove(report=True) == 1
    await asyncio.sleep(60)
    assert len(server.delivered_to("ann@example.net")) == 1
    assert isinstance((await other.list()), list)
    assert await other.show(QueueId(1)) is None
    await queue.stop()
    await server.database.close()
    await client.database.close()


async def test_a_queue_that_is_sorted_by_the_same_routes_already_is_not_read() -> None:
    world = await World.open()
    queue = world.queue()
    await world.submit(queue, "bob@example.org")
    asked: list[str] = []

    def lanes(mailbox: Mailbox) -> str:
        asked.append(mailbox.domain.ascii)
        return "smarthost"

    for routes in ("these", "these", "others", "", ""):
        await queue.reload(QueueOptions(), lanes, routes)
    assert asked == ["example.org"] * 4, "all but the second time; without a fingerprint always"
    assert await queue.lanes_with_mail() == ["smarthost"]
