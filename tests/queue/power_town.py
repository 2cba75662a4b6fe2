"""A town whose power can fail: a queue on a noted disk, hosts that answer by the local part, and who judges.

A scenario (a life) runs once. Then the disk is cut at steps all along it, a new process starts on what is left, and
what the world had heard by that step must be true in the end.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from queue_kit import CONTENT, NEVER, NOT_NOW, OK, Down, World

from postel import contents as contents_room
from postel.contents import Contents
from postel.database import SqliteDatabase, Transaction
from postel.mail import NO_PARAMETERS, Parameters, parse_mailbox
from postel.queue import (
    MIGRATIONS,
    Delayed,
    Delivered,
    Deposit,
    Expanded,
    Failed,
    Job,
    NotNow,
    Outcome,
    Queue,
    QueueOptions,
    Relayed,
    RetrySchedule,
)
from postel.testing import InlineWorkers, simulate
from postel.testing.power import Cut, PowerDisk

# The ordinary run takes the same luck each time: a change that fails is to blame for it. Others on demand.
SEED: Final = int(os.environ.get("POSTEL_POWER_SEED", "20261124"))
INLINE: Final = 4096  # octets of content beyond which it lies in a file
LONG: Final = CONTENT + b"y" * 70 * 400 + b"\r\n"
# A life of minutes: an idle second costs as much as a busy one.
HASTY: Final = QueueOptions(retry=RetrySchedule((20.0,)), warn_after_s=30.0, expire_after_s=100.0)
LETTERS: Final = {"small": CONTENT, "large": CONTENT + (b"x" * 70 + b"\r\n") * 300, "long line": LONG}


@dataclass
class Diary:
    """What the world outside has seen, and at which step of the disk.

    promised   letters whose 250 was said: their recipients.
    arrived    what remote hosts took.
    """

    promised: list[tuple[int, str, tuple[str, ...]]] = field(default_factory=list)
    arrived: list[tuple[int, str, bytes]] = field(default_factory=list)


def is_report(content: bytes) -> bool:
    return b"multipart/report" in content


class Town(World):
    """Hosts that answer each recipient by its local part; local mail goes into a table, in one instant."""

    diary: Diary
    now: Callable[[], int]

    def settle_down(self, diary: Diary, now: Callable[[], int]) -> None:
        self.diary, self.now = diary, now
        self.inbox = _Watched(self)
        for lane in ("local", "mx:example.org", "mx:example.net", "mx:example.com"):
            self.hosts[lane] = self._answer
        self.at_once = lambda lane: self._deposit if lane == "local" and self.agents is None else None

    async def is_empty_queue(self) -> bool:
        rows = "SELECT 1 FROM queue_arrival UNION ALL SELECT 1 FROM queue_message"
        return await self.database.read(lambda tx: tx.fetch_one(rows)) is None

    async def _deposit(self, job: Job, content: bytes) -> Deposit | None:
        """What is delivered by the transaction that accepts it; for `full` that finds out that there is no room."""
        addresses = [str(one.mailbox) for one in job.recipients]
        if any(one.startswith("alias@") for one in addresses):
            return None

        async def deposit(tx: Transaction, content_id: int) -> None:
            for address in addresses:
                await put(address, content_id)(tx)
                if address.startswith("full@"):
                    raise NotNow(NOT_NOW, "no room")

        return deposit

    def _answer(self, job: Job) -> dict[str, Outcome] | Down:
        first = job.recipients[0]
        if first.attempts == 0 and first.mailbox.local_part.text == "down":
            return Down()
        return {str(one.mailbox): self._outcome(job, str(one.mailbox)) for one in job.recipients}

    def _outcome(self, job: Job, address: str) -> Outcome:
        local_part = address.partition("@")[0]
        if local_part == "alias":
            return Expanded((parse_mailbox("ann@here.example"), parse_mailbox("bob@example.org")))
        if local_part == "nobody":
            return Failed(NEVER, "mx")
        if local_part == "later" and job.recipients[0].attempts == 0:
            return Delayed(NOT_NOW, "mx")
        if local_part in ("dead", "gone"):
            return Delayed(NOT_NOW, "mx")
        return Delivered(put(address, job.content_id)) if job.lane == "local" else Relayed("mx", OK)


def put(address: str, content_id: int) -> Callable[[Transaction], Awaitable[None]]:
    async def effect(tx: Transaction) -> None:
        await contents_room.hold(tx, content_id)
        await tx.execute("INSERT INTO box (mailbox, content_id) VALUES (?, ?)", (address, content_id))

    return effect


async def open_town(directory: Path, diary: Diary, power: PowerDisk | None = None) -> Town:
    database = await SqliteDatabase.open(directory, threaded=False, vfs=power.vfs if power else "")
    await database.migrate((*contents_room.MIGRATIONS, *MIGRATIONS))
    box = "CREATE TABLE IF NOT EXISTS box (mailbox TEXT, content_id INTEGER)"
    await database.write(lambda tx: tx.execute(box))
    disk = power.disk if power else None
    contents = Contents(directory, database, InlineWorkers(), INLINE, disk)
    town = Town(database, contents, HASTY)
    town.settle_down(diary, (lambda: power.steps) if power else (lambda: 0))
    return town


class _Watched(list[tuple[str, bytes]]):
    """The inbox of World, which also notes when it was."""

    def __init__(self, town: Town) -> None:
        super().__init__()
        self._town = town

    def append(self, one: tuple[str, bytes]) -> None:
        super().append(one)
        self._town.diary.arrived.append((self._town.now(), *one))


async def letter(
    town: Town, queue: Queue, kind: str, *to: str, parameters: Parameters = NO_PARAMETERS
) -> None:
    """A client sends a letter; its 250 is in the diary."""
    message = await town.message(queue, *to, content=LETTERS[kind], parameters=parameters)
    await queue.accept(message)
    town.diary.promised.append((town.now(), kind, to))


@contextmanager
def scratch() -> Iterator[Path]:
    """Memory where there is such a file system: nothing here needs the disk that it seems to be about."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@dataclass
