"""Lanes are found, counted and woken by name; and one message can be watched."""

from queue_kit import NOT_NOW, OK, Down, World, hours, settle

from postel.queue import Delayed, QueueFilter, QueueOptions, Relayed
from postel.queue.settle import Postponed, Settled


async def test_every_lane_with_mail_is_named_once() -> None:
    world = await World.open()
    queue = world.queue()
    for to in ("a@one.example", "b@one.example", "c@two.example"):
        await world.submit(queue, to)
    await world.submit(queue, "d@three.example", "e@one.example")
    assert await queue.lanes_with_mail() == ["mx:one.example", "mx:three.example", "mx:two.example"]
    assert await queue.count_messages(["mx:one.example"]) == 3
    assert await queue.count_messages(["mx:one.example", "mx:two.example"]) == 4
    assert await queue.count_messages(["mx:nowhere.example"]) == 0


async def test_an_empty_queue_has_no_lanes() -> None:
    world = await World.open()
    assert await world.queue().lanes_with_mail() == []


async def test_held_mail_is_neither_counted_nor_woken() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:one.example"] = Down()
    await world.submit(queue, "a@one.example")
    await settle()
    await queue.hold(QueueFilter())
    assert await queue.count_messages(["mx:one.example"]) == 0
    world.hosts["mx:one.example"] = Relayed("mx.one.example", OK)
    await queue.wake(["mx:one.example"])
    await hours(1)
    assert not world.inbox


async def test_a_lane_that_is_down_is_tried_at_once_when_it_is_woken_and_no_other() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts |= {"mx:one.example": Down(), "mx:two.example": Down()}
    for number in range(3):
        await world.submit(queue, f"a{number}@one.example")
    await world.submit(queue, "b@two.example")
    await hours(3)
    tried = len(world.tried("mx:two.example"))
    world.hosts["mx:one.example"] = Relayed("mx.one.example", OK)
    await queue.wake(["mx:one.example"])
    await hours(0.02)
    assert len(world.inbox) == 3
    assert len(world.tried("mx:two.example")) == tried


async def test_recipients_delayed_one_by_one_are_due_when_their_lane_is_woken() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:one.example"] = Delayed(NOT_NOW, "mx.one.example")
    for number in range(250):
        await world.submit(queue, f"a{number}@one.example")
    await hours(2)
    world.hosts["mx:one.example"] = Relayed("mx.one.example", OK)
    await queue.wake(["mx:one.example"])
    await hours(0.02)
    assert len(world.inbox) == 250


async def test_another_process_wakes_a_lane_by_a_note() -> None:
    world = await World.open()
    queue = world.queue()
    await world.submit(queue, "a@one.example")
    await queue.wake(["mx:one.example"])
    assert await world.database.read(
        lambda tx: tx.fetch_one("SELECT 1 FROM queue_note WHERE lane = 'mx:one.example'")
    )


async def test_a_message_is_followed_until_every_recipient_was_tried() -> None:
    world = await World.open()
    queue = await world.started()
    world.hosts["mx:two.example"] = Delayed(NOT_NOW, "mx.two.example")
    message = await world.message(queue, "a@one.example", "b@two.example")
    with queue.follow(message.queue_id, 2) as following:
        await queue.accept(message)
        changes = [await following.next(), await following.next()]
        assert await following.next() is None
    assert {type(change) for change in changes} == {Settled, Postponed}


async def test_nobody_is_told_that_mail_is_late_which_waits_to_be_fetched() -> None:
    world = await World.open()
    queue = world.queue(lambda mailbox: f"pull:{mailbox.domain.ascii}")
    await queue.start()
    world.hosts["pull:one.example"] = Down()
    await world.submit(queue, "a@one.example")
    await hours(30)
    assert world.delivered_to("ann@example.net") == []
    await hours(100)
    assert len(world.delivered_to("ann@example.net")) == 1  # the end of the message, and nothing before


def test_one_agent_at_a_time_works_for_a_lane_that_is_fetched() -> None:
    assert QueueOptions().limit_of("pull:one.example") == 1
