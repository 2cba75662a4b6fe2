import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from postel.database import Conflict, DatabaseTrouble, Migration, SqliteDatabase, Transaction
from postel.mail import LocalFault

LETTERS = Migration("letters", 1, "CREATE TABLE letter (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)")


@asynccontextmanager
async def opened(directory: Path | None = None, *, threaded: bool = False) -> AsyncIterator[SqliteDatabase]:
    database = await SqliteDatabase.open(directory, threaded=threaded)
    try:
        await database.migrate([LETTERS])
        yield database
    finally:
        await database.close()


async def add(database: SqliteDatabase, text: str) -> int:
    async def work(tx: Transaction) -> int:
        return await tx.insert("INSERT INTO letter (text) VALUES (?) RETURNING id", (text,))

    return await database.write(work)


async def texts(database: SqliteDatabase) -> list[str]:
    async def work(tx: Transaction) -> list[str]:
        return [row[0] for row in await tx.fetch_all("SELECT text FROM letter ORDER BY id")]

    return await database.read(work)


async def test_what_was_written_can_be_read() -> None:
    async with opened() as database:
        assert await add(database, "a") == 1
        assert await texts(database) == ["a"]


async def test_two_databases_in_memory_know_nothing_of_each_other() -> None:
    async with opened() as one, opened() as other:
        await add(one, "a")
        assert await texts(other) == []


async def test_a_file_keeps_what_was_written(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await add(database, "a")
    async with opened(tmp_path) as database:
        assert await texts(database) == ["a"]


async def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    async with opened(tmp_path / "data") as database:
        await add(database, "a")
        for path in [tmp_path / "data", *(tmp_path / "data").iterdir()]:
            assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.real_time
async def test_the_writer_thread_serves_many_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path, threaded=True) as database:
        ids = await asyncio.gather(*(add(database, f"letter {n}") for n in range(50)))
        assert len(set(ids)) == 50
        assert len(await texts(database)) == 50


async def test_a_work_that_raises_takes_back_only_itself() -> None:
    async with opened() as database:

        async def fails(tx: Transaction) -> None:
            await tx.execute("INSERT INTO letter (text) VALUES ('lost')")
            raise ZeroDivisionError

        results = await asyncio.gather(
            add(database, "before"), database.write(fails), add(database, "after"), return_exceptions=True
        )
        assert isinstance(results[1], ZeroDivisionError)
        assert await texts(database) == ["before", "after"]


async def test_a_broken_rule_of_the_schema_is_a_conflict() -> None:
    async with opened() as database:
        await add(database, "a")
        with pytest.raises(Conflict):
            await add(database, "a")


async def test_a_work_that_waits_for_something_else_is_our_fault() -> None:
    async with opened() as database:

        async def waits(tx: Transaction) -> None:
            await tx.execute("INSERT INTO letter (text) VALUES ('lost')")
            await asyncio.sleep(0)

        with pytest.raises(LocalFault):
            await database.write(waits)
        with pytest.raises(LocalFault):
            await database.read(waits)
        assert await texts(database) == []


async def test_a_read_cannot_write() -> None:
    async with opened() as database:

        async def work(tx: Transaction) -> None:
            await tx.execute("INSERT INTO letter (text) VALUES ('a')")

        with pytest.raises(LocalFault):
            await database.read(work)


async def test_a_closed_database_is_trouble_not_silence() -> None:
    async with opened() as database:
        pass
    await database.close()
    with pytest.raises(DatabaseTrouble):
        await add(database, "a")
    with pytest.raises(DatabaseTrouble):
        await texts(database)
