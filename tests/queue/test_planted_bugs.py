"""The simulation of power cuts is worth what it finds: faults that are planted must be found.

Each fault is one that mail servers have had, planted from outside: by a disk, a database or an agent that does its work
in the wrong order. What is left of the system is ours, unchanged.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

import pytest
from power_town import OK, SEED, Diary, Story, Town, check, letter, put, told

from postel.contents import ContentMissing
from postel.database import Database, DatabaseTrouble, Shared, Transaction, Work
from postel.queue import Delivered, Jobs, Outcome, Queue, Relayed
from postel.queue.arrivals import insert_arrivals
from postel.queue.at_once import deposit_all

S = TypeVar("S")
T = TypeVar("T")
Life: TypeAlias = Callable[[Town], Awaitable[None]]


def is_found(story: Story, *, diary: Diary | None = None, rounds: int = 4) -> bool:
    """Whether any cut, each with some luck, is judged to break a promise."""
    rng = random.Random(SEED)
    for _ in range(rounds):
        try:
            check(story, range(story.power.steps + 1), rng.getrandbits(32), diary=diary)
        except AssertionError:
            return True
    return False


async def two_letters(town: Town, queue: Queue | None = None) -> None:
    """A small life: mail that is delivered here, and mail that is relayed, one of each in a file."""
    scheduling = await town.started()
    await letter(town, queue or scheduling, "small", "ann@here.example", "kitt@example.org")
    await letter(town, queue or scheduling, "large", "frito@here.example", "kitt@example.net")
    await asyncio.sleep(5)
    await scheduling.stop(1.0)


async def two_arrivals(town: Town) -> None:
    """A smaller life: letters that are one row each, and leave at once."""
    scheduling = await town.started()
    await letter(town, scheduling, "small", "ann@here.example", "bob@here.example")
    await letter(town, scheduling, "small", "kitt@example.org")
    await asyncio.sleep(5)
    await scheduling.stop(1.0)


LIVES = pytest.mark.parametrize("life", [two_letters, two_arrivals])


@LIVES
def test_without_a_fault_nothing_is_found(life: Life) -> None:
    with told(life) as story:
        assert not is_found(story, rounds=1)


@pytest.mark.slow
@LIVES
def test_a_250_said_one_step_before_the_commit_is_on_disk_is_found(life: Life) -> None:
    with told(life) as story:
        hasty = Diary([(step - 2, kind, to) for step, kind, to in story.diary.promised], story.diary.arrived)
        assert is_found(story, diary=hasty)


class HastyDatabase:
    """Says that a write is durable when it has only been asked for."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self._writes: set[asyncio.Task[Any]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def write(self, work: Work[T]) -> T:
        task: asyncio.Task[T] = asyncio.ensure_future(self._inner.write(work))
        self._writes.add(task)
        return None  # type: ignore[return-value]  # nobody looks at what accepting gives


class HastyArrivals:
    """Does the same, but only where a message gets its one row, or is delivered at once."""

    def __init__(self, inner: Database, work: Any) -> None:
        self._inner = inner
        self._work = work
        self._writes: set[asyncio.Task[Any]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def share(self, work: Shared[S, T], item: S, weight: int = 1) -> T:
        if work is not self._work:
            return await self._inner.share(work, item, weight)
        task: asyncio.Task[T] = asyncio.ensure_future(self._inner.share(work, item, weight))
        self._writes.add(task)
        return None  # type: ignore[return-value]


@pytest.mark.slow
def test_a_250_before_the_commit_is_found() -> None:
    async def life(town: Town) -> None:
        accepting = replace(town, database=HastyDatabase(town.database)).queue()
        await two_letters(town, accepting)

    with told(life) as story:
        assert is_found(story)


@pytest.mark.slow
@pytest.mark.parametrize("work", [insert_arrivals, deposit_all])
def test_a_250_before_the_commit_of_an_arrival_is_found(work: Any) -> None:
    async def life(town: Town) -> None:
        queue = replace(town, database=HastyArrivals(town.database, work)).queue()
        await queue.start()
        await letter(town, queue, "small", "ann@here.example")
        await letter(town, queue, "small", "kitt@example.org")
        await asyncio.sleep(5)
        await queue.stop(1.0)

    with told(life) as story:
        assert is_found(story)


class HastyAgent:
    """Tells the queue that the next hop has taken the mail, and gives it to the next hop after that."""

    def __init__(self, town: Town) -> None:
        self._town = town

    async def deliver(self, jobs: Jobs) -> None:
        while (job := await jobs.next()) is not None:
            reader = await self._town.contents.reader(job.content_id)
            content = b"".join([piece async for piece in reader.chunks()])
            taken = [one for one in job.recipients if one.mailbox.domain.ascii != "here.example"]
            outcomes: dict[int, Outcome] = {
                one.id: Relayed("mx", OK)
                if one in taken
                else Delivered(put(str(one.mailbox), job.content_id))
                for one in job.recipients
            }
            await jobs.done(job, outcomes)
            self._town.inbox.extend((str(one.mailbox), content) for one in taken)


@pytest.mark.slow
@LIVES
def test_a_removal_before_the_250_of_the_next_hop_is_found(life: Life) -> None:
    async def hasty(town: Town) -> None:
        town.agents = lambda lane: HastyAgent(town)
        await life(town)

    with told(hasty) as story:
        assert is_found(story)


@pytest.mark.slow
@LIVES
def test_a_disk_that_does_not_sync_is_found(life: Life) -> None:
    with told(life) as story:
        assert is_found(Story(story.power.without_syncs(), story.diary))


@pytest.mark.slow
def test_a_content_file_that_is_not_synced_is_found() -> None:
    with told(two_letters) as story:
        assert is_found(Story(story.power.without_syncs(of="contents/"), story.diary))


class TwoInstants:
    """A local delivery whose mailbox and whose queue are written one after the other."""

    def __init__(self, town: Town, *, mailbox_first: bool) -> None:
        self._town = town
        self._mailbox_first = mailbox_first

    async def deliver(self, jobs: Jobs) -> None:
        while (job := await jobs.next()) is not None:
            steps: list[Callable[[], Awaitable[Any]]] = [
                lambda job=job: self._town.database.write(  # type: ignore[misc]
                    lambda tx: self._put_all(tx, job)
                ),
                lambda job=job: jobs.done(job, {one.id: Delivered() for one in job.recipients}),  # type: ignore[misc]
            ]
            for step in steps if self._mailbox_first else reversed(steps):
                with suppress(DatabaseTrouble, ContentMissing):
                    await step()

    async def _put_all(self, tx: Transaction, job: Any) -> None:
        for one in job.recipients:
            await put(str(one.mailbox), job.content_id)(tx)


@pytest.mark.slow
@pytest.mark.parametrize("mailbox_first", [True, False])
def test_a_delivery_in_two_transactions_is_found(mailbox_first: bool) -> None:
    """One order delivers twice, the other never."""

    async def life(town: Town) -> None:
        town.agents = lambda lane: TwoInstants(town, mailbox_first=mailbox_first)
        queue = await town.started()
        await letter(town, queue, "small", "ann@here.example", "bob@here.example")
        await asyncio.sleep(5)
        await queue.stop(1.0)

    with told(life) as story:
        assert is_found(story)
