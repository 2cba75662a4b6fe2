"""Mail that wants to be delivered by a time (RFC 2852): returned then (R), or told about (N)."""

from __future__ import annotations

import asyncio

import pytest
from queue_kit import NEVER, NOT_NOW, OK, Down, World, hours, settle

from postel.queue import Delayed, Failed, Relayed


def by(value: str) -> dict[str, str]:
    return {"BY": value}


def told(world: World) -> list[bytes]:
    return world.delivered_to("ann@example.net")


async def test_mode_r_ends_at_its_time_with_5_4_7() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Down()
    await world.submit(queue, "bob@example.org", parameters=by("600;R"))
    await asyncio.sleep(599)
    assert told(world) == []
    await asyncio.sleep(2)
    (report,) = told(world)
    assert b"Action: failed" in report
    assert b"Status: 5.4.7" in report
    assert b"Deliver-By-Date: " in report
    assert b"Arrival-Date: " in report
    assert await world.is_empty()


async def test_mode_n_is_told_once_with_4_4_7_and_delivery_goes_on() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Delayed(NOT_NOW, "mx")
    await world.submit(queue, "bob@example.org", parameters=by("600;N"))
    await asyncio.sleep(601)
    (report,) = told(world)
    assert b"Action: delayed" in report
    assert b"Status: 4.4.7" in report
    assert b"Deliver-By-Date: " in report
    world.hosts["mx:example.org"] = Relayed("mx", OK)
    await hours(3)
    assert len(world.delivered_to("bob@example.org")) == 1
    assert len(told(world)) == 1


async def test_the_usual_warning_still_comes() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Down()
    await world.submit(queue, "bob@example.org", parameters=by("600;N"))
    await hours(5)
    assert [report.count(b"Action: delayed") for report in told(world)] == [1, 1]


@pytest.mark.parametrize(
    ("notify", "mode", "count"),
    [("NEVER", "N", 0), ("FAILURE", "N", 0), ("DELAY", "N", 1), ("DELAY", "R", 0), ("FAILURE", "R", 1)],
)
async def test_who_did_not_want_to_hear_of_it_does_not(notify: str, mode: str, count: int) -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Down()
    await world.submit(queue, "bob@example.org", parameters=by(f"600;{mode}"), rcpt={"NOTIFY": notify})
    await hours(1)
    assert len(told(world)) == count


async def test_what_is_delivered_in_time_is_not_reported() -> None:
    world = await World.open()
    queue = await world.started()
    await world.submit(queue, "bob@example.org", parameters=by("600;R"))
    await world.submit(queue, "bob@example.org", parameters=by("600;N"))
    await hours(1)
    assert len(world.inbox) == 2
    assert await world.is_empty()


async def test_of_several_recipients_only_the_late_are_returned() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:dead.example"] = Down()
    world.hosts["mx:no.example"] = Failed(NEVER, "mx")
    await world.submit(queue, "a@good.example", "b@dead.example", "c@no.example", parameters=by("600;R"))
    await hours(1)
    refused, late = told(world)
    assert b"c@no.example" in refused and b"b@dead.example" not in refused
    assert b"b@dead.example" in late and b"Status: 5.4.7" in late
    assert await world.is_empty()


async def test_a_restart_after_its_time_returns_it_without_a_try() -> None:
    world = await World.open()
    accepting = world.queue()
    await world.submit(accepting, "bob@example.org", parameters=by("600;R"))
    await hours(1)
    await world.started()
    await settle()
    assert [attempt.mailboxes for attempt in world.attempts] == [["ann@example.net"]]
    assert b"Status: 5.4.7" in told(world)[0]
    assert await world.is_empty()


async def test_one_that_was_held_beyond_its_time_is_returned_when_it_is_let_go() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Down()
    await world.submit(queue, "bob@example.org", parameters=by("600;R"))
    await settle()
    await queue.hold()
    await hours(1)
    assert told(world) == []
    world.hosts["mx:example.org"] = Relayed("mx", OK)
    await queue.release()
    await settle()
    assert world.delivered_to("bob@example.org") == []
    assert b"Status: 5.4.7" in told(world)[0]


async def test_its_end_says_nothing_about_a_dead_lane() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Down()
    await world.submit(queue, "bob@example.org", parameters=by("30;R"))
    await world.submit(queue, "carol@example.org")
    await settle()
    await asyncio.sleep(31)
    assert len(told(world)) == 1
    assert (await queue.counts()).lanes_down == 1


async def test_one_in_an_agent_s_hands_is_not_torn_from_them() -> None:
    world = await World.open()
    queue = await world.started()
    world.latency_s = 300
    await world.submit(queue, "bob@example.org", parameters=by("60;R"))
    await world.submit(queue, "bob@example.com", parameters=by("60;N"))
    await hours(1)
    assert len(world.inbox) == 2
    assert told(world) == []


async def test_an_attempt_that_fails_for_now_after_its_time_is_the_last() -> None:
    world = await World.open()
    queue = await world.started()
    world.latency_s = 300
    world.hosts["mx:example.org"] = Delayed(NOT_NOW, "mx")
    await world.submit(queue, "bob@example.org", parameters=by("60;R"))
    await hours(1)
    assert len(world.tried("mx:example.org")) == 1
    assert b"Status: 5.4.7" in told(world)[0]


async def test_one_that_came_late_is_reported_only_when_it_is_stuck_here() -> None:
    world = await World.open()
    queue = await world.started()
    await world.submit(queue, "bob@example.org", parameters=by("-30;N"))
    world.hosts["mx:dead.example"] = Down()
    await world.submit(queue, "bob@dead.example", parameters=by("-30;N"))
    await hours(1)
    (report,) = told(world)
    assert b"bob@dead.example" in report
    assert b"Status: 4.4.7" in report


async def test_a_wish_does_not_lengthen_the_usual_time() -> None:
    world = await World.open(expire_after_s=3600.0, warn_after_s=9e9)
    queue = await world.started()
    world.hosts["mx:example.org"] = Down()
    await world.submit(queue, "bob@example.org", parameters=by("999999;R"))
    await hours(2)
    assert len(told(world)) == 1
    assert await world.is_empty()


async def test_a_traced_message_is_reported_by_every_hop() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Relayed("mx", OK, is_reporting=True, is_traced=True)
    await world.submit(queue, "bob@example.org", parameters=by("600;NT"))
    await world.submit(queue, "bob@example.org", parameters=by("600;NT"), rcpt={"NOTIFY": "FAILURE"})
    await world.submit(queue, "bob@example.org", parameters=by("600;NT"), rcpt={"NOTIFY": "NEVER"})
    await settle()
    assert [b"Action: relayed" in report for report in told(world)] == [True, True]


async def test_people_are_told_of_the_time_that_was_asked_for() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Down()
    await world.submit(queue, "bob@example.org", parameters=by("600;N"))
    await world.submit(queue, "bob@example.org", parameters=by("600;R"))
    await asyncio.sleep(601)
    assert len(told(world)) == 2
    for report in told(world):
        assert b"It was not delivered by the time that it asked for" in b" ".join(report.split())
