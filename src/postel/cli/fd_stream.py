"""A stream on two file descriptors: standard input and output, or a pair of pipes.

Implements  Stream (net.network).
Gives       FdStream, pipe_streams, THREADS.

Standard input may be a pipe, a socket, a terminal or a file, and no event loop watches all of them; so threads
read and write. A thread that waits looks up now and then, so that it ends soon after the stream is closed; only
then are the descriptors given back, since their numbers may at once mean the database.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from postel.net import READ_LIMIT, ConnectionLost, Endpoint, ThreadWorkers, TimedOut, TlsInfo, Workers

T = TypeVar("T")

THREADS: Final = 2  # that a stream needs: one reads while another writes
_LOOK_UP_MS: Final = 200
_PIECE: Final = 16 * 1024  # octets written at a time; a pipe holds more


class FdStream:
    """A `net.Stream` between this process and whoever has the other ends.

    peer    what the other end is to count as.
    """

    def __init__(self, in_: int, out: int, workers: Workers, *, peer: Endpoint, local: Endpoint) -> None:
        self.peer = peer
        self.local = local
        self._in, self._out = in_, out
        self._workers = workers
        self._lock = threading.Lock()
        self._threads = 0  # at work on the descriptors
        self._is_closed = False

    @property
    def tls(self) -> TlsInfo | None:
        """Never."""
        return None

    async def read(self, timeout_s: float | None = None) -> bytes:
        """What is there; see `net.Stream`."""
        return await self._workers.run(lambda: self._using(lambda: self._read(timeout_s)))

    async def write(self, data: bytes, timeout_s: float | None = None) -> None:
        """Send; see `net.Stream`."""
        await self._workers.run(lambda: self._using(lambda: self._write(data, timeout_s)))

    async def close(self) -> None:
        """Nothing is buffered here, so this is `abort`."""
        self.abort()

    def abort(self) -> None:
        """Close both descriptors, as soon as no thread waits on them any more."""
        with self._lock:
            was_closed, self._is_closed = self._is_closed, True
            if not (was_closed or self._threads):
                self._give_back()

    def _using(self, work: Callable[[], T]) -> T:
        """Run in a thread what uses the descriptors. Raises ConnectionLost once the stream is closed."""
        with self._lock:
            self._check_open()
            self._threads += 1
        try:
            return work()
        finally:
            with self._lock:
                self._threads -= 1
                if self._is_closed and not self._threads:
                    self._give_back()

    def _give_back(self) -> None:
        os.close(self._in)
        os.close(self._out)

    def _check_open(self) -> None:
        if self._is_closed:
            raise ConnectionLost("closed by us")

    def _read(self, timeout_s: float | None) -> bytes:
        self._wait(self._in, select.POLLIN, timeout_s, "the peer sent nothing in time")
        try:
            return os.read(self._in, READ_LIMIT)
        except OSError as error:
            raise ConnectionLost(os.strerror(error.errno or 0).lower()) from None

    def _write(self, data: bytes, timeout_s: float | None) -> None:
        view = memoryview(data)
        while view:
            self._wait(self._out, select.POLLOUT, timeout_s, "the peer did not read in time")
            try:
                view = view[os.write(self._out, view[:_PIECE]) :]
            except OSError as error:
                raise ConnectionLost(os.strerror(error.errno or 0).lower()) from None

    def _wait(self, descriptor: int, what: int, timeout_s: float | None, complaint: str) -> None:
        """Until the descriptor is ready. Raises TimedOut, ConnectionLost."""
        ends = None if timeout_s is None else time.monotonic() + timeout_s
        poll = select.poll()
        poll.register(descriptor, what)
        while True:
            left_ms = _LOOK_UP_MS if ends is None else (ends - time.monotonic()) * 1000
            self._check_open()
            if poll.poll(min(max(left_ms, 0), _LOOK_UP_MS)):
                return
            if ends is not None and time.monotonic() >= ends:
                raise TimedOut(complaint)


def pipe_streams(peer: Endpoint, local: Endpoint) -> tuple[FdStream, FdStream]:
    """Both ends of a connection within this process; the first is how `peer` sees it."""
    # Two ends that wait for each other must never wait for a thread: each may read and write at once.
    workers = ThreadWorkers(2 * THREADS)
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    return (
        FdStream(theirs_in, theirs_out, workers, peer=local, local=peer),
        FdStream(ours_in, ours_out, workers, peer=peer, local=local),
    )
