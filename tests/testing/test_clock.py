"""The fake clock: time jumps when nothing can happen, and never hides a failure."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.net import ThreadWorkers
from postel.testing import EPOCH_AT, Deadlock, FakeClock, FakeClockLoop, InlineWorkers, LeftBehind, simulate


async def test_an_hour_of_sleep_takes_an_hour_of_fake_time() -> None:
    clock = FakeClock()
    await asyncio.sleep(3600)
    assert clock.now() == pytest.approx(EPOCH_AT + 3600)


async def test_a_year_of_sleep_is_as_cheap() -> None:
    await asyncio.sleep(365 * 86400)
    assert asyncio.get_running_loop().time() == pytest.approx(365 * 86400)


async def test_timers_fire_in_order() -> None:
    order: list[int] = []

    async def later(delay_s: int) -> None:
        await asyncio.sleep(delay_s)
        order.append(delay_s)

    await asyncio.gather(*(later(n) for n in (3, 1, 2)))
    assert order == [1, 2, 3]


@given(st.lists(st.floats(0, 1e7), max_size=5))
async def test_sleeps_add_up(delays: list[float]) -> None:
    for delay in delays:
        await asyncio.sleep(delay)
    assert asyncio.get_running_loop().time() == pytest.approx(sum(delays), abs=1e-4)


async def test_work_for_threads_runs_at_once() -> None:
    workers = ThreadWorkers(2)
    assert await workers.run(threading.get_ident) == threading.get_ident()
    assert await InlineWorkers().run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await workers.run(lambda: 1 // 0)
    workers.close()


async def test_another_thread_can_wake_the_loop() -> None:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(done.set_result, "woken"))
    thread.start()
    assert await done == "woken"
    thread.join()


def test_a_deadlock_is_an_error_that_names_the_waiting_tasks() -> None:
    async def waits_for_ever() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(waits_for_ever(), name="the sleeper")
        await task

    with pytest.raises(Deadlock, match=r"the sleeper: .*waits_for_ever"):
        simulate(main)


def test_what_main_raises_is_raised() -> None:
    async def main() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        simulate(main)


def test_leftover_tasks_are_cancelled_and_run_their_last_words() -> None:
    said: list[str] = []

    async def lingers() -> None:
        try:
            await asyncio.sleep(1e6)
        finally:
            await asyncio.sleep(1)
            said.append("goodbye")

    async def main() -> str:
        task = asyncio.create_task(lingers())
        await asyncio.sleep(0)
        assert not task.done()
        return "result"

    assert simulate(main) == "result"
    assert said == ["goodbye"]


def test_a_failed_task_that_nobody_awaits_fails_the_test() -> None:
    async def fails() -> None:
        raise ValueError("lost")

    async def main() -> None:
        task = asyncio.create_task(fails())
        await asyncio.sleep(1)
        assert task.done()

    with pytest.raises(LeftBehind, match="lost"):
        simulate(main)


def test_a_callback_that_fails_fails_the_test() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 // 0)
        await asyncio.sleep(1)

    with pytest.raises(LeftBehind, match="ZeroDivisionError"):
        simulate(main)


def test_a_task_that_fails_while_it_is_cancelled_fails_the_test() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(1e6)
        finally:
            raise ValueError("could not tidy up")

    async def main() -> None:
        task = asyncio.create_task(stubborn())
        await asyncio.sleep(0)
        assert not task.done()

    with pytest.raises(LeftBehind, match="could not tidy up"):
        simulate(main)


def test_a_task_that_ignores_cancellation_is_told_of() -> None:
    async def deaf() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if asyncio.get_running_loop().is_closed():
                    raise

    async def main() -> None:
        task = asyncio.create_task(deaf())
        await asyncio.sleep(0)
        assert not task.done()

    with pytest.raises(LeftBehind, match="did not end"):
        simulate(main)


def test_async_generators_are_closed() -> None:
    closed: list[bool] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    async def main() -> None:
        async for _ in numbers():
            break

    simulate(main)
    assert closed == [True]


def test_a_clock_outside_a_simulation_is_moved_by_hand() -> None:
    clock = FakeClock()
    clock.advance(60)
    assert clock.now() == EPOCH_AT + 60


@pytest.mark.real_time
async def test_a_real_time_test_runs_on_an_ordinary_loop() -> None:
    assert not isinstance(asyncio.get_running_loop(), FakeClockLoop)
    assert FakeClock().now() == EPOCH_AT
