"""Who is served when: many lanes, many messages, agents that misbehave."""

import asyncio
from typing import Any

import pytest
from queue_kit import NOT_NOW, OK, UNREACHABLE, Down, World, hours, settle

from postel.queue import Delayed, Failed, Jobs, Relayed


async def test_thousands_of_dead_lanes_do_not_slow_a_living_one() -> None:
    world = await World.open(concurrency=50, reserve=10, down_limit=10)
    queue = await world.started()
    for n in range(300):
        world.hosts[f"mx:dead{n}.example"] = Down(after_s=120)
        await world.submit(queue, f"x@dead{n}.example")
    await world.submit(queue, "bob@alive.example")
    await asyncio.sleep(130)
    assert len(world.inbox) == 1
    # From now on it is known to be well, and waits for nobody.
    for n in range(5):
        await asyncio.sleep(600)
        await world.submit(queue, "bob@alive.example")
        await asyncio.sleep(1)
        assert len(world.inbox) == n + 2


async def test_agents_of_a_lane_grow_with_its_successes_up_to_the_limit() -> None:
    world = await World.open(lane_limit=5)
    queue = await world.started()
    world.latency_s = 1
    for n in range(40):
        await world.submit(queue, f"bob{n}@example.org")
    await hours(1)
    assert world.most["mx:example.org"] == 5
    starts = [a.at_s for a in world.attempts]
    assert [starts.count(second) for second in range(4)] == [1, 2, 4, 5]
    assert len(world.runs) == 5  # one connection for many messages
    assert await world.is_empty()


async def test_all_agents_together_stay_within_the_limit() -> None:
    world = await World.open(concurrency=7, reserve=2)
    queue = await world.started()
    world.latency_s = 1
    for n in range(30):
        await world.submit(queue, f"bob@d{n}.example")
    most = 0
    while not await world.is_empty():
        most = max(most, sum(world.running.values()))
        await asyncio.sleep(0.5)
    assert most == 5
    assert len(world.inbox) == 30


async def test_an_agent_leaves_its_place_when_others_wait() -> None:
    world = await World.open(concurrency=1, reserve=0, turn_jobs=3)
    queue = await world.started()
    world.latency_s = 1
    for _ in range(9):
        await world.submit(queue, "bob@busy.example")
    await world.submit(queue, "bob@other.example")
    await hours(1)
    lanes = [a.lane for a in world.attempts]
    # Two turns of three jobs each: lanes that are well and lanes never tried take turns.
    assert lanes.index("mx:other.example") == 6
    assert len(lanes) == 10


async def test_a_message_with_many_recipients_takes_turns_with_the_others_of_its_lane() -> None:
    world = await World.open(max_recipients_per_job=10, lane_limit=1)
    queue = world.queue()
    big = await world.submit(queue, *(f"u{n}@example.org" for n in range(200)))
    small = [await world.submit(queue, "bob@example.org") for _ in range(5)]
    await queue.start()
    await settle()
    order = [a.queue_id for a in world.attempts]
    assert order[:6] == [big, *small]
    assert order.count(big) == 20
    assert max(len(a.mailboxes) for a in world.attempts) == 10
    assert len({whom for whom, _ in world.inbox}) == 201
    assert await world.is_empty()


async def test_parts_of_a_message_are_delivered_side_by_side() -> None:
    world = await World.open(max_recipients_per_job=10, lane_limit=4)
    queue = await world.started()
    world.latency_s = 1
    await world.submit(queue, *(f"u{n}@example.org" for n in range(200)))
    await hours(0.1)
    assert world.most["mx:example.org"] == 4
    assert sorted(whom for whom, _ in world.inbox) == sorted(f"u{n}@example.org" for n in range(200))
    assert await world.is_empty()


async def test_recipients_of_one_message_have_outcomes_of_their_own() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = lambda job: {
        str(r.mailbox): Delayed(NOT_NOW, "mx") if "late" in str(r.mailbox) else Relayed("mx", OK)
        for r in job.recipients
    }
    await world.submit(queue, "a@example.org", "late@example.org", "b@example.org")
    await settle()
    world.hosts["mx:example.org"] = Relayed("mx", OK)
    await hours(0.1)
    assert [a.mailboxes for a in world.attempts][1] == ["late@example.org"]
    assert await world.is_empty()


async def test_a_recipient_without_an_outcome_is_delayed() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = lambda job: {}
    await world.submit(queue, "bob@example.org")
    await hours(0.2)
    assert world.tried() == ["0m", "1m", "6m"]


async def test_mail_that_comes_while_a_lane_is_down_tries_it_again_after_a_while() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Down()
    await world.submit(queue, "a@example.org")
    await asyncio.sleep(30)
    await world.submit(queue, "b@example.org")
    await asyncio.sleep(5 * 60 - 30)
    await world.submit(queue, "c@example.org")
    await asyncio.sleep(10 * 60)
    assert world.tried() == ["0m", "1m", "5m", "6m"]


async def test_a_probe_goes_through_the_messages_in_turn() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Down(after_s=1)
    for name in "abc":
        await world.submit(queue, f"{name}@example.org")
    await hours(1)
    assert [a.mailboxes[0][0] for a in world.attempts] == ["a", "b", "c", "a", "b"]


async def test_greylisting_of_one_message_does_not_hold_up_the_lane() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = lambda job: (
        Delayed(NOT_NOW, "mx") if str(job.recipients[0].mailbox) == "a@example.org" else Relayed("mx", OK)
    )
    for name in "abcde":
        await world.submit(queue, f"{name}@example.org")
    await settle()
    assert len(world.inbox) == 4


