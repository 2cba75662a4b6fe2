"""Attempts happen when the schedule says so."""

from queue_kit import NOT_NOW, OK, Down, World, hours, settle

from postel.queue import Delayed, Relayed


async def test_a_message_is_delivered_at_once() -> None:
    world = await World.open()
    queue = await world.started()
    await world.submit(queue, "bob@example.org")
    await settle()
    assert world.delivered_to("bob@example.org")
    assert await world.is_empty()


async def test_a_delayed_recipient_is_tried_by_the_schedule() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Delayed(NOT_NOW, "mx.example.org")
    queue_id = await world.submit(queue, "bob@example.org")
    await hours(6)
    assert world.tried("mx:example.org") == ["0m", "1m", "6m", "21m", "51m", "1h51m", "3h51m", "5h51m"]
    entry = await queue.show(queue_id)
    assert entry is not None
    (bob,) = entry.message.recipients
    assert bob.recipient.attempts == 8
    assert bob.tries_s == (0, 60, 360, 1260, 3060, 6660, 13860, 21060)
    assert (bob.reply, bob.remote) == (NOT_NOW, "mx.example.org")


async def test_a_lane_that_is_down_is_tried_by_the_schedule_with_one_agent() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Down(after_s=5)
    for n in range(50):
        await world.submit(queue, f"bob{n}@example.org")
    await hours(2)
    assert world.tried() == ["0m", "1m", "6m", "21m", "51m", "1h51m"]
    assert world.most["mx:example.org"] == 1


async def test_the_first_success_releases_all_that_waited() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:example.org"] = Down()
    for n in range(50):
        await world.submit(queue, f"bob{n}@example.org")
    await hours(0.8)
    world.hosts["mx:example.org"] = Relayed("mx.example.org", OK)
    await hours(0.1)
    assert len(world.inbox) == 50
    assert max(a.at_s for a in world.attempts) < 52 * 60
    assert await world.is_empty()
