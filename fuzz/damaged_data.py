"""Invariant: a data directory whose log or content files were damaged in any octet, or whose database was cut short or
overwritten at its beginning, opens and is read, or says DatabaseTrouble or ContentMissing; nothing else escapes.

What SQLite cannot see (an octet that changed within a row) is for the disk and its checksums.

Run by itself: python fuzz/damaged_data.py [SEED [ROUNDS]]. Under atheris: python fuzz/damaged_data.py --atheris.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from harness import run

from postel import contents as contents_room
from postel.contents import ContentMissing, Contents
from postel.database import FILE_NAME, DatabaseTooNew, DatabaseTrouble, SqliteDatabase
from postel.mail import Envelope, Recipient, parse_forward_path, parse_reverse_path
from postel.queue import MIGRATIONS, NewMessage, Origin, Queue, QueueOptions
from postel.testing import FakeClock, InlineWorkers

_SCHEMA: Final = (*contents_room.MIGRATIONS, *MIGRATIONS)
_WOUNDS: Final = 12
SHORT: Final = 60  # inputs of a short run: each is a whole directory


def one_input(data: bytes) -> None:
    """The octets are the seed of the wounds."""
    chance = random.Random(data)
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        directory = Path(shutil.copytree(_whole(), Path(folder) / "data"))
        for file in sorted(path for path in directory.rglob("*") if path.is_file()):
            _wound(file, chance)
        asyncio.run(_use(directory))


def _wound(file: Path, chance: random.Random) -> None:
    octets = bytearray(file.read_bytes())
    if file.name == FILE_NAME:
        if chance.random() < 0.2:
            octets[: chance.randrange(100)] = chance.randbytes(50)
        elif chance.random() < 0.3:
            del octets[chance.randrange(len(octets) + 1) :]
        file.write_bytes(octets)
        return
    for _ in range(chance.randrange(_WOUNDS)):
        if not octets:
            return
        at = chance.randrange(len(octets))
        octets[at : at + chance.choice((1, 1, 16, 512))] = chance.randbytes(chance.choice((1, 1, 16, 512)))
    if chance.random() < 0.1:
        del octets[chance.randrange(len(octets) + 1) :]
    file.write_bytes(octets)


async def _use(directory: Path) -> None:
    try:
        database = await SqliteDatabase.open(directory, threaded=False)
    except DatabaseTrouble:
        return
    try:
        await database.migrate(_SCHEMA)
        contents = Contents(directory, database, InlineWorkers(), 1000)
        queue = _queue(database, contents)
        for entry in await queue.list():
            await queue.show(entry.message.queue_id)
        for number in range(1, 5):
            await _read(contents, number)
        await contents.sweep()
    except (DatabaseTrouble, DatabaseTooNew):
        pass
    finally:
        await database.close()


async def _read(contents: Contents, number: int) -> None:
    try:
        reader = await contents.reader(number)
        async for _ in reader.chunks():
            pass
    except ContentMissing:
        return


def _queue(database: SqliteDatabase, contents: Contents) -> Queue:
    return Queue(database, contents, FakeClock(), QueueOptions(), lambda mailbox: "local", lambda lane: None)  # type: ignore[arg-type, return-value]


@cache
def _whole() -> Path:
    """A directory with some mail in it."""
    kept = Path(tempfile.mkdtemp(dir=_memory()))
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        asyncio.run(_fill(Path(folder), kept))
    return kept


async def _fill(directory: Path, kept: Path) -> None:
    database = await SqliteDatabase.open(directory, threaded=False)
    await database.migrate(_SCHEMA)
    contents = Contents(directory, database, InlineWorkers(), 1000)
    queue = _queue(database, contents)
    for number in range(4):
        draft = contents.draft()
        await draft.write(b"Subject: x\r\n\r\n" + b"x" * (500 * number))
        to = tuple(Recipient(parse_forward_path(f"<u{n}@example.org>")) for n in range(number + 1))
        envelope = Envelope(parse_reverse_path("<a@example.net>"), to)
        content = await draft.seal()
        await queue.accept(
            NewMessage(
                queue_id=queue.next_id(),
                envelope=envelope,
                content=content,
                received_at=0.0,
                origin=Origin(protocol="ESMTP"),
            )
        )
    shutil.copytree(
        directory, kept, dirs_exist_ok=True
    )  # now: the close would move the log into the database
    await contents.close()
    await database.close()


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def some_input(chance: random.Random) -> bytes:
    """A seed."""
    return chance.randbytes(8)


if __name__ == "__main__":
    run(one_input, some_input, rounds=2_000)
