"""Streams without sockets: two pipes with a bounded buffer, a speed, and a way to break.

Gives       MemoryStream, Link, connect.
Not here    Hosts, addresses and listeners (testing.network).

They behave as TCP does where a mail server can notice: writes wait when the peer does not read; what was
sent before a close still arrives; the first write to a closed peer is lost silently, the next one fails.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from postel.net import READ_LIMIT, ConnectionLost, Endpoint, TimedOut, TlsInfo

_HIGH_WATER: Final = 65536  # octets that a pipe holds before its writer has to wait
_SLICE_S: Final = 0.1  # a slow link delivers in pieces of this length


class Link:
    """What a pipe runs over: read anew at each write, so a test may change it while streams are open."""

    def __init__(self, latency_s: Callable[[], float], octets_per_s: Callable[[], float | None]) -> None:
        self.latency_s = latency_s
        self.octets_per_s = octets_per_s


class _Pipe:
    """One direction of a stream."""

    def __init__(
        self,
        link: Link,
        octets_until_cut: int | None,
        on_cut: Callable[[], None],
        last_words: bytes | None = None,
    ) -> None:
        self._link = link
        self._left = octets_until_cut
        self._last_words = last_words
        self._on_cut = on_cut
        self._chunks: deque[tuple[float, bytes]] = deque()
        self._busy_until_s = 0.0
        self._waiters: set[asyncio.Future[None]] = set()
        self.held = 0  # octets written and not read yet
        self.ended_s: float | None = None  # when the end of the stream arrives
        self.fault: str | None = None  # what reading says once the chunks are read
        self.has_reader = True

    def put(self, data: bytes) -> None:
        """Send `data`, or as much of it as the cut allows."""
        if self._last_words is not None and (at := data.find(self._last_words)) >= 0:
            self._left = at
        if self._left is not None:
            data, is_cut = data[: self._left], len(data) >= self._left
            self._left -= len(data)
            self._send(data)
            if is_cut:
                self._on_cut()
        else:
            self._send(data)

    def _send(self, data: bytes) -> None:
        rate = self._link.octets_per_s()
        step = max(1, int(rate * _SLICE_S)) if rate else max(1, len(data))
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            self._chunks.append((self._arrival_s(len(piece), rate), piece))
            self.held += len(piece)
        self.wake()

    def _arrival_s(self, size: int, rate: float | None) -> float:
        now = asyncio.get_running_loop().time()
        self._busy_until_s = max(now, self._busy_until_s) + (size / rate if rate else 0.0)
        return self._busy_until_s + self._link.latency_s()

    def end(self) -> None:
        """No more will be sent."""
        if self.ended_s is None:
            self.ended_s = self._arrival_s(0, None)
            self.wake()

    def break_off(self, why: str, *, keep: bool) -> None:
        """Fail from here on; what is under way still arrives if `keep`."""
        if not keep:
            self._chunks.clear()
            self.held = 0
        self.fault = self.fault or why
        self.wake()

    def take(self) -> bytes | None:
        """What has arrived; b"" at the end; None while there is nothing. Raises ConnectionLost."""
        now = asyncio.get_running_loop().time()
        parts, size = [], 0
        while self._chunks and self._chunks[0][0] <= now and size < READ_LIMIT:
            arrived_s, piece = self._chunks.popleft()
            if (room := READ_LIMIT - size) < len(piece):
                self._chunks.appendleft((arrived_s, piece[room:]))
            parts.append(piece[:room])
            size += len(parts[-1])
        self.held -= size
        if size:
            self.wake()
            return b"".join(parts)
        return None if self._chunks else self._last_word(now)

    def _last_word(self, now: float) -> bytes | None:
        if self.fault:
            raise ConnectionLost(self.fault)
        return b"" if self.ended_s is not None and self.ended_s <= now else None

    def next_s(self) -> float | None:
        """When the next piece, or the end, arrives; None when neither is under way."""
        return self._chunks[0][0] if self._chunks else self.ended_s

    def wake(self) -> None:
        """Let everyone who waits on this pipe look again."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def changed(self, at_s: float | None = None) -> None:
        """Wait until something has changed, or until `at_s` of loop time."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiters.add(waiter)
        timer = None if at_s is None else loop.call_at(at_s, self.wake)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)
            if timer:
                timer.cancel()


class MemoryStream:
    """A `net.Stream` whose peer is another MemoryStream."""

    def __init__(self, local: Endpoint, peer: Endpoint, incoming: _Pipe, outgoing: _Pipe) -> None:
        self.local = local
        self.peer = peer
        self._incoming = incoming
        self._outgoing = outgoing
        self._is_closed = False

    @property
    def tls(self) -> TlsInfo | None:
        """Never: TLS wraps a stream."""
        return None

    async def read(self, timeout_s: float | None = None) -> bytes:
        """What has arrived; see `net.Stream`."""
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    self._check_open()
                    if (data := self._incoming.take()) is not None:
                        return data
                    await self._incoming.changed(self._incoming.next_s())
        except TimeoutError:
            raise TimedOut("the peer sent nothing in time") from None

    async def write(self, data: bytes, timeout_s: float | None = None) -> None:
        """Send; see `net.Stream`."""
        self._check_open()
        self._check_outgoing()
        if self._outgoing.has_reader:
            self._outgoing.put(bytes(data))
        else:
            self._incoming.break_off("connection reset by peer", keep=True)
            self._outgoing.break_off("connection reset by peer", keep=False)
            return
        try:
            async with asyncio.timeout(timeout_s):
                while self._outgoing.held > _HIGH_WATER:
                    await self._outgoing.changed()
                    self._check_open()
                    self._check_outgoing()
        except TimeoutError:
            raise TimedOut("the peer did not read in time") from None

    def _check_open(self) -> None:
        if self._is_closed:
            raise ConnectionLost("closed by us")

    def _check_outgoing(self) -> None:
        if self._outgoing.fault:
            raise ConnectionLost(self._outgoing.fault)

    def finish_writing(self) -> None:
        """Close our direction only: the peer reads the end of the stream and may go on writing."""
        self._outgoing.end()

    async def close(self) -> None:
        """Close both directions; what was written still arrives."""
        if self._is_closed:
            return
        self._is_closed = True
        self._outgoing.end()
        self._incoming.has_reader = False
        self._incoming.wake()

    def abort(self) -> None:
        """Reset the connection: the peer loses what it has not read."""
        if not self._is_closed:
            self._is_closed = True
            self.break_off("connection reset by peer", keep=False)

    def break_off(self, why: str, *, keep: bool) -> None:
        """Break both directions, as a cut cable or a crash does."""
        self._incoming.break_off(why, keep=keep)
        self._outgoing.break_off(why, keep=keep)

    @property
    def is_over(self) -> bool:
        """Whether this end is closed or broken."""
        return self._is_closed or self._incoming.fault is not None


def connect(
    dialler: Endpoint,
    listener: Endpoint,
    link: Link,
    *,
    received_limit: int | None = None,
    sent_limit: int | None = None,
    unsaid: bytes | None = None,
) -> tuple[MemoryStream, MemoryStream]:
    """The two ends of a new connection: the dialler's and the listener's.

    received_limit, sent_limit   octets after which the connection breaks, as the listener counts them;
                                 those octets still arrive.
    unsaid                       it breaks before the listener has sent these octets, if it ever wants to.
    """

    def cut() -> None:
        ours.break_off("connection reset by peer", keep=True)

    there = _Pipe(link, received_limit, cut)
    back = _Pipe(link, sent_limit, cut, unsaid)
    ours = MemoryStream(dialler, listener, back, there)
    theirs = MemoryStream(listener, dialler, there, back)
    return ours, theirs
