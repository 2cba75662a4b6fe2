"""Background work that follows a channel: when it works, how long it rests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from store_room import open_room

from postel.database import DatabaseTrouble, Transaction
from postel.store import Follower

CHANNEL = "letters"


class Work:
    """Batches that take so many seconds each; when each of them began."""

    def __init__(self, takes_s: Sequence[float]) -> None:
        self.takes_s = list(takes_s)
        self.began: list[float] = []

    async def __call__(self) -> bool:
        if not self.takes_s:
            return False
        self.began.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.takes_s.pop(0))
        return True

    @property
    def gaps_s(self) -> list[float]:
        return gaps_of(self.began)


def gaps_of(times_s: Sequence[float]) -> list[float]:
    return [round(later - one, 3) for one, later in pairwise(times_s)]


async def followed(work: Work, seconds: float, *, announced_every_s: float | None = None) -> None:
    """Let a follower do this work for so long."""
    room = await open_room()
    follower = Follower(room.database, CHANNEL, work, lambda trouble: None)
    follower.start()
    ends_s = asyncio.get_running_loop().time() + seconds
    while (left_s := ends_s - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(min(left_s, announced_every_s or left_s))
        await room.database.write(_announce)
    await follower.close()


async def _announce(tx: Transaction) -> None:
    tx.announce(CHANNEL)


async def test_it_rests_as_long_as_it_worked() -> None:
    work = Work([0.5, 0.5, 0.5])
    await followed(work, 10)
    assert work.gaps_s == [1.0, 1.0]


async def test_it_rests_longer_while_more_comes_in() -> None:
    work = Work([0.4, 0.4, 0.4])
    await followed(work, 10, announced_every_s=0.05)
    assert work.gaps_s == [2.0, 2.0]


async def batches(announced_at_s: Sequence[float]) -> list[float]:
    """When one who gathers for a second worked, after the first time."""
    room, began = await open_room(), list[float]()
    loop = asyncio.get_running_loop()

    async def work() -> bool:
        began.append(round(loop.time() - start_s, 3))
        return False

    follower = Follower(room.database, CHANNEL, work, lambda trouble: None, gather_s=1.0)
    start_s = loop.time()
    follower.start()
    for at_s in announced_at_s:
        await asyncio.sleep(start_s + at_s - loop.time())
        await room.database.write(_announce)
    await asyncio.sleep(10)
    await follower.close()
    return began[1:]


async def test_it_waits_until_nothing_more_comes() -> None:
    assert await batches([0.5]) == [1.5]
    assert await batches([0.5, 1.2, 1.9]) == [3.5]


async def test_what_comes_in_goes_first_but_not_for_ever() -> None:
    assert await batches([0.5 + 0.6 * number for number in range(15)]) == [5.5, 10.9]


async def test_a_batch_that_was_held_up_is_followed_by_a_short_rest() -> None:
    work = Work([60, 0.5])
    await followed(work, 100)
    assert work.gaps_s == [62.0]


async def test_trouble_with_the_database_is_told_and_the_work_tried_again() -> None:
    room, told, tried = await open_room(), [], []

    async def fail() -> bool:
        tried.append(asyncio.get_running_loop().time())
        raise DatabaseTrouble("the disk is full")

    follower = Follower(room.database, CHANNEL, fail, told.append)
    follower.start()
    await asyncio.sleep(35)
    await follower.close()
    assert [str(one) for one in told] == ["the disk is full"] * 4
    assert gaps_of(tried) == [10.0] * 3
