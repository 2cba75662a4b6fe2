"""Where that which waits for the disk is done: in a thread of its own, or on the loop.

Gives       Lane, ThreadLane, InlineLane.
"""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")

# A busy loop lets go of the interpreter lock at each system call, but takes it again before a waiting thread
# has woken up; that thread gets it only by insisting, once it has waited for the switch interval without the
# lock being let go. Python's 5 ms never pass so on a server, and a commit waits for seconds.
SWITCH_INTERVAL_S: Final = 50e-6


class Lane(Protocol):
    """Does jobs one after the other, in order. A job does not raise."""

    def post(self, job: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do the job, then call `then(result)` on the loop."""

    def end(self) -> None:
        """No job is under way and none will come: give everything back."""


class ThreadLane:
    """A thread that waits so that the loop need not. Lowers the switch interval of the process."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None]] | None]
        self._jobs = queue.SimpleQueue()
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_INTERVAL_S))
        self._thread = threading.Thread(target=self._work, name="postel-writer", daemon=True)
        self._thread.start()

    def post(self, job: Callable[[], T], then: Callable[[T], None]) -> None:
        """Wake the thread; it wakes the loop."""
        self._jobs.put((job, then))

    def end(self) -> None:
        """Let the thread end, and wait for that."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (posted := self._jobs.get()) is not None:
            job, then = posted
            result = job()
            try:
                self._loop.call_soon_threadsafe(then, result)
            except RuntimeError:  # the loop is closed: nobody is left who waits
                return


class InlineLane:
    """No thread: the job is done at once. For tests on a fake clock, and for memory."""

    def post(self, job: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do it."""
        then(job())

    def end(self) -> None:
        """There is nothing to end."""
