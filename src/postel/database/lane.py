"""Where the writer's jobs run: in a thread of its own, or on the loop.

Gives       Lane, ThreadLane, InlineLane. Jobs of one lane run one after the other, in order.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Protocol, TypeAlias

Job: TypeAlias = Callable[[], None]


class Lane(Protocol):
    """Runs jobs in order."""

    def post(self, job: Job) -> None:
        """Have the job run. It must not raise."""

    def back(self, call: Job) -> None:
        """From a job: have `call` run on the loop."""

    def end(self) -> None:
        """After all posted jobs have run: no job will be posted any more."""


class ThreadLane:
    """A thread that waits for the disk so that the loop need not."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="postel-writer", daemon=True)
        self._thread.start()

    def post(self, job: Job) -> None:
        """Wake the thread."""
        self._jobs.put(job)

    def back(self, call: Job) -> None:
        """Wake the loop; a loop that is closed has nobody left who waits."""
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def end(self) -> None:
        """Let the thread end, and wait for that."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


class InlineLane:
    """No thread: the job runs at once. For tests on a fake clock, and for memory."""

    def post(self, job: Job) -> None:
        """Run it."""
        job()

    def back(self, call: Job) -> None:
        """Run it."""
        call()

    def end(self) -> None:
        """There is nothing to end."""
