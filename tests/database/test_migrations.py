import asyncio

import pytest

from postel.database import DatabaseTooNew, DatabaseTrouble, Migration, SqliteDatabase, Transaction
from postel.mail import LocalFault

ONE = Migration("letters", 1, "CREATE TABLE letter (id INTEGER PRIMARY KEY); CREATE TABLE stamp (id INTEGER)")
TWO = Migration("letters", 2, "ALTER TABLE letter ADD COLUMN text TEXT")
OTHER = Migration("parcels", 1, "CREATE TABLE parcel (id INTEGER PRIMARY KEY)")


async def tables(database: SqliteDatabase) -> set[str]:
    async def work(tx: Transaction) -> set[str]:
        return {row[0] for row in await tx.fetch_all("SELECT name FROM sqlite_master WHERE type = 'table'")}

    return await database.read(work)


async def test_each_step_is_applied_once() -> None:
    database = await SqliteDatabase.open(None)
    await database.migrate([ONE])
    await database.migrate([ONE, TWO, OTHER])
    await database.migrate([ONE, TWO])
    await database.migrate([OTHER])
    assert await tables(database) == {"letter", "stamp", "parcel", "migration"}
    await database.close()


async def test_two_that_migrate_at_once_do_not_disturb_each_other() -> None:
    database = await SqliteDatabase.open(None)
    await asyncio.gather(*(database.migrate([ONE, TWO]) for _ in range(3)))
    await database.close()


async def test_a_database_of_a_newer_postel_is_refused_and_untouched() -> None:
    database = await SqliteDatabase.open(None)
    await database.migrate([ONE, TWO])
    with pytest.raises(DatabaseTooNew, match="letters is at step 2, and this one knows 1"):
        await database.migrate([OTHER, ONE])
    assert "parcel" not in await tables(database)
    await database.close()


async def test_a_step_that_fails_takes_all_of_them_back() -> None:
    database = await SqliteDatabase.open(None)
    with pytest.raises(LocalFault):
        await database.migrate([ONE, Migration("letters", 2, "NONSENSE")])
    assert await tables(database) == set()
    await database.migrate([ONE, TWO])
    await database.close()


@pytest.mark.parametrize("steps", [[TWO], [ONE, ONE], [TWO, ONE], [Migration("x", 0, "")]])
async def test_steps_count_from_one_without_gaps(steps: list[Migration]) -> None:
    database = await SqliteDatabase.open(None)
    with pytest.raises(LocalFault):
        await database.migrate(steps)
    await database.close()


async def test_a_closed_database_is_not_migrated() -> None:
    database = await SqliteDatabase.open(None)
    await database.close()
    with pytest.raises(DatabaseTrouble):
        await database.migrate([ONE])
