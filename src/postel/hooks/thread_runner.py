"""Run foreign functions beside the server's loop, so that one that blocks stops only its like.

Gives       ThreadRunner, ThreadOptions.
Not here    One such thread: hooks.hook_thread.

    asked -> waiting -> taken by the thread -> answered
                ^               |
                |               +-> late: the caller gives up, and the thread is pinged
                |                                  |-> it answers: all goes on
    a fresh thread takes what waits <--------------+-> it does not: it is stuck, and left behind

Time is measured on the caller's loop, which no foreign function can hold up. A thread cannot be ended from
outside: one that is stuck is left behind, and ends by itself if it ever comes back. How many may be left
behind is limited; beyond that nobody is asked, and mail is deferred.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from postel.hooks.carry import carried
from postel.hooks.facts import Content
from postel.hooks.hook_thread import Call, HookThread
from postel.hooks.runner import NoAnswer, Work, too_late
from postel.observe import logger

log = logger("hooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadOptions:
    """Limits of hook threads.

    ping_s        how long the loop of the thread may take to answer before the thread counts as stuck;
                  what a function may block without harm to others but waiting.
    stuck_limit   how many threads may be left behind and still be stuck.
    forget_s      how long a stuck thread counts; later it is given up, and a fresh one is dared.
    close_s       how long the thread may take to end when the server does.
    """

    ping_s: float = 1.0
    stuck_limit: int = 5
    forget_s: float = 3600.0
    close_s: float = 2.0


class ThreadRunner:
    """A `Runner` with one thread and a loop in it, started when first needed and replaced when stuck.

    new_loop   makes the loop of a thread.
    """

    def __init__(
        self,
        options: ThreadOptions | None = None,
        new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    ) -> None:
        self._options = options or ThreadOptions()
        self._new_loop = new_loop
        self._waiting: deque[Call] = deque()
        self._thread: HookThread | None = None
        self._stuck: list[tuple[HookThread, float]] = []  # with the loop time when they were left behind

    async def run(self, work: Work, facts: Any, timeout_s: float) -> Any:
        """As Runner says; NoAnswer at once when too many threads are stuck."""
        loop = asyncio.get_running_loop()
        thread = self._thread
        if thread is None or not thread.is_usable(loop):
            thread = self._fresh(loop)
        answer: asyncio.Future[Any] = loop.create_future()
        if type(facts) is Content:
            facts = replace(facts, read=partial(carried, facts.read, answer))
        call = Call(work, facts, answer)
        timer = loop.call_later(timeout_s, self._give_up, call, timeout_s)
        self._waiting.append(call)
        thread.wake()
        try:
            return await answer
        except asyncio.CancelledError:
            call.cancel()
            raise
        finally:
            timer.cancel()

    async def close(self) -> None:
        """End the thread, and what runs in it."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await thread.end(self._options.close_s)

    def _fresh(self, loop: asyncio.AbstractEventLoop) -> HookThread:
        """Start a thread. Raises NoAnswer when too many are stuck."""
        forget_at = loop.time() - self._options.forget_s
        self._stuck = [(one, since) for one, since in self._stuck if one.is_alive and since > forget_at]
        if len(self._stuck) >= self._options.stuck_limit:
            raise NoAnswer(f"{len(self._stuck)} threads are stuck in hooks already")
        self._thread = HookThread(loop, self._new_loop(), self._waiting)
        return self._thread

    def _give_up(self, call: Call, timeout_s: float) -> None:
        """A caller has waited long enough; see whether its thread is still of use to others."""
        if call.answer.done():
            return
        call.answer.set_exception(too_late(timeout_s))
        call.cancel()
        thread = self._thread
        if thread is not None and thread.ping():
            loop = call.answer.get_loop()
            loop.call_later(self._options.ping_s, self._judge, thread, loop)

    def _judge(self, thread: HookThread, loop: asyncio.AbstractEventLoop) -> None:
        """Leave a thread behind that did not answer the ping, and go on with a fresh one."""
        if thread.has_answered or thread is not self._thread:
            return
        thread.leave_behind()
        self._thread = None
        self._stuck.append((thread, loop.time()))
        log.trouble("hook_thread_stuck", where=thread.where(), stuck=len(self._stuck))
        if self._waiting:
            self._go_on(loop)

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let a fresh thread take what the stuck one has not."""
        try:
            self._fresh(loop).wake()
        except NoAnswer as none:
            while self._waiting:
                self._waiting.popleft().settle(None, none)
