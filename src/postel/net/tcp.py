"""The real network: TCP and unix sockets, on asyncio's loop or uvloop's.

Implements  Network (net.network).
Gives       TcpNetwork, TcpListener.
Not here    What a stream does (net.tcp_stream); socket options (net.sockets).
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
from typing import Any, Final

from postel.mail import IPAddress
from postel.net import interfaces
from postel.net.endpoint import Endpoint
from postel.net.faults import DialFailed
from postel.net.network import READ_LIMIT, Handler
from postel.net.sockets import (
    BACKLOG,
    address_of,
    answer_at_once,
    dialling_socket,
    endpoint_of,
    listening_socket,
    remove_socket_file,
)
from postel.net.tcp_stream import TcpStream

_DIAL_WORDS: Final = {
    errno.ETIMEDOUT: "timed out",
    errno.ENOENT: "connection refused",  # a unix socket whose listener never ran
}

# From Python 3.13 on, a loop removes the file of a unix socket unasked, also of one that somebody else has made.
_KEEPS_FILE: Final[dict[str, Any]] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}


class TcpNetwork:
    """This host's network. One per event loop: all its streams share a receive buffer."""

    def __init__(self) -> None:
        self._scratch = memoryview(bytearray(READ_LIMIT))
        self._sessions: set[asyncio.Future[None]] = set()  # the loop itself holds tasks weakly

    def own_addresses(self) -> frozenset[IPAddress]:
        """The addresses of this host's interfaces, loopback included."""
        return interfaces.own_addresses()

    async def dial(self, to: Endpoint, *, timeout_s: float, source: IPAddress | None = None) -> TcpStream:
        """Connect; see `net.Network`. Raises DialFailed."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._dial(to, source)
        except TimeoutError as fault:
            raise DialFailed("timed out") from fault
        except OSError as fault:
            raise DialFailed(_words(fault)) from fault

    async def _dial(self, to: Endpoint, source: IPAddress | None) -> TcpStream:
        loop = asyncio.get_running_loop()
        made = dialling_socket(to, source)
        try:
            await loop.sock_connect(made, address_of(to))
            connect = loop.create_unix_connection if to.is_unix else loop.create_connection
            _, stream = await connect(lambda: TcpStream(loop, self._scratch), sock=made)
        except BaseException:
            made.close()
            raise
        return stream

    async def listen(
        self, at: Endpoint, handler: Handler, *, socket: socket.socket | None = None
    ) -> TcpListener:
        """Accept connections; see `net.Network`. `at` is of no matter when a socket is given."""
        loop = asyncio.get_running_loop()
        made = socket or listening_socket(at)
        made.setblocking(False)
        answer_at_once(made)
        endpoint = endpoint_of(made.getsockname())

        def session() -> _Session:
            return _Session(loop, self._scratch, handler, self._sessions)

        server: asyncio.AbstractServer
        if endpoint.is_unix:
            server = await loop.create_unix_server(session, sock=made, backlog=BACKLOG, **_KEEPS_FILE)
        else:
            server = await loop.create_server(session, sock=made, backlog=BACKLOG)
        return TcpListener(endpoint, server, made_file=endpoint.is_unix and socket is None)


class TcpListener:
    """A listening socket."""

    def __init__(self, endpoint: Endpoint, server: asyncio.AbstractServer, *, made_file: bool) -> None:
        self.endpoint = endpoint
        self._server = server
        self._inode = os.stat(endpoint.host).st_ino if made_file else None

    async def close(self) -> None:
        """Stop accepting. A unix socket's file is removed if this listener made it."""
        self._server.close()
        if self._inode is not None:
            remove_socket_file(self.endpoint.host, self._inode)
        await asyncio.sleep(0)  # the loop lets go of the socket in its next turn


class _Session(TcpStream):
    """The stream of an accepted connection, which starts its handler."""

    __slots__ = ("_handler", "_sessions")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        scratch: memoryview,
        handler: Handler,
        sessions: set[asyncio.Future[None]],
    ) -> None:
        super().__init__(loop, scratch)
        self._handler = handler
        self._sessions = sessions

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the handler, unless the peer is gone already and has no address any more."""
        super().connection_made(transport)
        if transport.get_extra_info("peername") is None:
            self.abort()
            return
        self._keep(asyncio.ensure_future(self._handler(self)))

    def _keep(self, task: asyncio.Future[None]) -> None:
        self._sessions.add(task)
        task.add_done_callback(self._handled)

    def _handled(self, task: asyncio.Future[None]) -> None:
        """The handler has ended: close, or, if it failed, tell the loop's exception handler and reset."""
        self._sessions.discard(task)
        if not task.cancelled() and task.exception() is None:
            if not self._is_closing:
                self._keep(self._loop.create_task(self.close()))
            return
        self.abort()
        if not task.cancelled():
            words = f"the handler of a session with {self.peer} failed"
            self._loop.call_exception_handler({"message": words, "exception": task.exception()})


def _words(fault: OSError) -> str:
    """Why a dial failed, in a few words."""
    if fault.errno is None:
        return str(fault)
    return _DIAL_WORDS.get(fault.errno) or os.strerror(fault.errno).lower()
