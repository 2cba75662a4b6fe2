"""The power fails after any step of the disk: what was promised is kept, and nothing else is found.

Each scenario runs once, on a disk that notes every write, sync and change of a name. Then it is cut at steps all along
it; what was not synced is lost, torn or out of order by luck; and a new process starts on what is left.

Thousands of cuts in an ordinary run. More of them: POSTEL_POWER_CUTS=200000 pytest tests/queue/test_power_cuts.py;
a failure names the seed and the step, and POSTEL_POWER_SEED=n takes the same luck again.
"""

from __future__ import annotations

import asyncio
import os
import random
from typing import Final

import pytest
from power_town import SEED, Town, check, letter, told

from postel.mail import parse_domain
from postel.queue import Crew, Queue, QueueFilter

CUTS: Final = int(os.environ.get("POSTEL_POWER_CUTS", "2400"))
SHARES: Final = 2  # of each life, side by side


async def a_life(town: Town) -> None:
    """Letters that leave at once, by an alias, later, never; a host that is down for a while; a restart amid them."""
    queue = await town.started()
    await letter(town, queue, "small", "kitt@example.org")
    await letter(town, queue, "small", "down@example.net")
    await letter(town, queue, "small", "ann@here.example", "kitt@example.org")
    await letter(town, queue, "large", "alias@here.example")
    await letter(town, queue, "long line", "later@example.org", "frito@here.example")
    await asyncio.sleep(5)
    await queue.stop(1.0)
    queue = await town.started()
    await letter(town, queue, "small", "nobody@example.org", "later@example.org")
    await letter(town, queue, "large", "dead@example.org", "ann@here.example")
    await asyncio.sleep(150)
    await queue.stop(1.0)


async def a_crowd(town: Town) -> None:
    """Many clients at once: their letters share commits with each other and with deliveries."""
    queue = await town.started()
    for turn in range(3):
        kinds = ("small", "large", "small", "long line", "small")
        await asyncio.gather(
            *(
                letter(town, queue, kind, "ann@here.example", f"u{number}@example.org", "alias@here.example")
                for number, kind in enumerate(kinds * (turn + 1))
            )
        )
        await asyncio.sleep(0.01)
    await asyncio.sleep(30)
    await queue.stop(1.0)


async def an_operator(town: Town) -> None:
    """Hold, release, early release, other routes, removal with a report, and wishes about time."""
    queue = await town.started()
    await queue.hold()
    await letter(town, queue, "small", "later@example.org", "ann@here.example", parameters={"HOLDFOR": "40"})
    await letter(town, queue, "large", "gone@example.com", "frito@here.example", parameters={"BY": "60;R"})
    await letter(town, queue, "small", "dead@example.net", parameters={"BY": "20;N", "MT-PRIORITY": "3"})
    await queue.hold(QueueFilter(domain=parse_domain("example.org")))
    await asyncio.sleep(3)
    await queue.reload(town.options, lambda mailbox: "local" if "here" in str(mailbox) else "mx:example.net")
    await queue.release(early=True)
    await asyncio.sleep(10)
    await queue.hold(QueueFilter(domain=parse_domain("example.com")))
    await remove(queue, "example.com")
    await queue.retry()
    await asyncio.sleep(150)
    await queue.stop(1.0)


async def a_crew(town: Town) -> None:
    """A helper delivers what it has accepted, files what it cannot deliver, has mail claimed for it, and ends."""
    leader, helper, beside = await town.started(), town.queue(), town.queue()
    await helper.start(Crew(2, schedules=False))
    for to in (
        "kitt@example.org",
        "ann@here.example",
        "later@example.org",
        "nobody@example.org",
        "down@example.net",
    ):
        await letter(town, helper, "small", to)
    town.latency_s = 1.0
    await asyncio.sleep(1)
    await letter(town, helper, "small", "kitt@example.com")
    await letter(town, helper, "large", "kitt@example.net", "frito@here.example")
    await asyncio.sleep(0.2)
    assert await beside.list()  # an operator looks: what is in hand is filed, and claimed for the helper
    await asyncio.sleep(5)
    await letter(town, helper, "small", "kitt@example.org")
    await letter(town, helper, "small", "frito@here.example")
    await asyncio.sleep(0.2)
    await helper.stop(0.1)  # before any host has answered
    await asyncio.sleep(60)
    await leader.stop(1.0)


async def a_shortcut(town: Town) -> None:
    """Letters that are in their mailboxes as they are accepted, alone and together, and some that may not."""
    queue = await town.started()
    await letter(town, queue, "small", "ann@here.example")
    await letter(town, queue, "small", "ann@here.example", "frito@here.example")
    for _ in range(2):
        to = [("ann",), ("full",), ("bob", "frito"), ("alias",), ("kitt",)]
        await asyncio.gather(
            *(letter(town, queue, "small", *(f"{one}@here.example" for one in group)) for group in to),
            letter(town, queue, "large", "ann@here.example"),
            letter(town, queue, "small", "ann@here.example", "kitt@example.org"),
            letter(town, queue, "long line", "frito@here.example"),
        )
    await asyncio.sleep(1)
    await letter(town, queue, "small", "frito@here.example")
    await queue.stop(1.0)


async def remove(queue: Queue, domain: str) -> None:
    """With a report to whoever sent it."""
    await queue.remove(QueueFilter(domain=parse_domain(domain)), report=True)


LIVES: Final = {
    "a life": a_life,
    "a crowd": a_crowd,
    "an operator": an_operator,
    "a crew": a_crew,
    "a shortcut": a_shortcut,
}


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("life", LIVES)
def test_what_was_promised_survives_a_power_cut_at_any_step(life: str, share: int) -> None:
    """Cuts spread over the whole life; each share has a luck of its own."""
    with told(LIVES[life]) as story:
        rng = random.Random(f"{SEED} {life} {share}")
        left = CUTS // (len(LIVES) * SHARES)
        while left > 0:
            steps = range(story.power.steps + 1)
            left -= check(story, sorted(rng.sample(steps, min(left, len(steps)))), rng.getrandbits(32))
