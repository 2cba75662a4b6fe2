"""Where the functions of hook files run.

Gives       Runner, LoopRunner, NoAnswer.
Not here    The thread of the real server: hooks.thread_runner. What they answer: hooks.hooks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeAlias

Work: TypeAlias = Callable[[Any], Coroutine[Any, Any, Any]]


class NoAnswer(Exception):
    """A function did not come to its end; the text says why, for the log."""


class Runner(Protocol):
    """Runs one function for one caller, for a limited time."""

    async def run(self, work: Work, facts: Any, timeout_s: float) -> Any:
        """The result of `await work(facts)`; what it raises is raised here.

        Raises NoAnswer, no later than `timeout_s` on the caller's loop. Then, and when the caller is
        cancelled, the work is cancelled, and not waited for: it may refuse to end.
        """

    async def close(self) -> None:
        """End what still runs. It may be used again."""


class LoopRunner:
    """Runs them on the caller's own loop: for simulations, where time is not real and nothing blocks."""

    async def run(self, work: Work, facts: Any, timeout_s: float) -> Any:
        """As Runner says. Work that blocks is waited for, and its time is not measured."""
        task = asyncio.create_task(work(facts))
        try:
            done, _ = await asyncio.wait({task}, timeout=timeout_s)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            task.cancel()
            raise too_late(timeout_s)
        if task.cancelled():
            raise cancelled_itself()
        return task.result()

    async def close(self) -> None:
        """Nothing is kept here."""


def too_late(timeout_s: float) -> NoAnswer:
    """It took longer than it may."""
    return NoAnswer(f"no answer within {timeout_s:g} s")


def cancelled_itself() -> NoAnswer:
    """It was cancelled, though not by us."""
    return NoAnswer("it cancelled itself")
