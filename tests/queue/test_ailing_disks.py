"""The disk fails, or is full, at any one call or from then on for a while: nothing is lost, and it passes by itself.

A whole life is lived again for each call that fails. Then the power goes, too: what a disk says that it has synced
after a sync that failed is not believed. More of them: POSTEL_AILMENTS=20000 pytest tests/queue/test_ailing_disks.py
"""

from __future__ import annotations

import asyncio
import errno
import os
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pytest
from power_town import SEED, Diary, Story, Town, judge, letter, open_town, recover, scratch

from postel.database import DatabaseTrouble
from postel.queue import Queue
from postel.testing import simulate
from postel.testing.power import Ailment, PowerDisk

AILMENTS: Final = int(os.environ.get("POSTEL_AILMENTS", "200"))
KINDS: Final = (("read", errno.EIO), ("change", errno.EIO), ("change", errno.ENOSPC), ("sync", errno.EIO))
CALLS: Final = {"read": 50, "change": 300, "sync": 20}  # about as many as the life makes


async def a_hard_life(town: Town) -> None:
    """Clients go on whatever they are told; what they are not told is theirs to worry about."""
    queue = await begin(town)
    for kind, to in (
        ("small", ("ann@here.example", "kitt@example.org")),
        ("large", ("alias@here.example", "later@example.org")),
        ("long line", ("frito@here.example", "nobody@example.org")),
        ("large", ("kitt@example.net", "ann@here.example")),
        ("small", ("later@example.org", "nobody@example.net")),
    ):
        with suppress(DatabaseTrouble):
            await letter(town, queue, kind, *to)
        await asyncio.sleep(2)
    await asyncio.sleep(60)
    await queue.stop(1.0)


async def begin(town: Town) -> Queue:
    for _ in range(60):
        queue = town.queue()
        try:
            await queue.start()
        except DatabaseTrouble:
            await asyncio.sleep(1)
        else:
            return queue
    raise AssertionError("it never starts")


def failing(what: str, number: int, first: int, count: int) -> Ailment:
    """The `count` calls of that kind from the `first` on fail."""
    seen = 0

    def ails(asked: str, path: str) -> int | None:
        nonlocal seen
        if asked != what:
            return None
        seen += 1
        return number if first <= seen - 1 < first + count else None

    return ails


def lived(ails: Ailment) -> Story:
    """A life with this ailment, from a good start on."""
    diary = Diary()
    with scratch() as folder:
        power = PowerDisk(folder)

        async def run() -> None:
            town = await open_town(folder, diary, power)
            power.ails = ails
            await a_hard_life(town)
            power.ails = None
            await town.contents.close()
            await town.database.close()

        simulate(run)
        power.close()
        return Story(power, diary)


def judge_at_its_end(story: Story, rng: random.Random) -> None:
    cut = story.power.cut_now(rng)
    judge(cut, story.diary, *recover(cut, story.diary))


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize(("what", "number"), KINDS)
def test_whichever_call_fails_nothing_that_was_promised_is_lost(what: str, number: int) -> None:
    rng = random.Random(f"{SEED} {what} {number}")
    for _ in range(AILMENTS // len(KINDS)):
        first = rng.randrange(CALLS[what])
        count = rng.choice((1, 1, 5, 40))
        try:
            judge_at_its_end(lived(failing(what, number, first, count)), rng)
        except Exception as error:
            where = f"{count} calls to {what} from number {first} on fail with {errno.errorcode[number]}"
            raise AssertionError(f"POSTEL_POWER_SEED={SEED}: {where}: {error!r}") from error


@pytest.mark.slow
def test_the_kinds_of_calls_are_as_many_as_is_said() -> None:
    counts: dict[str, int] = {}

    def count(what: str, path: str) -> None:
        counts[what] = counts.get(what, 0) + 1

    lived(count)
    for what, number in CALLS.items():
        assert 0.5 < counts.get(what, 0) / number < 2, counts  # else some calls would never fail


def full_while(is_full: Callable[[], bool]) -> Ailment:
    return lambda what, path: errno.ENOSPC if what in ("change", "create") and is_full() else None


@pytest.mark.slow
def test_what_is_refused_on_a_full_disk_leaves_nothing_behind() -> None:
    """And the same letters are taken as soon as there is room."""
    refused: list[DatabaseTrouble] = []

    async def run() -> None:
        with scratch() as folder:
            power = PowerDisk(folder)
            town = await open_town(folder, Diary(), power)
            queue = await town.started()
            is_full = True
            power.ails = full_while(lambda: is_full)
            for kind in ("small", "large", "long line"):
                try:
                    await letter(town, queue, kind, "ann@here.example")
                except DatabaseTrouble as trouble:
                    refused.append(trouble)
            is_full = False
            assert await town.is_empty()
            assert not [path for path in (folder / "contents").rglob("*") if path.is_file()]
            for kind in ("small", "large", "long line"):
                await letter(town, queue, kind, "ann@here.example")
            await asyncio.sleep(5)
            boxes = await town.database.read(lambda tx: tx.fetch_all("SELECT mailbox FROM box"))
            assert boxes == [("ann@here.example",)] * 3
            await queue.stop(1.0)
            await town.contents.close()
            await town.database.close()
            power.close()

    simulate(run)
    assert [trouble.is_full for trouble in refused] == [True, True, True]
