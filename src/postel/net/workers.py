"""Threads for work that would block the loop: password hashes, fsync, big files.

Gives       Workers, ThreadWorkers.
Not here    The database's writer thread (database). InlineWorkers for tests (testing).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")


class Workers(Protocol):
    """Runs plain functions off the loop."""

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work()`; its exception is raised here. Waits its turn when all workers are busy."""


class ThreadWorkers:
    """A fixed number of threads, started when first needed."""

    def __init__(self, count: int) -> None:
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="postel-worker")

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in a thread. A cancelled caller does not stop work that has begun."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def close(self) -> None:
        """Wait for the work in hand, then end the threads. Work still waiting is dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)
