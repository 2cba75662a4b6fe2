import asyncio
from pathlib import Path

import apsw
import pytest
from database_kit import add, opened, texts

from postel.database import Conflict, DatabaseTrouble, SqliteDatabase, Transaction
from postel.database.connection import FILE_NAME
from postel.mail import LocalFault


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


async def test_a_commit_is_synced_before_it_returns(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:

        async def work(tx: Transaction) -> list[object]:
            names = ("journal_mode", "synchronous", "foreign_keys")
            return [(await tx.fetch_all(f"PRAGMA {name}"))[0][0] for name in names]

        assert await database.write(work) == ["wal", 2, 1]  # 2: FULL


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


async def test_a_work_may_live_with_a_conflict() -> None:
    async with opened() as database:
        await add(database, "a")

        async def work(tx: Transaction) -> str:
            try:
                await tx.execute("INSERT INTO letter (text) VALUES ('a')")
            except Conflict:
                await tx.execute("INSERT INTO letter (text) VALUES ('b')")
            return "done"

        assert await database.write(work) == "done"
        assert await texts(database) == ["a", "b"]


async def test_a_work_that_waits_for_something_else_is_our_fault() -> None:
    async with opened() as database:

        async def waits(tx: Transaction) -> None:
            await tx.execute("INSERT INTO letter (text) VALUES ('lost')")
            await asyncio.sleep(0)

        for drive in (database.write, database.read):
            with pytest.raises(LocalFault):
                await drive(waits)
        assert await texts(database) == []


async def test_statements_that_do_not_parse_are_our_fault() -> None:
    async with opened() as database:

        async def nonsense(tx: Transaction) -> None:
            await tx.execute("SELEKT")

        async def no_id(tx: Transaction) -> None:
            await tx.insert("INSERT INTO letter (text) VALUES ('x')")

        for work in (nonsense, no_id):
            with pytest.raises(LocalFault):
                await database.write(work)
        assert await texts(database) == []


async def test_a_read_cannot_write_and_nothing_follows_from_it() -> None:
    async with opened() as database:

        async def writes(tx: Transaction) -> None:
            await tx.execute("INSERT INTO letter (text) VALUES ('a')")

        async def creates(tx: Transaction) -> None:
            await tx.execute("CREATE TABLE other (id INTEGER)")

        async def follows(tx: Transaction) -> None:
            tx.after_commit(print)

        async def notifies(tx: Transaction) -> None:
            tx.notify("channel")

        for work in (writes, creates, follows, notifies):
            with pytest.raises(LocalFault):
                await database.read(work)
        assert await texts(database) == []
        with pytest.raises(LocalFault, match="no such table"):
            await database.read(lambda tx: tx.fetch_all("SELECT * FROM other"))


async def test_what_was_just_written_is_read_from_memory(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        writer = database._committer.connection
        assert writer is not None
        await add(database, "a")
        assert await texts(database) == ["a"]
        misses, _ = writer.status(apsw.SQLITE_DBSTATUS_CACHE_MISS)
        for text in ("b", "c"):
            await add(database, text)
            assert (await texts(database))[-1] == text
        assert writer.status(apsw.SQLITE_DBSTATUS_CACHE_MISS)[0] == misses


async def test_the_plan_of_a_query_is_made_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        for connection in (database._reader, database._committer.connection):
            assert connection is not None
            assert connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, -1)


async def test_a_work_does_not_start_another() -> None:
    async with opened() as database:

        async def work(tx: Transaction) -> None:
            await texts(database)

        async def nested(tx: Transaction) -> None:
            await add(database, "lost in time")

        for outer in (database.write, database.read):
            with pytest.raises(LocalFault):
                await outer(work)
        with pytest.raises(LocalFault):
            await database.write(nested)


async def test_a_transaction_is_not_used_after_its_work() -> None:
    kept: list[Transaction] = []

    async def work(tx: Transaction) -> None:
        kept.append(tx)

    async with opened() as database:
        await database.write(work)
        await database.read(work)
        for tx in kept:
            with pytest.raises(LocalFault):
                await tx.execute("DELETE FROM letter")


async def test_statements_answer_what_they_did() -> None:
    async with opened() as database:

        async def work(tx: Transaction) -> None:
            await tx.execute_many("INSERT INTO letter (text) VALUES (?)", [(f"{n}",) for n in range(5)])
            assert await tx.execute("UPDATE letter SET text = text || '!' WHERE id > 2") == 3
            assert await tx.execute("DELETE FROM letter WHERE id > 100") == 0
            assert await tx.execute("CREATE TABLE other (id INTEGER PRIMARY KEY)") == 0
            assert await tx.fetch_one("SELECT text FROM letter ORDER BY id") == ("0",)
            assert await tx.fetch_one("SELECT text FROM letter WHERE id > 100") is None

        await database.write(work)


async def test_a_closed_database_is_trouble_not_silence() -> None:
    async with opened() as database:
        pass
    await database.close()
    for act in (add(database, "a"), texts(database), database.backup(Path("/nowhere/x"))):
        with pytest.raises(DatabaseTrouble):
            await act


@pytest.mark.parametrize("threaded", [False, True])
@pytest.mark.real_time
async def test_close_finishes_what_waits(threaded: bool, tmp_path: Path) -> None:
    async with opened(tmp_path, threaded=threaded) as database:
        waiting = [asyncio.ensure_future(add(database, f"{n}")) for n in range(3000)]
        await asyncio.sleep(0)
    assert len(await asyncio.gather(*waiting)) == 3000
    async with opened(tmp_path) as database:
        assert len(await texts(database)) == 3000


async def test_closing_leaves_one_file_without_a_wal(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await add(database, "a")
    assert not (tmp_path / f"{FILE_NAME}-wal").exists()


async def test_a_directory_that_cannot_be_used_is_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / FILE_NAME).write_bytes(b"no database at all" * 1000)
    for name in ("file", "damaged"):
        for threaded in (False, True):
            with pytest.raises(DatabaseTrouble):
                await SqliteDatabase.open(tmp_path / name, threaded=threaded)


async def test_the_file_says_whose_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    connection = apsw.Connection(str(tmp_path / FILE_NAME))
    assert connection.execute("PRAGMA application_id").fetchall() == [(0x706F7374,)]
    connection.close()
