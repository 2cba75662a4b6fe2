"""Mail that is delivered by the transaction that accepts it is never in the queue; all else goes by the queue."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from queue_kit import CONTENT, World, hours, settle
from test_queue_trouble import FULL, FlakyDatabase

from postel import contents as contents_room
from postel.contents import Contents, hold
from postel.database import DatabaseTrouble, SqliteDatabase, Transaction
from postel.mail.replies import MAILBOX_FULL
from postel.queue import MIGRATIONS, Delivered, Deposit, Job, NotNow, Queue, QueueOptions
from postel.testing import InlineWorkers


class Letterbox:
    """Mailboxes, in a table, of whoever is in the lane `local`.

    opinion     None: everybody's mail is delivered at once. Else what happens to whoever asks for that.
    fault       raised in the transaction of a letter to `full@here.example`.
    """

    def __init__(self, opinion: Exception | bool = True, fault: Exception | None = None) -> None:
        self.asked: list[tuple[list[str], bytes]] = []
        self.opinion = opinion
        self.fault = fault

    def find(self, lane: str) -> Any:
        return self.deposit if lane == "local" else None

    async def deposit(self, job: Job, content: bytes) -> Deposit | None:
        addresses = [str(one.mailbox) for one in job.recipients]
        self.asked.append((addresses, content))
        if isinstance(self.opinion, Exception):
            raise self.opinion
        return (lambda tx, content_id: self._put(tx, addresses, content_id)) if self.opinion else None

    async def _put(self, tx: Transaction, addresses: list[str], content_id: int) -> None:
        for address in addresses:
            await hold(tx, content_id)
            await tx.execute("INSERT INTO box (mailbox, content_id) VALUES (?, ?)", (address, content_id))
            if self.fault is not None and address == "full@here.example":
                raise self.fault


async def town(letterbox: Letterbox, **options: Any) -> World:
    world = await World.open(**options)
    await world.database.write(lambda tx: tx.execute("CREATE TABLE box (mailbox TEXT, content_id INTEGER)"))
    world.at_once = letterbox.find
    world.hosts["local"] = Delivered()
    return world


async def boxes(world: World) -> list[tuple[str, int]]:
    rows = await world.database.read(lambda tx: tx.fetch_all("SELECT mailbox, content_id FROM box"))
    return [(mailbox, content_id) for mailbox, content_id in rows]


async def rows(world: World, table: str) -> int:
    row = await world.database.read(lambda tx: tx.fetch_one(f"SELECT COUNT(*) FROM {table}"))
    assert row is not None
    return int(row[0])


async def test_it_is_in_its_mailboxes_when_it_is_accepted_and_no_agent_sees_it() -> None:
    world = await town(letterbox := Letterbox())
    queue = await world.started()
    await world.submit(queue, "ann@here.example", "kitt@here.example")
    ((first, content_id), (second, same_id)) = await boxes(world)
    assert (first, second, content_id) == ("ann@here.example", "kitt@here.example", same_id)
    assert letterbox.asked == [(["ann@here.example", "kitt@here.example"], CONTENT)]
    reader = await world.contents.reader(content_id)
    assert b"".join([chunk async for chunk in reader.chunks()]) == CONTENT
    assert await rows(world, "queue_arrival") == await rows(world, "queue_message") == 0
    await hours(1)
    assert world.runs == []


async def test_many_that_come_together_are_one_work_and_each_has_its_own_content() -> None:
    world = await town(Letterbox())
    queue = await world.started()
    await asyncio.gather(*(world.submit(queue, f"u{n}@here.example") for n in range(100)))
    assert sorted(mailbox for mailbox, _ in await boxes(world)) == sorted(
        f"u{n}@here.example" for n in range(100)
    )
    assert len({content_id for _, content_id in await boxes(world)}) == 100
    assert await rows(world, "content_alone") == 100
    assert await rows(world, "content") == 0


async def test_what_becomes_of_it_is_told_after_whoever_waits_has_told_that_it_is_accepted() -> None:
    world = await town(Letterbox())
    told: list[str] = []
    world.listener = lambda job, changes: told.extend(f"{one.recipient.mailbox}" for one in changes)
    queue = await world.started()
    with queue.follow((message := await world.message(queue, "ann@here.example")).queue_id, 1) as following:
        await queue.accept(message)
        told.append("accepted")
        change = await following.next()
    assert change is not None
    assert told == ["accepted", "ann@here.example"]
    assert await following.next() is None


async def test_one_that_cannot_be_now_goes_by_the_queue_and_holds_up_no_other() -> None:
    world = await town(Letterbox(fault=NotNow(MAILBOX_FULL, "no room")))
    queue = await world.started()
    to = ["ann@here.example", "full@here.example", "kitt@here.example"]
    await asyncio.gather(*(world.submit(queue, one) for one in to))
    assert [mailbox for mailbox, _ in await boxes(world)] == ["ann@here.example", "kitt@here.example"]
    await settle()
    assert [whom for whom, _ in world.inbox] == ["full@here.example"]
    assert await rows(world, "content_alone") == 2


@pytest.mark.parametrize("opinion", [False, RuntimeError("a mistake"), DatabaseTrouble("cannot be read")])
async def test_one_that_is_not_wanted_so_goes_by_the_queue(opinion: Exception | bool) -> None:
    world = await town(Letterbox(opinion))
    queue = await world.started()
    await world.submit(queue, "ann@here.example")
    assert await rows(world, "queue_arrival") == 1
    await settle()
    assert [whom for whom, _ in world.inbox] == ["ann@here.example"]
    assert await world.is_empty()


async def test_one_that_is_in_no_mailbox_after_all_goes_by_the_queue() -> None:
    world = await town(Letterbox())

    async def forget(job: Job, content: bytes) -> Deposit:
        async def deposit(tx: Transaction, content_id: int) -> None:
            await tx.execute("DELETE FROM box")

        return deposit

    world.at_once = lambda lane: forget
    queue = await world.started()
    await world.submit(queue, "ann@here.example")
    await settle()
    assert [whom for whom, _ in world.inbox] == ["ann@here.example"]


@pytest.mark.parametrize(
    ("to", "facts"),
    [
        (["ann@here.example", "kitt@example.org"], {}),
        (["ann@example.org"], {}),
        ([f"u{n}@here.example" for n in range(101)], {}),
        (["ann@here.example"], {"parameters": {"HOLDFOR": "60"}}),
        (["ann@here.example"], {"parameters": {"BY": "600;R"}}),
        (["ann@here.example"], {"rcpt": {"NOTIFY": "SUCCESS"}}),
    ],
)
async def test_what_has_more_to_it_goes_by_the_queue(to: list[str], facts: dict[str, Any]) -> None:
    world = await town(letterbox := Letterbox())
    queue = await world.started()
    await world.submit(queue, *to, **facts)
    assert letterbox.asked == []
    await asyncio.sleep(100)
    assert {whom for whom, _ in world.inbox} >= set(to)
    is_reported = "ann@example.net" in {whom for whom, _ in world.inbox}
    assert is_reported == ("rcpt" in facts)


async def test_what_lies_in_a_file_or_has_something_beside_it_goes_by_the_queue() -> None:
    world = await town(letterbox := Letterbox())
    queue = await world.started()

    async def beside(tx: Transaction) -> None:
        await tx.execute("INSERT INTO box (mailbox) VALUES ('beside')")

    await queue.accept(await world.message(queue, "ann@here.example"), beside)
    assert letterbox.asked == []
    assert [mailbox for mailbox, _ in await boxes(world)] == ["beside"]


async def test_who_does_not_deliver_delivers_nothing_at_once() -> None:
    world = await town(letterbox := Letterbox())
    await world.submit(world.queue(), "ann@here.example")
    queue = await world.started()
    await queue.stop()
    await world.submit(queue, "ann@here.example")
    assert letterbox.asked == []


async def test_what_cannot_be_stored_is_neither_accepted_nor_delivered() -> None:
    world = await town(Letterbox())
    database = FlakyDatabase(world.database)
    queue: Queue = await replace(world, database=database).started()  # type: ignore[arg-type]
    database.write_fault = FULL
    with pytest.raises(DatabaseTrouble):
        await world.submit(queue, "ann@here.example")
    database.write_fault = None
    await hours(1)
    assert await boxes(world) == []
    assert await world.is_empty()


async def test_the_id_of_a_lost_try_is_no_others(tmp_path: Any) -> None:
    """A deposit that was taken back has seen an id that another content gets then: it is told the new one."""
    database = await SqliteDatabase.open(tmp_path, threaded=False)
    await database.migrate((*contents_room.MIGRATIONS, *MIGRATIONS))
    await database.write(lambda tx: tx.execute("CREATE TABLE box (mailbox TEXT, content_id INTEGER)"))
    letterbox = Letterbox(fault=NotNow(MAILBOX_FULL, "no room"))
    world = World(database, Contents(None, database, InlineWorkers()), QueueOptions(), at_once=letterbox.find)
    world.hosts["local"] = Delivered()
    queue = await world.started()
    contents = {f"{name}@here.example": CONTENT + name.encode() for name in ("ann", "full", "kitt")}
    await asyncio.gather(
        *(world.submit(queue, address, content=content) for address, content in contents.items())
    )
    for address, content_id in await boxes(world):
        reader = await world.contents.reader(content_id)
        assert b"".join([chunk async for chunk in reader.chunks()]) == contents[address]
    await settle()
    assert world.inbox == [("full@here.example", contents["full@here.example"])]
    await queue.stop()
    await database.close()
