"""One thread with a loop in it, in which foreign functions run.

Gives       HookThread, Call.
Not here    When it is stuck, and what then: hooks.thread_runner.

Two queues join it to the loop of the callers: calls that wait, and outcomes. Either side is woken once for
many, and then takes all that is there: it lowers its flag first, so that nothing put in later is overlooked.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from postel.hooks.runner import Work, cancelled_itself
from postel.observe import logger

log = logger("hooks")

_OURS: Final = str(Path(__file__).parent)
_FRAMES_SHOWN: Final = 6


class Call:
    """One function to be run for one caller, who waits for `answer`."""

    __slots__ = ("answer", "facts", "is_over", "task", "thread", "work")

    def __init__(self, work: Work, facts: Any, answer: asyncio.Future[Any]) -> None:
        self.work = work
        self.facts = facts
        self.answer = answer
        self.is_over = False
        self.task: asyncio.Task[None] | None = None
        self.thread: HookThread | None = None

    def cancel(self) -> None:
        """Nobody waits any more: it is not begun, or it is to end."""
        self.is_over = True
        if self.thread is not None:
            self.thread.call_inside(self._cancel_inside)

    def settle(self, answer: Any, fault: Exception | None) -> None:
        """Give the caller its answer, if it still waits."""
        if self.answer.done():
            return
        if fault is None:
            self.answer.set_result(answer)
        else:
            self.answer.set_exception(fault)

    def _cancel_inside(self) -> None:
        if self.task is not None:
            self.task.cancel()


class HookThread:
    """Takes calls from `waiting` until it is left behind. Created and used on the loop `home`.

    home      the loop of the callers.
    loop      the loop that runs in the thread; the thread closes it.
    waiting   belongs to nobody: what this thread has not taken, another one can take.
    """

    def __init__(
        self, home: asyncio.AbstractEventLoop, loop: asyncio.AbstractEventLoop, waiting: deque[Call]
    ) -> None:
        self._home = home
        self._loop = loop
        self._waiting = waiting
        self._outcomes: deque[tuple[Call, Any, Exception | None]] = deque()
        self._is_woken = False
        self._is_home_woken = False
        self._is_leaving = False
        self._pings = 0
        self._pongs = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending = asyncio.Event()
        self._ended: asyncio.Future[None] = home.create_future()
        # A daemon, since a stuck function must not keep the process from ending.
        self._thread = threading.Thread(target=self._live, name="postel-hooks", daemon=True)
        self._thread.start()

    # From the loop of the callers

    def is_usable(self, home: asyncio.AbstractEventLoop) -> bool:
        """Whether callers of that loop can be served."""
        return self._home is home and not self._is_leaving

    @property
    def is_alive(self) -> bool:
        """Whether the thread has not ended yet."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """There is something to take."""
        if not self._is_woken:
            self._is_woken = True
            self.call_inside(self._take)

    def ping(self) -> bool:
        """Ask for a sign of life; False when an earlier ping is still without an answer."""
        if not self.has_answered:
            return False
        self._pings += 1
        self.call_inside(self._pong)
        return True

    @property
    def has_answered(self) -> bool:
        """Whether every ping was answered."""
        return self._pings == self._pongs

    def leave_behind(self) -> None:
        """Take nothing more, cancel what runs, and end: now, or whenever the thread comes back to itself."""
        self._is_leaving = True
        self.call_inside(self._ending.set)

    async def end(self, limit_s: float) -> None:
        """Leave it behind, and wait for its end, but not longer than that."""
        self.leave_behind()
        await asyncio.wait({self._ended}, timeout=limit_s)

    def where(self) -> str:
        """What the thread is doing: files, lines and functions, the innermost last."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        if frame is None:
            return "the thread has ended"
        places: list[str] = []
        for inner, line in traceback.walk_stack(frame):
            code = inner.f_code
            if code.co_filename.startswith(_OURS) or len(places) == _FRAMES_SHOWN:
                break
            places.append(f"{Path(code.co_filename).name}:{line} {code.co_name}")
        return " > ".join(reversed(places))

    def call_inside(self, action: Any) -> None:
        """Have the thread's loop call `action`, if it is still there."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(action)

    def _deliver(self) -> None:
        self._is_home_woken = False
        while self._outcomes:
            call, answer, fault = self._outcomes.popleft()
            call.settle(answer, fault)

    def _note_end(self) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    # Inside

    def _live(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:  # its end cancels what runs
                self._stay(runner)
        finally:
            self._call_home(self._note_end)

    def _stay(self, runner: asyncio.Runner) -> None:
        try:
            runner.run(self._until_ending())
        except BaseException as error:  # SystemExit, from a task of its own that a function has begun
            log.fault("hook_failed", error, because="it ended the thread of all hooks")
        finally:
            self._is_leaving = True

    async def _until_ending(self) -> None:
        await self._ending.wait()

    def _take(self) -> None:
        self._is_woken = False
        with suppress(IndexError):  # empty, or a fresh thread was faster
            while not self._is_leaving:
                self._begin(self._waiting.popleft())

    def _begin(self, call: Call) -> None:
        call.thread = self
        call.task = self._loop.create_task(self._answer(call))
        self._tasks.add(call.task)
        call.task.add_done_callback(self._tasks.discard)

    async def _answer(self, call: Call) -> None:
        if call.is_over:  # another function blocked until nobody waited for this one
            return
        answer, fault = None, None
        try:
            answer = await call.work(call.facts)
        except asyncio.CancelledError:
            fault = cancelled_itself()
        self._outcomes.append((call, answer, fault))
        if not self._is_home_woken:
            self._is_home_woken = True
            self._call_home(self._deliver)

    def _pong(self) -> None:
        self._pongs = self._pings

    def _call_home(self, action: Any) -> None:
        with suppress(RuntimeError):  # the server has ended meanwhile
            self._home.call_soon_threadsafe(action)
