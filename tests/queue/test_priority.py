"""What is urgent goes first, and what is not gets its turn (RFC 6710)."""

from __future__ import annotations

import asyncio

from queue_kit import OK, UNREACHABLE, Down, World, hours, settle

from postel.mail import parse_mailbox
from postel.queue import Delayed, Expanded, Relayed
from postel.queue.worklist import first_due


def urgent(level: int) -> dict[str, str]:
    return {"MT-PRIORITY": str(level)}


async def backlog(world: World, levels: list[int], **options: int) -> list[str]:
    """Mail of these priorities that waits in the database when a queue starts; in which order it is tried."""
    accepting = world.queue()
    for number, level in enumerate(levels):
        await world.submit(accepting, f"n{number}@example.org", parameters=urgent(level))
    queue = await world.started()
    await hours(1)
    await queue.stop()
    return [attempt.mailboxes[0].partition("@")[0] for attempt in world.attempts]


async def test_after_a_restart_a_backlog_goes_by_priority_and_then_by_age() -> None:
    world = await World.open(lane_limit=1)
    assert await backlog(world, [0, -9, 4, 9, 0, 4]) == ["n3", "n2", "n5", "n0", "n4", "n1"]


async def test_what_is_accepted_while_others_wait_overtakes_them() -> None:
    world = await World.open(lane_limit=1)
    world.latency_s = 60
    queue = await world.started()
    for number in range(5):
        await world.submit(queue, f"n{number}@example.org")
    await asyncio.sleep(90)
    await world.submit(queue, "flash@example.org", parameters=urgent(6))
    await world.submit(queue, "bulk@example.org", parameters=urgent(-6))
    await hours(1)
    tried = [attempt.mailboxes[0].partition("@")[0] for attempt in world.attempts]
    assert tried == ["n0", "n1", "flash", "n2", "n3", "n4", "bulk"]


async def test_an_urgent_message_does_not_wait_for_a_full_page() -> None:
    world = await World.open(lane_limit=1, page_limit=3)
    world.latency_s = 60
    queue = await world.started()
    for number in range(9):
        await world.submit(queue, f"n{number}@example.org")
    await settle()
    await world.submit(queue, "flash@example.org", parameters=urgent(1))
    await hours(1)
    assert world.attempts[1].mailboxes == ["flash@example.org"]
    assert len(world.attempts) == 10


async def test_a_backlog_of_urgent_mail_does_not_starve_the_rest() -> None:
    world = await World.open(lane_limit=1, page_limit=16)
    tried = await backlog(world, [9] * 200 + [0, 0, -9])
    assert len(tried) == 203
    # An eighth of every page is left to each lower level, and every eighth turn goes to who waited longest.
    assert max(tried.index("n200"), tried.index("n202")) < 40


async def test_what_is_urgent_and_not_due_holds_nothing_up() -> None:
    world = await World.open(lane_limit=1)
    queue = await world.started()
    world.hosts["mx:example.org"] = Delayed(UNREACHABLE, "mx")
    for _ in range(5):
        await world.submit(queue, "flash@example.org", parameters=urgent(9))
    await settle()
    world.hosts["mx:example.org"] = Relayed("mx", OK)
    await world.submit(queue, "bob@example.org")
    await settle()
    assert [whom for whom, _ in world.inbox] == ["bob@example.org"]
    await hours(1)
    assert len(world.inbox) == 6
    assert await world.is_empty()


async def test_places_that_all_lanes_share_go_to_urgent_lanes_first() -> None:
    world = await World.open(concurrency=1, reserve=0)
    world.latency_s = 60
    queue = await world.started()
    await world.submit(queue, "x@first.example")
    await asyncio.sleep(1)
    for number in range(4):
        await world.submit(queue, f"x@d{number}.example")
    await world.submit(queue, "x@flash.example", parameters=urgent(9))
    await hours(1)
    assert [attempt.lane for attempt in world.attempts][:2] == ["mx:first.example", "mx:flash.example"]
    assert len(world.attempts) == 6


async def test_a_lane_whose_mail_becomes_urgent_moves_up() -> None:
    world = await World.open(concurrency=1, reserve=0)
    world.latency_s = 60
    queue = await world.started()
    await world.submit(queue, "x@first.example")
    await asyncio.sleep(1)
    for number in range(4):
        await world.submit(queue, f"x@d{number}.example")
    await world.submit(queue, "y@d0.example", parameters=urgent(3))
    await hours(1)
    assert [attempt.mailboxes for attempt in world.attempts][1] == ["y@d0.example"]
    assert len(world.attempts) == 6


async def test_members_of_an_alias_and_those_who_change_lanes_keep_their_priority() -> None:
    world = await World.open(lane_limit=1)
    accepting = world.queue()
    for number in range(3):
        await world.submit(accepting, f"n{number}@example.org")
    world.hosts["local"] = Expanded((parse_mailbox("flash@example.org"),))
    await world.submit(accepting, "list@here.example", parameters=urgent(5))
    world.hosts["mx:example.org"] = Down()
    queue = await world.started()
    await hours(0.2)
    world.hosts["mx:example.org"] = world.hosts["hop:smart"] = Relayed("mx", OK)
    world.attempts.clear()
    await queue.reload(world.options, lambda mailbox: "hop:smart")
    await hours(2)
    assert world.attempts[0].mailboxes == ["flash@example.org"]
    assert await world.is_empty()


async def test_a_report_has_the_priority_of_its_message() -> None:
    world = await World.open(expire_after_s=60.0, warn_after_s=60.0)
    queue = await world.started()
    world.hosts["mx:example.org"] = Down()
    world.hosts["mx:example.net"] = Delayed(UNREACHABLE, "mx")
    await world.submit(queue, "bob@example.org", parameters=urgent(4))
    await asyncio.sleep(90)
    (entry,) = await queue.list()
    assert entry.message.reverse_path.is_null
    assert entry.message.parameters["MT-PRIORITY"] == "4"


async def test_looking_at_a_lane_again_takes_steps_and_no_walk_through_its_backlog() -> None:
    world = await World.open()
    accepting = world.queue()
    for number in range(50):
        await world.submit(accepting, "bob@example.org", parameters=urgent(number % 3))
    plans = await world.database.read(
        lambda tx: tx.fetch_all(
            "EXPLAIN QUERY PLAN SELECT MIN(next_at) FROM queue_errand WHERE lane = 'x' AND priority = 0"
        )
    )
    assert all("USING COVERING INDEX queue_errand_due (lane=? AND priority=?)" in str(plan) for plan in plans)
    due_at, level = await world.database.read(lambda tx: first_due(tx, "mx:example.org"))
    assert (due_at, level) == (world.clock.now(), 2)
    assert await world.database.read(lambda tx: first_due(tx, "mx:nobody.example")) == (None, 0)
