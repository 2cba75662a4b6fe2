"""A delivery and the end of its recipient are one instant."""

from collections.abc import Mapping
from typing import Any

from queue_kit import World, hours, settle

from postel.database import DatabaseTrouble, Transaction
from postel.queue import Delivered, Job, Outcome

TABLE = "CREATE TABLE box (mailbox TEXT PRIMARY KEY)"


def into_box(*, failing: frozenset[str] = frozenset(), fault: Exception | None = None) -> Any:
    def answer(job: Job) -> Mapping[str, Outcome]:
        return {str(r.mailbox): Delivered(put(str(r.mailbox))) for r in job.recipients}

    def put(mailbox: str) -> Any:
        async def effect(tx: Transaction) -> None:
            await tx.execute("INSERT INTO box (mailbox) VALUES (?)", (mailbox,))
            if mailbox in failing:
                raise fault or RuntimeError("over quota")

        return effect

    return answer


async def boxes(world: World) -> list[str]:
    rows = await world.database.read(lambda tx: tx.fetch_all("SELECT mailbox FROM box ORDER BY mailbox"))
    return [row[0] for row in rows]


async def local_world() -> World:
    world = await World.open()
    await world.database.write(lambda tx: tx.execute(TABLE))
    return world


async def test_the_effect_happens_with_the_end_of_the_recipient() -> None:
    world = await local_world()
    queue = await world.started()
    world.hosts["local"] = into_box()
    await world.submit(queue, "a@here.example", "b@here.example")
    await settle()
    assert await boxes(world) == ["a@here.example", "b@here.example"]
    assert await world.is_empty()


async def test_an_effect_that_fails_delays_its_recipient_alone_and_leaves_nothing_behind() -> None:
    world = await local_world()
    queue = await world.started()
    world.hosts["local"] = into_box(failing=frozenset({"b@here.example", "c@here.example"}))
    to = [f"{name}@here.example" for name in "abcd"]
    queue_id = await world.submit(queue, *to)
    await settle()
    assert await boxes(world) == ["a@here.example", "d@here.example"]
    entry = await queue.show(queue_id)
    assert entry is not None
    left = [r for r in entry.message.recipients if r.state == 0]
    assert [str(r.recipient.mailbox) for r in left] == ["b@here.example", "c@here.example"]
    assert all(r.recipient.attempts == 1 and "over quota" in r.because for r in left)
    world.hosts["local"] = into_box()
    await hours(1)
    assert await boxes(world) == to
    assert await world.is_empty()


async def test_a_broken_rule_of_the_schema_is_a_failed_effect_too() -> None:
    world = await local_world()
    queue = await world.started()
    await world.database.write(lambda tx: tx.execute("INSERT INTO box VALUES ('a@here.example')"))
    world.hosts["local"] = into_box()
    await world.submit(queue, "a@here.example", "b@here.example")
    await settle()
    assert await boxes(world) == ["a@here.example", "b@here.example"]
    assert (await queue.counts()).waiting == 1


async def test_trouble_of_the_database_is_not_the_effects_fault() -> None:
    world = await local_world()
    queue = await world.started()
    trouble = DatabaseTrouble("disk full", is_full=True)
    world.hosts["local"] = into_box(failing=frozenset({"a@here.example"}), fault=trouble)
    queue_id = await world.submit(queue, "a@here.example")
    await hours(0.5)
    # It is still being recorded: the delivery was not given up, and not done again.
    assert len(world.attempts) == 1
    assert await boxes(world) == []
    entry = await queue.show(queue_id)
    assert entry is not None
    assert entry.message.recipients[0].recipient.attempts == 0
    await queue.stop(1)


async def test_a_recipient_removed_meanwhile_is_not_delivered() -> None:
    world = await local_world()
    queue = await world.started()
    world.latency_s = 5
    world.hosts["local"] = into_box()
    await world.submit(queue, "a@here.example")
    await settle()
    assert await queue.remove() == 1
    assert await world.is_empty()
    await hours(1)
    assert await boxes(world) == []