class Story:
    """A scenario that has run, and its disk."""

    power: PowerDisk
    diary: Diary


async def until_empty(town: Town) -> None:
    for _ in range(60):
        if await town.is_empty_queue():
            return
        await asyncio.sleep(5)


@contextmanager
def told(life: Callable[[Town], Awaitable[Any]]) -> Iterator[Story]:
    """A life, lived once."""
    diary = Diary()
    with scratch() as folder:
        power = PowerDisk(folder)

        async def run() -> None:
            town = await open_town(folder, diary, power)
            await life(town)
            await town.contents.close()
            await town.database.close()

        simulate(run)
        power.close()
        yield Story(power, diary)


def recover(cut: Cut, diary: Diary) -> tuple[Diary, Counter[tuple[str, bytes]]]:
    """A new process on what is left, until nothing waits: what arrived from then on, and the local mailboxes."""
    after = Diary()
    local: Counter[tuple[str, bytes]] = Counter()

    async def run() -> None:
        town = await open_town(folder, after)
        await town.contents.sweep()
        queue = await town.started()
        await queue.release(early=True)
        await until_empty(town)
        await queue.stop(1.0)
        rows = await town.database.read(lambda tx: tx.fetch_all("SELECT mailbox, content_id FROM box"))
        for mailbox, content_id in rows:
            reader = await town.contents.reader(content_id)
            local[mailbox, b"".join([piece async for piece in reader.chunks()])] += 1
        assert await town.is_empty_queue(), "messages stay in the queue for ever"
        checked = await town.database.read(lambda tx: tx.fetch_all("PRAGMA integrity_check"))
        assert checked == [("ok",)]
        await town.contents.close()
        await town.database.close()

    with scratch() as folder:
        cut.lay_out(folder)
        simulate(run)
    return after, local


LOCAL: Final = "here.example"


def final(address: str) -> list[str]:
    """Where mail for an address ends up."""
    return ["ann@here.example", "bob@example.org"] if address.startswith("alias@") else [address]


def judge(cut: Cut, before: Diary, after: Diary, local: Counter[tuple[str, bytes]]) -> None:
    """RFC 5321 6.1: whoever has said 250 delivers, or reports."""
    reports = [
        content
        for step, _, content in [*before.arrived, *((0, a, c) for _, a, c in after.arrived)]
        if step <= cut.step and is_report(content)
    ]
    arrived = Counter((a, c) for step, a, c in before.arrived if step <= cut.step)
    arrived.update((a, c) for _, a, c in after.arrived)
    sent = set(LETTERS.values())
    for (address, content), number in [*arrived.items(), *local.items()]:
        assert content in sent or is_report(content), f"{address} got what nobody sent"
        if address.endswith(LOCAL):
            assert local[address, content] <= _wanted(before, address, content), (
                f"{address} got {number} copies"
            )
    for step, kind, recipients in before.promised:
        if step > cut.step:
            continue
        for address in (one for recipient in recipients for one in final(recipient)):
            content = LETTERS[kind]
            if address.startswith(("nobody@", "dead@", "gone@")):
                assert any(address.encode() in report for report in reports), f"no report about {address}"
            else:
                box = local if address.endswith(LOCAL) else arrived
                assert box[address, content] >= 1, f"{address} never got the letter {kind!r}"


def _wanted(before: Diary, address: str, content: bytes) -> int:
    """How many letters with this content were sent to an address, promised or not."""
    return sum(
        1
        for _, kind, recipients in before.promised
        for recipient in recipients
        if LETTERS[kind] == content and address in final(recipient)
    )


def check(story: Story, steps: Collection[int], seed: int, *, diary: Diary | None = None) -> int:
    """Cut at each of these steps, and judge. How many cuts; an AssertionError names seed and step."""
    diary, count = diary or story.diary, 0
    for cut in story.power.cuts(random.Random(seed), steps):
        try:
            judge(cut, diary, *recover(cut, diary))
        except Exception as error:
            raise AssertionError(f"POSTEL_POWER_SEED={SEED}: cut after step {cut.step}: {error!r}") from error
        count += 1
    return count
