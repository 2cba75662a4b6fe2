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
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from queue_kit import CONTENT, NEVER, NOT_NOW, OK, World

from postel import contents as contents_room
from postel.contents import Contents
from postel.database import DatabaseTrouble, SqliteDatabase, Transaction
from postel.mail import parse_mailbox
from postel.queue import (
    MIGRATIONS,
    Delayed,
    Delivered,
    Expanded,
    Failed,
    Job,
    Outcome,
    Queue,
    QueueOptions,
    Relayed,
    RetrySchedule,
)
from postel.testing import InlineWorkers, simulate
from postel.testing.power import Cut, PowerDisk

CUTS: Final = int(os.environ.get("POSTEL_POWER_CUTS", "2400"))
SEED: Final = int(os.environ.get("POSTEL_POWER_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
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
        for lane in ("local", "mx:example.org", "mx:example.net"):
            self.hosts[lane] = self._answer

    async def is_empty_queue(self) -> bool:
        return await self.database.read(lambda tx: tx.fetch_one("SELECT 1 FROM queue_message")) is None

    def _answer(self, job: Job) -> dict[str, Outcome]:
        return {str(one.mailbox): self._outcome(job, str(one.mailbox)) for one in job.recipients}

    def _outcome(self, job: Job, address: str) -> Outcome:
        local_part = address.partition("@")[0]
        if local_part == "alias":
            return Expanded((parse_mailbox("ann@here.example"), parse_mailbox("bob@example.org")))
        if local_part == "nobody":
            return Failed(NEVER, "mx")
        if local_part == "later" and job.recipients[0].attempts == 0:
            return Delayed(NOT_NOW, "mx")
        if local_part == "dead":
            return Delayed(NOT_NOW, "mx")
        return Delivered(_put(address, job.content_id)) if job.lane == "local" else Relayed("mx", OK)


def _put(address: str, content_id: int) -> Callable[[Transaction], Awaitable[None]]:
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


async def letter(town: Town, queue: Queue, kind: str, *to: str) -> None:
    """A client sends a letter; its 250 is in the diary."""
    await queue.accept(await town.message(queue, *to, content=LETTERS[kind], reverse_path="ann@example.net"))
    town.diary.promised.append((town.now(), kind, to))


async def life(town: Town) -> None:
    """Several letters, one delivered at once, one by an alias, one later, one never; a restart amid them."""
    town.inbox = _Watched(town)
    queue = await town.started()
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


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
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


async def until_empty(town: Town) -> None:
    for _ in range(60):
        if await town.is_empty_queue():
            return
        await asyncio.sleep(5)


def recover(cut: Cut, diary: Diary) -> tuple[Diary, Counter[tuple[str, bytes]]]:
    """A new process on what is left, until nothing waits: what arrived from then on, and the local mailboxes."""
    after = Diary()
    local: Counter[tuple[str, bytes]] = Counter()

    async def run() -> None:
        town = await open_town(folder, after)
        town.inbox = _Watched(town)
        await town.contents.sweep()
        queue = await town.started()
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
            if address.startswith(("nobody@", "dead@")):
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


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("share", range(4))
def test_what_was_promised_survives_a_power_cut_at_any_step(story: Story, share: int) -> None:
    """Cuts spread over the whole life; each share has a luck of its own."""
    rng = random.Random(SEED + share)
    every = max(1, 4 * story.power.steps // CUTS)
    rounds = max(1, CUTS // (4 * (story.power.steps // every + 1)))
    for _ in range(rounds):
        for cut in story.power.cuts(rng, range(rng.randrange(every), story.power.steps + 1, every)):
            try:
                judge(cut, story.diary, *recover(cut, story.diary))
            except Exception as error:
                raise AssertionError(
                    f"seed {SEED}, share {share}, cut after step {cut.step}: {error}"
                ) from error


# The simulation itself is worth what it finds


def fails_somewhere(story: Story, diary: Diary) -> bool:
    rng = random.Random(SEED)
    for cut in story.power.cuts(rng):
        try:
            judge(cut, diary, *recover(cut, diary))
        except (AssertionError, DatabaseTrouble):
            return True
    return False


@pytest.mark.slow
def test_a_250_said_one_step_before_the_commit_is_on_disk_is_found(story: Story) -> None:
    hasty = Diary([(step - 2, kind, to) for step, kind, to in story.diary.promised], story.diary.arrived)
    assert fails_somewhere(story, hasty)


@pytest.mark.slow
def test_a_disk_that_does_not_sync_loses_mail(story: Story) -> None:
    assert fails_somewhere(Story(story.power.without_syncs(), story.diary), story.diary)
