"""Small content that one holder has is one row; what came a moment ago is read from memory."""

import pytest
from contents_kit import World, world
from hypothesis import given
from hypothesis import strategies as st

from postel.contents import (
    MIGRATIONS,
    ContentMissing,
    Contents,
    hold,
    keep_all,
    lend,
    release_all,
    small_contents,
)
from postel.contents.recent import Recent
from postel.database import Conflict, SqliteDatabase, Transaction
from postel.testing import InlineWorkers, simulate

TABLES = ("content", "content_alone", "content_data")


async def rows(w: World) -> tuple[int, ...]:
    counts = [
        await w.database.read(lambda tx, t=t: tx.fetch_one(f"SELECT COUNT(*) FROM {t}")) for t in TABLES
    ]  # type: ignore[misc]
    return tuple(count[0] for count in counts if count)


async def test_what_one_holder_has_is_one_row() -> None:
    async with world() as w:
        content_id = await w.store(b"hello")
        assert await rows(w) == (0, 1, 0)
        await w.release(content_id)
        assert await rows(w) == (0, 0, 0)


async def test_a_second_holder_copies_no_octets() -> None:
    async with world() as w:
        content_id = await w.store(b"hello")
        await w.hold(content_id)
        assert await rows(w) == (1, 1, 0)
        await w.release(content_id)
        assert await w.content(content_id) == b"hello"
        await w.release(content_id)
        assert await rows(w) == (0, 0, 0)
        with pytest.raises(ContentMissing):
            await w.content(content_id)


async def test_a_hold_that_is_lent_passes_to_the_next_holder() -> None:
    async with world() as w:
        taken, left, shared = await w.store(b"taken"), await w.store(b"left"), await w.store(b"shared")

        async def work(tx: Transaction) -> set[int]:
            lent = lend(tx, [taken, left, shared])
            await hold(tx, taken)
            await hold(tx, shared, 2)
            return lent

        assert await w.database.write(work) == {left}
        await w.release(left)
        assert await rows(w) == (1, 2, 0)
        await w.release(taken)
        await w.release(shared)
        assert await w.content(shared) == b"shared"
        await w.release(shared)
        assert await rows(w) == (0, 0, 0)


async def test_what_was_lent_in_a_work_that_failed_is_held_as_before() -> None:
    async with world() as w:
        content_id = await w.store(b"hello")

        async def work(tx: Transaction) -> None:
            lend(tx, [content_id])
            await hold(tx, content_id)
            raise ValueError

        with pytest.raises(ValueError):
            await w.database.write(work)
        await w.hold(content_id)
        await w.release(content_id)
        assert await w.content(content_id) == b"hello"


async def test_more_holders_than_there_are_do_not_go() -> None:
    async with world() as w:
        content_id = await w.store(b"hello")
        with pytest.raises(Conflict):
            await w.release(content_id, 2)
        assert await w.content(content_id) == b"hello"


async def test_many_come_and_go_at_once() -> None:
    async with world() as w:
        first = await w.store(b"first")
        ids = await w.database.write(lambda tx: keep_all(tx, [b"a", b"b", b"c"]))
        assert list(ids) == [first + 1, first + 2, first + 3]
        assert await w.content(first + 2) == b"b"
        await w.hold(first + 2)
        lost = first + 99
        await w.database.write(lambda tx: release_all(tx, [*ids, lost]))
        assert await w.content(first + 2) == b"b"
        assert await rows(w) == (1, 2, 0)
        assert await w.store(b"next") == first + 4


async def test_an_older_database_goes_on_counting() -> None:
    database = await SqliteDatabase.open(None)
    await database.migrate(MIGRATIONS[:2])

    async def old(tx: Transaction) -> None:
        await tx.execute("INSERT INTO content (id, holders, size_bytes) VALUES (7, 1, 3)")
        await tx.execute("INSERT INTO content_data (content_id, data) VALUES (7, ?)", (b"old",))
        await tx.execute("INSERT INTO content (id, holders, size_bytes) VALUES (9, 1, 3)")
        await tx.execute("DELETE FROM content WHERE id = 9")

    await database.write(old)
    await database.migrate(MIGRATIONS)
    w = World(database, Contents(None, database, InlineWorkers()), None)
    assert await w.content(7) == b"old"
    assert await w.store(b"new") == 10
    await w.hold(10)
    found = await database.read(lambda tx: small_contents(tx, [7, 9, 10]))
    assert found == {7: b"old", 10: b"new"}
    await w.release(7)
    assert await rows(w) == (1, 1, 0)
    await database.close()


async def test_what_is_at_hand_is_not_asked_of_the_database() -> None:
    async with world() as w:
        content_id = await w.store(b"hello")
        w.contents.remember(content_id, b"hello")
        await w.release(content_id)
        assert await w.content(content_id, 1, 4) == b"ell"
        w.contents.forget(content_id)
        with pytest.raises(ContentMissing):
            await w.content(content_id)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), max_size=40), st.integers(0, 100))
def test_memory_has_a_limit_and_never_another_content(steps: list[tuple[int, int]], limit_bytes: int) -> None:
    recent = Recent(limit_bytes)
    said: dict[int, bytes] = {}
    for number, size in steps:
        said[number] = bytes([number]) * size
        recent.remember(number, said[number])
        there = {one: data for one in range(10) if (data := recent.find(one)) is not None}
        assert sum(map(len, there.values())) <= limit_bytes
        assert all(said[one] == data for one, data in there.items())


@given(st.lists(st.sampled_from(["hold", "release"]), max_size=12))
def test_the_last_holder_takes_it_along(steps: list[str]) -> None:
    async def main() -> None:
        async with world() as w:
            content_id, holders = await w.store(b"hello"), 1
            for step in steps:
                if not holders:
                    break
                await (w.hold(content_id) if step == "hold" else w.release(content_id))
                holders += 1 if step == "hold" else -1
            assert any(await rows(w)) == bool(holders)

    simulate(main)
