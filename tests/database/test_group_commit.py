import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from database_kit import add, opened, texts
from hypothesis import given
from hypothesis import strategies as st

from postel.database import SqliteDatabase, Transaction
from postel.database.commit import BATCH_COST
from postel.database.connection import FILE_NAME
from postel.testing import simulate


def commits_of(database: SqliteDatabase) -> list[int]:
    """Counts the units of each batch from now on, the way a shell around the engine would."""
    sizes: list[int] = []
    run = database._committer.run

    def counted(waiting):  # type: ignore[no-untyped-def]
        units = run(waiting)
        sizes.append(len(units))
        return units

    database._committer.run = counted  # type: ignore[method-assign]
    return sizes


async def test_all_who_ask_in_one_turn_of_the_loop_share_a_commit() -> None:
    async with opened() as database:
        sizes = commits_of(database)
        await asyncio.gather(*(add(database, f"{n}") for n in range(100)))
        assert sizes == [100]


async def test_a_batch_ends_after_some_work_so_that_the_loop_can_do_other_things() -> None:
    async with opened() as database:
        sizes = commits_of(database)
        await asyncio.gather(*(add(database, f"{n}") for n in range(2 * BATCH_COST + 1)))
        assert sizes == [BATCH_COST, BATCH_COST, 1]


async def test_large_values_and_many_rows_fill_a_batch_sooner() -> None:
    async with opened() as database:

        async def large(tx: Transaction) -> None:
            await tx.execute("DELETE FROM letter WHERE text = ?", (bytes(4096 * BATCH_COST // 4),))

        async def many(tx: Transaction) -> None:
            await tx.execute_many("DELETE FROM letter WHERE id = ?", ((n,) for n in range(BATCH_COST // 4)))

        sizes = commits_of(database)
        await asyncio.gather(*(database.write(large) for _ in range(8)))
        await asyncio.gather(*(database.write(many) for _ in range(8)))
        assert sizes == [4, 4, 4, 4]


async def test_works_run_in_the_order_in_which_they_were_asked_for() -> None:
    async with opened() as database:
        await asyncio.gather(*(add(database, f"{n}") for n in range(2500)))
        assert await texts(database) == [f"{n}" for n in range(2500)]


async def test_a_caller_that_is_cancelled_disturbs_nobody() -> None:
    async with opened() as database:
        tasks = [asyncio.ensure_future(add(database, f"{n}")) for n in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.wait(tasks)
        assert tasks[1].cancelled()
        assert {tasks[0].result(), tasks[2].result()} <= {1, 2, 3}
        assert await add(database, "after")


async def test_what_follows_a_commit_happens_before_its_caller_goes_on() -> None:
    seen: list[str] = []

    async with opened() as database:
        database.listen("letters", lambda: seen.append("heard"))

        async def work(tx: Transaction) -> None:
            tx.after_commit(lambda: seen.append("one"))
            tx.after_commit(lambda: seen.append("two"))
            tx.notify("letters")
            tx.notify("letters")

        await database.write(work)
        seen.append("returned")
    assert seen == ["one", "two", "heard", "returned"]


async def test_nothing_follows_from_a_work_that_failed() -> None:
    seen: list[str] = []

    async def work(tx: Transaction) -> None:
        tx.after_commit(lambda: seen.append("after"))
        tx.notify("letters")
        raise ZeroDivisionError

    async with opened() as database:
        unlisten = database.listen("letters", lambda: seen.append("heard"))
        with suppress(ZeroDivisionError):
            await database.write(work)
        unlisten()
        unlisten()
    assert seen == []


def test_an_action_that_raises_is_reported_and_holds_up_nobody() -> None:
    reported: list[object] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
        async with opened() as database:

            async def work(tx: Transaction) -> None:
                tx.after_commit(_raise)

            await asyncio.gather(database.write(work), add(database, "a"))
            assert await texts(database) == ["a"]

    simulate(main)
    assert [type(one) for one in reported] == [ZeroDivisionError]


def _raise() -> None:
    raise ZeroDivisionError


@pytest.mark.real_time
async def test_the_loop_goes_on_while_the_thread_waits_for_its_turn(tmp_path: Path) -> None:
    async with opened(tmp_path, threaded=True) as database, opened(tmp_path, threaded=True) as other:
        other._committer._turn.take()
        writing = asyncio.ensure_future(add(database, "a"))
        for _ in range(100):
            await asyncio.sleep(0)
        assert await texts(database) == []
        assert not writing.done()
        other._committer._turn.give()
        assert await writing == 1


@pytest.mark.real_time
async def test_a_stranger_that_writes_is_waited_for(tmp_path: Path) -> None:
    import apsw

    async with opened(tmp_path, threaded=True) as database:
        stranger = apsw.Connection(str(tmp_path / FILE_NAME))
        stranger.execute("BEGIN IMMEDIATE")
        writing = asyncio.ensure_future(add(database, "a"))
        await asyncio.sleep(0.01)
        stranger.execute("COMMIT")
        stranger.close()
        assert await writing == 1


@pytest.mark.parametrize("threaded", [False, True])
@pytest.mark.real_time
@pytest.mark.slow
async def test_the_wal_does_not_grow_for_ever(threaded: bool, tmp_path: Path) -> None:
    async with opened(tmp_path, threaded=threaded) as database:
        for n in range(300):
            await add(database, f"{n}" + "x" * 100_000)
        assert (tmp_path / f"{FILE_NAME}-wal").stat().st_size < 12_000_000
        assert (tmp_path / FILE_NAME).stat().st_size > 20_000_000


Step = tuple[str, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "fail", "conflict"]), st.integers(0, 9)), max_size=8
)


@given(st.lists(STEPS, max_size=12))
def test_any_mixture_of_works_ends_as_if_each_had_run_alone(works: list[list[Step]]) -> None:
    """The oracle is a set that each work changes wholly or not at all."""

    async def main() -> None:
        async with opened() as database:
            await asyncio.gather(*(database.write(_work(steps)) for steps in works), return_exceptions=True)
            assert set(await texts(database)) == _oracle(works)

    simulate(main)


def _work(steps: list[Step]) -> Callable[[Transaction], object]:
    async def work(tx: Transaction) -> None:
        for act, n in steps:
            if act == "add":
                await tx.execute("INSERT INTO letter (text) VALUES (?) ON CONFLICT DO NOTHING", (f"{n}",))
            elif act == "remove":
                await tx.execute("DELETE FROM letter WHERE text = ?", (f"{n}",))
            elif act == "conflict":
                await tx.execute("INSERT INTO letter (text) VALUES (NULL)")
            else:
                raise ZeroDivisionError

    return work


def _oracle(works: list[list[Step]]) -> set[str]:
    there: set[str] = set()
    for steps in works:
        if not any(act in ("fail", "conflict") for act, _ in steps):
            for act, n in steps:
                there = there | {f"{n}"} if act == "add" else there - {f"{n}"}
    return there
