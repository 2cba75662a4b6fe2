"""A stream over a TCP or unix socket: an asyncio protocol of our own, small when idle.

Implements  Stream (net.network).
Gives       TcpStream.
Not here    Opening sockets and accepting (net.tcp).

What an idle session costs is what decides how many a machine can hold, so a stream has no buffers of its
own until data waits in them: all streams of a network receive into one scratch buffer. There is one timer
per stream. It is not moved at each read; when it fires early, it looks at what is due and sleeps again.
"""

from __future__ import annotations

import asyncio
import os
from typing import Final, cast

from postel.net.endpoint import Endpoint
from postel.net.faults import ConnectionLost, TimedOut
from postel.net.network import READ_LIMIT, TlsInfo
from postel.net.sockets import endpoint_of

_NEVER: Final = float("inf")
_TIMER_SLACK_S: Final = 0.002  # a loop's clock ticks in milliseconds; do not sleep again for less
_CLOSE_LIMIT_S: Final = 5.0  # how long close() may take to send what is buffered and see the peer's end
_DISCARD_LIMIT: Final = 1 << 20  # octets from the peer that a closing stream throws away before it resets


class TcpStream(asyncio.BufferedProtocol):
    """A `net.Stream` on a socket.

    scratch     where the transport receives; shared by all streams of one loop, READ_LIMIT octets long.
    """

    __slots__ = (
        "_close_due_s",
        "_closed",
        "_data",
        "_discarded",
        "_fault",
        "_has_ended",
        "_is_closing",
        "_is_full",
        "_is_paused",
        "_loop",
        "_read_due_s",
        "_reader",
        "_scratch",
        "_timer",
        "_timer_due_s",
        "_transport",
        "_write_due_s",
        "_writer",
        "local",
        "peer",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, scratch: memoryview) -> None:
        self._loop = loop
        self._scratch = scratch
        self._transport: asyncio.Transport | None = None
        self._data: bytes | bytearray = b""  # received and not read; at most READ_LIMIT
        self._has_ended = False  # the peer has closed its direction
        self._is_paused = False  # we asked the transport to stop receiving
        self._is_full = False  # the transport asked us to stop sending
        self._is_closing = False  # close() or abort() was called
        self._fault: str | None = None  # why the connection is gone; None while it is there
        self._discarded = 0
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._closed: asyncio.Future[None] | None = None
        self._read_due_s = self._write_due_s = self._close_due_s = self._timer_due_s = _NEVER
        self._timer: asyncio.TimerHandle | None = None
        self.peer = self.local = Endpoint("")

    @property
    def tls(self) -> TlsInfo | None:
        """Never: TLS wraps a stream."""
        return None

    async def read(self, timeout_s: float | None = None) -> bytes:
        """What is there; see `net.Stream`."""
        if not (self._data or self._has_ended or self._is_closing or self._fault is not None):
            reader = self._reader = self._loop.create_future()
            self._read_due_s = _NEVER if timeout_s is None else self._due(timeout_s)
            try:
                await reader
            finally:
                self._reader, self._read_due_s = None, _NEVER
        if self._is_closing:
            raise ConnectionLost("closed by us")
        if self._data:
            return self._take()
        if self._has_ended:
            return b""
        raise ConnectionLost(self._fault)

    def _take(self) -> bytes:
        data, self._data = bytes(self._data), b""
        if self._is_paused and self._transport is not None and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes, timeout_s: float | None = None) -> None:
        """Send; see `net.Stream`."""
        transport = self._transport
        if transport is None or self._is_closing:
            transport = self._check_open()
        transport.write(data)
        if self._is_full:
            await self._wait_to_write(timeout_s)
            self._check_open()

    def _check_open(self) -> asyncio.Transport:
        if self._is_closing:
            raise ConnectionLost("closed by us")
        if self._fault is not None or self._transport is None:
            raise ConnectionLost(self._fault)
        return self._transport

    async def _wait_to_write(self, timeout_s: float | None) -> None:
        self._writer = self._loop.create_future()
        self._write_due_s = _NEVER if timeout_s is None else self._due(timeout_s)
        try:
            await self._writer
        finally:
            self._writer, self._write_due_s = None, _NEVER

    def _due(self, timeout_s: float) -> float:
        """When a wait that starts now ends; the timer is made to fire by then."""
        due_s = self._loop.time() + timeout_s
        if self._timer is None or due_s < self._timer_due_s:
            self._arm(due_s)
        return due_s

    def _arm(self, due_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due_s = due_s
        self._timer = self._loop.call_at(due_s, self._tick)

    def _tick(self) -> None:
        """The timer fired: end the waits that are due, sleep on for the others."""
        self._timer = None
        past_s = self._loop.time() + _TIMER_SLACK_S
        if self._read_due_s <= past_s:
            self._read_due_s = _NEVER
            _fail(self._reader, TimedOut("the peer sent nothing in time"))
        if self._write_due_s <= past_s:
            self._write_due_s = _NEVER
            _fail(self._writer, TimedOut("the peer did not read in time"))
        if self._close_due_s <= past_s:
            self._close_due_s = _NEVER
            _wake(self._closed)
        if (next_s := min(self._read_due_s, self._write_due_s, self._close_due_s)) < _NEVER:
            self._arm(next_s)

    async def close(self, limit_s: float = _CLOSE_LIMIT_S) -> None:
        """Close; see `net.Stream`. Waits until the peer has closed too, for `limit_s` at most.

        A socket closed with unread data resets the connection, and a reset can overtake our last reply. So
        our direction is closed first, and what the peer still sends is thrown away until its end.
        """
        transport = self._transport
        if self._is_closing or transport is None or self._fault is not None:
            self._is_closing = True
            return
        self._start_closing()
        self._closed = self._loop.create_future()
        self._close_due_s = self._due(limit_s)
        try:
            self._finish_sending(transport)
            await self._closed
        finally:
            self._close_due_s = _NEVER
            transport.abort()

    def _start_closing(self) -> None:
        self._is_closing = True
        self._data = b""
        _wake(self._reader)
        _wake(self._writer)

    def _finish_sending(self, transport: asyncio.Transport) -> None:
        if self._has_ended or transport.is_closing():
            transport.close()  # sends what is buffered first
            return
        if self._is_paused:
            transport.resume_reading()
        try:
            transport.write_eof()
        except (OSError, RuntimeError):  # the peer was quicker: there is nobody to send to
            transport.abort()

    def abort(self) -> None:
        """Drop the connection; see `net.Stream`."""
        if self._transport is not None:
            self._start_closing()
            self._transport.abort()

    # What follows is called by the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected."""
        self._transport = cast("asyncio.Transport", transport)
        self.peer = endpoint_of(transport.get_extra_info("peername"))
        self.local = endpoint_of(transport.get_extra_info("sockname"))

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to receive: never more than there is room for."""
        return self._scratch[: READ_LIMIT - len(self._data)] if self._data else self._scratch

    def buffer_updated(self, nbytes: int) -> None:
        """So many octets are in the scratch buffer."""
        if self._is_closing:
            self._discard(nbytes)
            return
        if not self._data:
            self._data = bytes(self._scratch[:nbytes])
        else:
            if isinstance(self._data, bytes):
                self._data = bytearray(self._data)
            self._data += self._scratch[:nbytes]
        if len(self._data) >= READ_LIMIT and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()
        _wake(self._reader)

    def _discard(self, nbytes: int) -> None:
        self._discarded += nbytes
        if self._discarded > _DISCARD_LIMIT and self._transport is not None:
            self._transport.abort()

    def eof_received(self) -> bool:
        """The peer has closed its direction; ours stays open (True) so that we may still answer."""
        self._has_ended = True
        _wake(self._reader)
        return not self._is_closing

    def pause_writing(self) -> None:
        """The send buffer is above its high-water mark."""
        self._is_full = True

    def resume_writing(self) -> None:
        """The send buffer has been drained."""
        self._is_full = False
        _wake(self._writer)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._fault = _words(exc)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for waiter in (self._reader, self._writer, self._closed):
            _wake(waiter)


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


def _fail(waiter: asyncio.Future[None] | None, fault: Exception) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_exception(fault)


def _words(exc: Exception | None) -> str:
    if isinstance(exc, OSError) and exc.errno:
        return os.strerror(exc.errno).lower()
    return str(exc).lower() if exc else "connection closed"
