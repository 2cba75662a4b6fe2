"""Mail that is to be released later (RFC 4865): held durable, and its time counts from the release."""

from __future__ import annotations

import pytest
from queue_kit import NOT_NOW, OK, Down, World, hours, settle

from postel.mail import format_instant
from postel.queue import Delayed, QueueFilter, Relayed, State

DAY = {"HOLDFOR": "86400"}


async def test_it_is_not_tried_before_its_time_and_then_at_once() -> None:
    world = await World.open()
    queue = await world.started()
    await world.submit(queue, "bob@example.org", parameters=DAY)
    await hours(23.9)
    assert world.attempts == []
    assert (await queue.counts()).scheduled == 1
    await hours(0.2)
    assert world.tried() == ["24h0m"]
    assert await world.is_empty()


async def test_it_may_name_the_instant() -> None:
    world = await World.open()
    queue = await world.started()
    at = format_instant(world.clock.now() + 7200)
    await world.submit(queue, "bob@example.org", parameters={"HOLDUNTIL": at})
    await hours(3)
    assert world.tried() == ["2h0m"]


async def test_an_instant_that_has_passed_meanwhile_holds_nothing() -> None:
    world = await World.open()
    queue = await world.started()
    at = format_instant(world.clock.now() - 5)
    await world.submit(queue, "bob@example.org", parameters={"HOLDUNTIL": at})
    await settle()
    assert await world.is_empty()


async def test_a_restart_does_not_forget_it_nor_release_it() -> None:
    world = await World.open()
    queue = await world.started()
    await world.submit(queue, "bob@example.org", "dan@here.example", parameters=DAY)
    await hours(1)
    await queue.stop()
    await world.started()
    await hours(22.9)
    assert world.attempts == []
    await hours(0.2)
    assert len(world.inbox) == 2


async def test_warning_and_expiry_count_from_its_release() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Down()
    await world.submit(queue, "bob@example.org", parameters={"HOLDFOR": str(10 * 86400)})
    await hours(10 * 24 + 3.9)
    assert world.delivered_to("ann@example.net") == []
    await hours(0.2)
    (warning,) = world.delivered_to("ann@example.net")
    assert b"Action: delayed" in warning
    assert b"Future-Release-Request: for;864000" in warning
    assert b"Arrival-Date:" in warning
    await hours(4.9 * 24)
    _, report = world.delivered_to("ann@example.net")
    assert b"Action: failed" in report
    assert b"Status: 5.4.7" in report
    assert await world.is_empty()


async def test_tries_after_the_release_expire_by_it_too() -> None:
    world = await World.open(expire_after_s=3600.0, warn_after_s=9e9)
    queue = await world.started()
    world.hosts["mx:example.org"] = Delayed(NOT_NOW, "mx")
    await world.submit(queue, "bob@example.org", parameters=DAY)
    await hours(24.9)
    assert len(world.tried()) > 3
    assert world.inbox == []
    await hours(1)
    assert b"Status: 5.4.7" in world.inbox[0][1]


@pytest.mark.parametrize("is_running", [True, False])
async def test_neither_retry_nor_flush_nor_a_hold_that_ends_releases_it_early(is_running: bool) -> None:
    world = await World.open()
    queue = await world.started() if is_running else world.queue()
    await world.submit(queue, "bob@example.org", parameters=DAY)
    assert await queue.retry() == 0
    assert await queue.flush() == 0
    assert await queue.hold() == 1
    assert await queue.release() == 1
    assert await queue.release() == 0  # nothing is held
    await settle()
    assert world.attempts == []
    running = queue if is_running else await world.started()
    await hours(23.9)
    assert world.attempts == []
    await hours(0.2)
    assert len(world.inbox) == 1
    assert running.is_scheduling


async def test_an_operator_can_release_it_early_and_its_time_counts_from_there() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Down()
    await world.submit(queue, "bob@example.org", parameters={"HOLDFOR": str(30 * 86400)})
    await world.submit(queue, "carol@example.org", parameters={"HOLDFOR": str(30 * 86400)})
    await hours(5)
    (first, _) = await queue.list(QueueFilter(scheduled_at=world.clock.now()))
    chosen = QueueFilter(queue_id=first.message.queue_id)
    assert await queue.release(chosen, early=True) == 1
    assert await queue.release(chosen, early=True) == 0
    await settle()
    assert len(world.attempts) == 1
    (left,) = await queue.list(QueueFilter(scheduled_at=world.clock.now()))
    assert left.message.queue_id != first.message.queue_id
    await hours(3.9)
    assert world.inbox == []
    await hours(0.3)
    assert b"Action: delayed" in world.inbox[0][1]


async def test_one_that_an_operator_holds_can_be_released_early_too() -> None:
    world = await World.open()
    queue = await world.started()
    await world.submit(queue, "bob@example.org", parameters=DAY)
    await queue.hold()
    assert await queue.release(early=True) == 1
    await settle()
    assert len(world.inbox) == 1


async def test_it_can_be_cancelled() -> None:
    world = await World.open()
    queue = await world.started()
    await world.submit(queue, "bob@example.org", parameters=DAY)
    assert await queue.remove() == 1
    assert await world.is_empty()
    await hours(30)
    assert world.attempts == []


async def test_other_mail_of_its_lane_goes_on() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Relayed("mx", OK)
    await world.submit(queue, "later@example.org", parameters=DAY)
    await world.submit(queue, "now@example.org")
    await settle()
    assert [whom for whom, _ in world.inbox] == ["now@example.org"]


async def test_an_account_s_messages_that_wait_are_counted_up_to_a_limit() -> None:
    world = await World.open()
    queue = await world.started()
    for _ in range(3):
        await world.submit(queue, "bob@example.org", parameters=DAY, account="ann@example.net")
    await world.submit(queue, "bob@example.org", parameters=DAY, account="kitt@example.net")
    assert await queue.count_scheduled("ann@example.net", 100) == 3
    assert await queue.count_scheduled("kitt@example.net", 100) == 1
    assert await queue.count_scheduled("nobody@example.net", 100) == 0
    await hours(25)
    assert await queue.count_scheduled("ann@example.net", 100) == 0


async def test_what_waits_is_waiting_and_not_held() -> None:
    world = await World.open()
    queue = await world.started()
    queue_id = await world.submit(queue, "bob@example.org", parameters=DAY)
    entry = await queue.show(queue_id)
    assert entry is not None
    assert entry.message.recipients[0].state is State.WAITING
    assert entry.message.is_scheduled(world.clock.now())
    assert entry.message.starts_at == entry.message.received_at + 86400