async def test_a_dead_lane_is_not_well_because_we_have_troubles_of_our_own() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Down()
    for name in "abcdef":
        await world.submit(queue, f"{name}@example.org")
    await settle()
    world.hosts["mx:example.org"] = Delayed(NOT_NOW)  # nobody's word but ours
    await hours(0.5)
    assert world.tried() == ["0m", "1m", "6m", "21m"]
    assert (await queue.counts()).lanes_down == 1


async def test_an_agent_may_find_a_lane_dead_before_it_asks_for_a_job() -> None:
    class Pessimist:
        async def deliver(self, jobs: Jobs) -> None:
            world.runs.append(jobs.lane)
            await jobs.lane_down(UNREACHABLE, "no need to look")

    world = await World.open()
    world.agents = lambda lane: Pessimist()
    queue = await world.started()
    queue_id = await world.submit(queue, "bob@example.org")
    await hours(0.25)
    assert len(world.runs) == 3
    entry = await queue.show(queue_id)
    assert entry is not None
    assert entry.lanes_down["mx:example.org"].failures == 3


@pytest.mark.parametrize("expire_after_s", [60, 360, 1260])
async def test_a_last_try_and_the_end_at_one_instant_do_not_both_happen(expire_after_s: int) -> None:
    world = await World.open(expire_after_s=expire_after_s)
    queue = await world.started()
    world.hosts["mx:example.org"] = lambda job: Relayed("mx", OK) if world.now_s >= expire_after_s else Down()
    for n in range(5):
        await world.submit(queue, f"u{n}@example.org")
    await hours(1)
    reports = [content.decode() for content in world.delivered_to("ann@example.net")]
    for n in range(5):
        delivered = len(world.delivered_to(f"u{n}@example.org"))
        reported = sum(f"rfc822;u{n}@example.org" in report for report in reports)
        assert delivered + reported == 1
    assert await world.is_empty()


class Misbehaving:
    def __init__(self, world: World, how: str) -> None:
        self.world = world
        self.how = how

    async def deliver(self, jobs: Jobs) -> None:
        self.world.runs.append(jobs.lane)
        if self.how == "never asks":
            return
        job = await jobs.next()
        if self.how == "asks and raises":
            raise RuntimeError("a mistake of ours")
        if self.how == "forgets":
            await jobs.next()
        elif self.how == "done twice" and job is not None:
            outcomes = {r.id: Delayed(NOT_NOW) for r in job.recipients}
            await jobs.done(job, outcomes)
            await jobs.done(job, outcomes)


@pytest.mark.parametrize("how", ["never asks", "asks and raises", "forgets", "ends", "done twice"])
async def test_an_agent_that_misbehaves_neither_loses_mail_nor_spins(how: str) -> None:
    world = await World.open()
    world.agents = lambda lane: Misbehaving(world, how)
    queue = await world.started()
    queue_id = await world.submit(queue, "bob@example.org")
    await hours(1)
    assert 3 < len(world.runs) < 125
    entry = await queue.show(queue_id)
    assert entry is not None
    assert entry.message.recipients[0].state == 0


async def test_an_agent_that_cannot_be_made_is_tried_again() -> None:
    world = await World.open()

    def refuse(lane: str) -> Any:
        world.runs.append(lane)
        raise KeyError(lane)

    world.agents = refuse
    queue = await world.started()
    await world.submit(queue, "bob@example.org")
    await hours(1)
    assert 3 < len(world.runs) < 125


async def test_what_is_in_hand_at_a_stop_may_finish() -> None:
    world = await World.open()
    queue = await world.started()
    world.latency_s = 5
    await world.submit(queue, "bob@example.org")
    await world.submit(queue, "carol@example.org")
    await asyncio.sleep(1)
    await queue.stop(10)
    assert world.now_s == 5
    assert [whom for whom, _ in world.inbox] == ["bob@example.org"]
    assert (await queue.counts()).waiting == 1
    await hours(1)
    assert len(world.attempts) == 1


async def test_what_does_not_finish_in_time_is_due_again() -> None:
    world = await World.open()
    queue = await world.started()
    world.latency_s = 100
    await world.submit(queue, "bob@example.org")
    await asyncio.sleep(1)
    await queue.stop(10)
    assert world.now_s == 11
    assert (await queue.counts()).waiting == 1
    world.latency_s = 0
    await world.started()
    await settle()
    assert [whom for whom, _ in world.inbox] == ["bob@example.org"]


async def test_a_restart_remembers_which_lanes_are_down() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Down()
    for name in "abc":
        await world.submit(queue, f"{name}@example.org")
    await asyncio.sleep(100)
    await queue.stop()
    queue = await world.started()
    await asyncio.sleep(200)
    assert world.tried() == ["0m", "1m"]
    await asyncio.sleep(100)
    assert world.tried() == ["0m", "1m", "6m"]
    world.hosts["mx:example.org"] = Failed(OK)
    await hours(1)
    assert (await queue.counts()).lanes_down == 0


async def test_a_server_that_allows_few_connections_is_served_with_as_many() -> None:
    world = await World.open(lane_limit=8)
    queue = await world.started()
    world.latency_s = 1

    def busy(job: Any) -> Any:
        return Down() if world.running["mx:example.org"] > 3 else Relayed("mx", OK)

    world.hosts["mx:example.org"] = busy
    for n in range(60):
        await world.submit(queue, f"bob{n}@example.org")
    await asyncio.sleep(30)
    assert len(world.inbox) == 60
    assert await world.is_empty()
    assert len(world.attempts) < 65
