"""Works of one kind run together, and each has its own end all the same."""

import asyncio
from collections.abc import Sequence

import pytest
from database_kit import add, opened, texts

from postel.database import Conflict, Transaction
from postel.database.group import JOINT_LIMIT


class Adding:
    """Adds letters; notes how many came together."""

    def __init__(self) -> None:
        self.runs: list[int] = []
        self.told: list[str] = []

    async def work(self, tx: Transaction, items: Sequence[str]) -> Sequence[str]:
        self.runs.append(len(items))
        tx.after_commit(lambda: self.told.extend(items))
        await tx.execute_many("INSERT INTO letter (text) VALUES (?)", [(item,) for item in items])
        if "bad" in items:
            raise Conflict("bad")
        return [item.upper() for item in items]


async def test_all_who_ask_in_one_turn_of_the_loop_run_at_once() -> None:
    adding = Adding()
    async with opened() as database:
        results = await asyncio.gather(*(database.share(adding.work, f"n{n}") for n in range(50)))
        assert results == [f"N{n}" for n in range(50)]
        assert adding.runs == [50]
        assert await texts(database) == [f"n{n}" for n in range(50)]
        assert adding.told == [f"n{n}" for n in range(50)]


async def test_one_that_fails_takes_nobody_along() -> None:
    adding = Adding()
    async with opened() as database:
        names = ["a", "bad", "c"]
        a, bad, c = await asyncio.gather(
            *(database.share(adding.work, name) for name in names), return_exceptions=True
        )
        assert (a, c) == ("A", "C")
        assert isinstance(bad, Conflict)
        assert adding.runs == [3, 1, 1, 1]
        assert await texts(database) == ["a", "c"]
        assert adding.told == ["a", "c"]


async def test_one_that_fails_alone_hears_so() -> None:
    async with opened() as database:
        with pytest.raises(Conflict):
            await database.share(Adding().work, "bad")
        assert await texts(database) == []


async def test_heavy_ones_do_not_all_run_at_once() -> None:
    adding = Adding()
    async with opened() as database:
        await asyncio.gather(
            *(database.share(adding.work, f"n{n}", weight=JOINT_LIMIT // 2) for n in range(5))
        )
        assert adding.runs == [2, 2, 1]


async def test_other_works_have_their_turn_in_between() -> None:
    adding = Adding()
    async with opened() as database:
        await asyncio.gather(
            add(database, "first"),
            database.share(adding.work, "a"),
            add(database, "second"),
            database.share(adding.work, "b"),
        )
        assert await texts(database) == ["first", "a", "b", "second"]


async def test_rows_that_statements_return_come_in_order() -> None:
    async with opened() as database:

        async def work(tx: Transaction) -> list[tuple[str]]:
            sql = "INSERT INTO letter (text) VALUES (?) RETURNING text"
            return await tx.fetch_many(sql, [(f"{n}",) for n in range(10)])

        assert await database.write(work) == [(f"{n}",) for n in range(10)]
