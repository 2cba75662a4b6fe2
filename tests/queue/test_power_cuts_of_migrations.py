"""A data directory of any earlier schema is brought to today's, and the power fails at any step of that.

Afterwards it is whole: the next start goes on with it, and what was queued in those days is delivered, once.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from power_town import SEED, Diary, open_town, scratch, until_empty
from queue_kit import CONTENT

from postel.app.rooms import MIGRATIONS
from postel.database import Database, Migration, SqliteDatabase, Transaction
from postel.testing import FakeClock, simulate
from postel.testing.power import Cut, PowerDisk

CUTS: Final = int(os.environ.get("POSTEL_MIGRATION_CUTS", "40"))  # of each schema
LATEST: Final = max(step.number for step in MIGRATIONS)
QUEUED: Final = """
INSERT INTO content (id, holders, size_bytes) VALUES (1, 1, {size});
INSERT INTO queue_message
    (id, reverse_path, parameters, content_id, size_bytes, received_at, origin, watch, next_number)
VALUES (1, 'ann@example.net', '', 1, {size}, {at}, '{{"protocol":"SMTP"}}', 0, 1);
INSERT INTO queue_recipient VALUES (1, 'mx:example.org', 0, 'bob@example.org', 'example.org', 'bob@example.org', '',
    0, {at}, 0, '', 0, NULL, '', NULL, '');
INSERT INTO queue_errand (message_id, lane, next_at) VALUES (1, 'mx:example.org', {at});
"""


def schema(number: int) -> Sequence[Migration]:
    """As it was when no room had made more steps than that."""
    return [step for step in MIGRATIONS if step.number <= number]


async def fill(directory: Path, number: int) -> None:
    """A directory of those days, with a message in the queue."""
    database = await SqliteDatabase.open(directory, threaded=False)
    await database.migrate(schema(number))
    if number:
        await _queue_one(database)
    await database.close()


async def _queue_one(database: Database) -> None:
    """As it was done in those days: by the rows themselves."""

    async def work(tx: Transaction) -> None:
        await tx.execute(QUEUED.format(at=FakeClock().now(), size=len(CONTENT)))
        await tx.execute("INSERT INTO content_data (content_id, data) VALUES (1, ?)", (CONTENT,))
        if await tx.fetch_one("SELECT 1 FROM sqlite_schema WHERE name = 'content_count'"):
            await tx.execute("UPDATE content_count SET last_id = 1")

    await database.write(work)


async def bring_up_to_date(directory: Path, vfs: str = "") -> None:
    database = await SqliteDatabase.open(directory, threaded=False, vfs=vfs)
    await database.migrate(MIGRATIONS)
    await database.close()


async def is_whole(directory: Path, number: int) -> None:
    """The next start brings it to the end; the message is delivered, and nothing is left of it."""
    await bring_up_to_date(directory)
    town = await open_town(directory, Diary())
    queue = await town.started()
    await until_empty(town)
    assert [whom for whom, _ in town.inbox] == (["bob@example.org"] if number else [])
    assert [content for _, content in town.inbox] == ([CONTENT] if number else [])
    assert await town.database.read(lambda tx: tx.fetch_all("PRAGMA integrity_check")) == [("ok",)]
    assert await town.database.read(lambda tx: tx.fetch_all("PRAGMA foreign_key_check")) == []
    await queue.stop(1.0)
    await town.contents.close()
    await town.database.close()


def recover(cut: Cut, number: int) -> None:
    with scratch() as folder:
        cut.lay_out(folder)
        simulate(lambda: is_whole(folder, number))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(LATEST))
def test_the_power_fails_at_any_step_of_a_migration(number: int) -> None:
    rng = random.Random(f"{SEED} {number}")
    with scratch() as folder:
        simulate(lambda: fill(folder, number))
        power = PowerDisk(folder)
        simulate(lambda: bring_up_to_date(folder, power.vfs))
        power.close()
        steps = range(power.steps + 1)
        for cut in power.cuts(rng, rng.sample(steps, min(CUTS, len(steps)))):
            try:
                recover(cut, number)
            except Exception as error:
                raise AssertionError(
                    f"POSTEL_POWER_SEED={SEED}: cut after step {cut.step}: {error!r}"
                ) from error
