"""Long work that runs beside the loop: all of it or nothing, alone in its commit, in its turn."""

import asyncio
import threading
from pathlib import Path

import pytest
from database_kit import add, opened, texts

from postel.database import Conflict, Transaction
from postel.mail import LocalFault

THREADS = pytest.mark.parametrize("threaded", [False, True])


async def _two(tx: Transaction) -> int:
    await tx.execute("INSERT INTO letter (text) VALUES ('one')")
    return await tx.insert("INSERT INTO letter (text) VALUES ('two') RETURNING id")


async def _broken(tx: Transaction) -> None:
    await tx.execute("INSERT INTO letter (text) VALUES ('half')")
    await tx.execute("INSERT INTO letter (text) VALUES ('half')")


@pytest.mark.real_time
@THREADS
async def test_it_gives_its_result_once_it_is_durable(tmp_path: Path, threaded: bool) -> None:
    async with opened(tmp_path, threaded=threaded) as database:
        assert await database.write_apart(_two) == 2
    async with opened(tmp_path) as database:
        assert await texts(database) == ["one", "two"]


@pytest.mark.real_time
@THREADS
async def test_what_fails_leaves_nothing_and_harms_nobody(tmp_path: Path, threaded: bool) -> None:
    async with opened(tmp_path, threaded=threaded) as database:
        outcomes = await asyncio.gather(
            add(database, "before"),
            database.write_apart(_broken),
            add(database, "after"),
            return_exceptions=True,
        )
        assert isinstance(outcomes[1], Conflict)
        assert await texts(database) == ["before", "after"]


@pytest.mark.real_time
@THREADS
async def test_writers_are_served_in_the_order_in_which_they_asked(tmp_path: Path, threaded: bool) -> None:
    async with opened(tmp_path, threaded=threaded) as database:
        await asyncio.gather(
            add(database, "a"), database.write_apart(_two), add(database, "b"), add(database, "c")
        )
        assert await texts(database) == ["a", "one", "two", "b", "c"]


@pytest.mark.real_time
async def test_the_loop_reads_what_was_before_while_it_runs(tmp_path: Path) -> None:
    begun, may_end = threading.Event(), threading.Event()

    async def slow(tx: Transaction) -> None:
        await tx.execute("INSERT INTO letter (text) VALUES ('slow')")
        begun.set()
        assert may_end.wait(30)

    async with opened(tmp_path, threaded=True) as database:
        await add(database, "first")
        long = asyncio.create_task(database.write_apart(slow))
        while not begun.is_set():
            await asyncio.sleep(0)
        later = asyncio.create_task(add(database, "later"))
        for _ in range(10):
            await asyncio.sleep(0)
        assert await texts(database) == ["first"]
        assert not later.done()
        may_end.set()
        await asyncio.gather(long, later)
        assert await texts(database) == ["first", "slow", "later"]


@pytest.mark.real_time
async def test_closing_waits_for_it(tmp_path: Path) -> None:
    async with opened(tmp_path, threaded=True) as database:
        long = asyncio.create_task(database.write_apart(_two))
        await asyncio.sleep(0)
    assert await long == 2


@pytest.mark.real_time
@THREADS
async def test_it_waits_for_nothing_but_its_transaction(tmp_path: Path, threaded: bool) -> None:
    async def waits(tx: Transaction) -> None:
        await asyncio.sleep(0)

    async with opened(tmp_path, threaded=threaded) as database:
        with pytest.raises(LocalFault):
            await database.write_apart(waits)


@pytest.mark.real_time
@THREADS
async def test_who_listens_hears_of_it(tmp_path: Path, threaded: bool) -> None:
    heard: list[str] = []

    async def tells(tx: Transaction) -> None:
        await _two(tx)
        tx.announce("news")
        tx.after_commit(lambda: heard.append(threading.current_thread().name))

    async with opened(tmp_path, threaded=threaded) as database:
        database.hear("news", lambda: heard.append("news"))
        await database.write_apart(tells)
        assert heard == [threading.main_thread().name, "news"]
