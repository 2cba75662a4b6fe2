"""A world whose time stands still while anything can happen, and jumps when nothing can.

Gives       FakeClockLoop, simulate, run_checked, FakeClock, InlineWorkers, Deadlock, LeftBehind, EPOCH_AT.
Not here    The network of that world (testing.network).

Invariant: an instant of fake time ends only when no task, callback or socket is ready. Then time becomes
that of the earliest timer, so an hour's wait costs nothing and the order of events is always the same.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
import weakref
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context
from typing import Any, Final, TypeVar

T = TypeVar("T")

EPOCH_AT: Final = 1767225600.0  # 2026-01-01T00:00:00Z, where the wall clock of every simulation starts
_THREAD_GRACE_S: Final = 2.0  # real seconds that a thread of the test may take to wake an idle loop


class Deadlock(Exception):
    """Nothing is ready, no timer is set, and the simulation has not finished."""


class LeftBehind(Exception):
    """A task that nobody awaited failed, or did not end when it was cancelled."""


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that moves the clock where another would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is not None:
            self.now_s += timeout
            return ready
        ready = super().select(_THREAD_GRACE_S if threading.active_count() > 1 else 0)
        if not ready:
            raise Deadlock(_describe(asyncio.all_tasks(asyncio.get_running_loop())))
        return ready


class FakeClockLoop(asyncio.SelectorEventLoop):
    """An event loop on fake time, from 0 on. Executors run their work at once, in this thread."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._clock_resolution = 1e-6  # else rounding could leave a due timer a hair in the future

    def time(self) -> float:
        """Fake seconds since this loop was made."""
        return self._jumping.now_s

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Run the work now: a thread could not keep up with a clock that jumps."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as fault:
            future.set_exception(fault)
        return future


class FakeClock:
    """A `net.Clock` for tests: the wall time of the running simulation, or a clock moved by hand.

    Inside `simulate` it follows the loop; `advance` moves it further, in and outside of one.
    """

    def __init__(self, start_at: float = EPOCH_AT) -> None:
        self._start_at = start_at

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._start_at
        return self._start_at + (loop.time() if isinstance(loop, FakeClockLoop) else 0.0)

    def advance(self, seconds: float) -> None:
        """Move this clock alone; timers of the loop do not see it."""
        self._start_at += seconds


class InlineWorkers:
    """`net.Workers` that run each piece of work at once, in the caller's thread."""

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`."""
        return work()


def simulate(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `await main()` to its end on a fresh FakeClockLoop, and return its result.

    Tasks still running then are cancelled. Raises what `main` raises; Deadlock when nothing can happen
    any more; LeftBehind when a task that nobody awaits has failed.
    """
    return run_checked(FakeClockLoop(), main)


def run_checked(loop: asyncio.AbstractEventLoop, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `await main()` on `loop`, close it, and raise as `simulate` says."""
    keeper = _Keeper(loop)
    try:
        result = loop.run_until_complete(main())
    except BaseException:
        keeper.clean_up()
        raise
    keeper.clean_up()
    keeper.check()
    return result


class _Keeper:
    """Knows all tasks of one loop, ends those left over, and tells what failed unseen."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        self._trouble: list[tuple[str, BaseException | None]] = []
        loop.set_task_factory(self._make_task)
        loop.set_exception_handler(self._note)

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, coro: Any, *, context: Context | None = None, **more: Any
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, context=context, **more)
        self._tasks.add(task)
        return task

    def _note(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        self._trouble.append((str(context.get("message")), context.get("exception")))

    def clean_up(self) -> None:
        """Cancel what still runs, run it to its end, and close the loop."""
        try:
            self._cancel_all()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            if not isinstance(self._loop, FakeClockLoop):
                self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()

    def _cancel_all(self) -> None:
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        if not left:
            return
        try:
            self._loop.run_until_complete(_ended(left))
        except Deadlock as stuck:
            self._trouble.append((f"a cancelled task did not end: {stuck}", None))
        for task in left:
            if task.done() and not task.cancelled() and (fault := task.exception()):
                self._trouble.append((f"task {task.get_name()} failed when it was cancelled", fault))

    def check(self) -> None:
        """Raise LeftBehind if any task failed and nobody has looked at its exception."""
        for task in self._tasks:
            if getattr(task, "_log_traceback", False):  # asyncio's own mark: an exception nobody retrieved
                fault = task.exception()
                self._trouble.append((f"task {task.get_name()} failed and nobody awaited it", fault))
        for message, fault in self._trouble:
            raise LeftBehind(f"{message}: {fault!r}" if fault else message) from fault


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.wait(tasks)


def _describe(tasks: set[asyncio.Task[Any]]) -> str:
    """Where each task waits, one line each."""
    lines = sorted(_place(task) for task in tasks if not task.done())
    return "nothing can happen any more; these tasks wait for ever:\n" + "\n".join(lines)


def _place(task: asyncio.Task[Any]) -> str:
    frames = [f"{frame.f_code.co_qualname}:{frame.f_lineno}" for frame in _stack(task.get_coro())]
    return f"  {task.get_name()}: {' > '.join(frames)}"


def _stack(coro: Any) -> list[Any]:
    """The frames of a suspended coroutine, outermost first."""
    frames = []
    while (frame := getattr(coro, "cr_frame", None)) is not None:
        frames.append(frame)
        coro = coro.cr_await
    return frames
