import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from database_kit import add, opened, texts

from postel.database import DatabaseTrouble, SqliteDatabase, Transaction
from postel.database.connection import FILE_NAME
from postel.database.lock import FreeTurn


async def limit_pages(database: SqliteDatabase, pages: int) -> None:
    async def work(tx: Transaction) -> None:
        await tx.fetch_all(f"PRAGMA max_page_count = {pages}")

    await database.write(work)


@contextmanager
def small_files(limit_bytes: int) -> Iterator[None]:
    """No file of this process can grow beyond the limit: writing is EFBIG, an I/O error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_trouble_that_says_so_and_passes(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await add(database, "before")
        await limit_pages(database, 10)
        with pytest.raises(DatabaseTrouble) as trouble:
            await add(database, "x" * 100_000)
        assert trouble.value.is_full
        await limit_pages(database, 1000)
        await add(database, "after")
        assert await texts(database) == ["before", "after"]


async def test_a_work_cannot_swallow_trouble(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await limit_pages(database, 10)

        async def work(tx: Transaction) -> str:
            with suppress(DatabaseTrouble):
                await tx.execute("INSERT INTO letter (text) VALUES (?)", ("x" * 100_000,))
            with suppress(DatabaseTrouble):  # SQLite may have no transaction any more: this must not stay
                await tx.execute("INSERT INTO letter (text) VALUES ('stray')")
            return "done"

        with pytest.raises(DatabaseTrouble):
            await database.write(work)
        assert await texts(database) == []


@pytest.mark.parametrize("threaded", [False, True])
@pytest.mark.real_time
async def test_a_commit_that_fails_is_told_to_all_of_its_batch_and_to_nobody_else(
    threaded: bool, tmp_path: Path
) -> None:
    async with opened(tmp_path, threaded=threaded) as database:
        await add(database, "before")

        async def fails(tx: Transaction) -> None:
            raise ZeroDivisionError

        with small_files(60_000):
            results = await asyncio.gather(
                add(database, "x" * 100_000),
                database.write(fails),
                add(database, "y"),
                return_exceptions=True,
            )
        assert [type(result) for result in results] == [DatabaseTrouble, ZeroDivisionError, DatabaseTrouble]
        await add(database, "after")
        assert await texts(database) == ["before", "after"]


async def test_a_lost_connection_is_opened_anew(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await add(database, "before")
        committer = database._committer
        assert committer.connection is not None
        committer.connection.close()  # as if it could not even roll back
        committer.connection = None
        await add(database, "after")
        assert await texts(database) == ["before", "after"]


async def test_what_waits_when_no_batch_can_begin_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await add(database, "before")
        turn = database._committer._turn
        turn.close()  # no lock can be taken any more
        for result in await asyncio.gather(
            *(add(database, f"{n}") for n in range(3)), return_exceptions=True
        ):
            assert isinstance(result, DatabaseTrouble)
        assert await texts(database) == ["before"]
        database._committer._turn = type(turn)(tmp_path / "postel.lock")  # type: ignore[call-arg]
        assert await add(database, "after")


class TroubledTurn(FreeTurn):
    """Somebody else always has it, and the lock file is gone."""

    def try_take(self) -> bool:
        return False

    def take(self) -> None:
        raise DatabaseTrouble("no turn")


async def test_trouble_while_waiting_for_our_turn_is_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        committer = database._committer
        turn, committer._turn = committer._turn, TroubledTurn()
        with pytest.raises(DatabaseTrouble, match="no turn"):
            await add(database, "lost")
        committer._turn = turn
        await add(database, "after")
        assert await texts(database) == ["after"]


@pytest.mark.slow
async def test_a_checkpoint_that_fails_is_logged_and_loses_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as database:
        for n in range(100):
            await add(database, f"{n} " + "x" * 100_000)
        size = (tmp_path / FILE_NAME).stat().st_size
        assert size > 6_000_000
        with small_files(size + 1_000_000):  # enough for the WAL, not for the file
            for n in range(100, 140):
                await add(database, f"{n} " + "x" * 100_000)
    async with opened(tmp_path) as database:
        assert len(await texts(database)) == 140
    assert any(getattr(record, "fields", {}).get("doing") == "checkpoint" for record in caplog.records)
