"""Ways from a command into the queue: SMTP in all cases, so that policy and hooks are asked in all.

Gives       Way, open_way, speak_smtp.

    may write to the data directory     an SMTP service of our own, which queues; a running server notices
    may not                             the SMTP listener of the running server
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from postel.app import LOCAL_ADDRESS, open_bench, real_edges
from postel.cli.fd_stream import THREADS, FdStream, pipe_streams
from postel.cli.work import CannotDo
from postel.config import Loaded
from postel.mail import IPAddress
from postel.net import (
    ConnectionLost,
    Endpoint,
    Handler,
    Listener,
    Network,
    Stream,
    ThreadWorkers,
    parse_endpoint,
)
from postel.servers import SmtpService

# What our own service believes: a client on this machine.
LOCAL: Final = Endpoint(LOCAL_ADDRESS, 0)

_DIAL_S: Final = 30.0
_LAST_WORDS_S: Final = 5.0  # for replies to a client that has said all it wanted
_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class Way:
    """Where to dial to, and on what network."""

    network: Network
    endpoint: Endpoint


class InProcess:
    """A network with one host on it: an SMTP service in this process."""

    def __init__(self, service: SmtpService) -> None:
        self._service = service
        self._sessions: set[asyncio.Task[None]] = set()

    async def dial(self, to: Endpoint, *, timeout_s: float, source: IPAddress | None = None) -> FdStream:
        """Connect to the service, whatever the endpoint."""
        ours, theirs = pipe_streams(peer=LOCAL, local=to)
        task = asyncio.create_task(self._service.handle(theirs))
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)
        return ours

    async def listen(self, at: Endpoint, handler: Handler, *, socket: object = None) -> Listener:
        """There is no room for another host."""
        raise OSError("nobody can listen within a command")

    def own_addresses(self) -> frozenset[IPAddress]:
        """None: it is nowhere."""
        return frozenset()

    async def close(self) -> None:
        """Let sessions end."""
        await self._service.stop(drain_s=1.0)
        await asyncio.gather(*self._sessions)


@asynccontextmanager
async def open_way(loaded: Loaded, *, into_data: bool) -> AsyncIterator[Way]:
    """The way in. Raises CannotDo, and what opening the data directory and its hooks raises."""
    if not into_data:
        yield Way(real_edges().network, listener_of(loaded))
        return
    bench = await open_bench(loaded, real_edges())
    try:
        network = InProcess(bench.smtp_service())
        try:
            yield Way(network, LOCAL)
        finally:
            await network.close()
    finally:
        await bench.close()


def listener_of(loaded: Loaded) -> Endpoint:
    """Where the running server takes mail from this machine. Raises CannotDo."""
    for protocol in ("smtp", "submission"):
        for listen in loaded.config.listen:
            if listen.protocol == protocol and listen.address is not None:
                endpoint = parse_endpoint(listen.address)
                return Endpoint(_LOOPBACK.get(endpoint.host, endpoint.host), endpoint.port)
    raise CannotDo(
        "there is no listener for smtp or submission, and the data directory is not ours to write to"
    )


async def speak_smtp(loaded: Loaded, *, into_data: bool) -> None:
    """SMTP on standard input and output, to the end of the session. Raises what `open_way` raises, DialFailed."""
    stdio = FdStream(os.dup(0), os.dup(1), ThreadWorkers(THREADS), peer=LOCAL, local=LOCAL)
    try:
        async with open_way(loaded, into_data=into_data) as way:
            server = await way.network.dial(way.endpoint, timeout_s=_DIAL_S)
            await _join(stdio, server)
    finally:
        stdio.abort()


async def _join(client: Stream, server: Stream) -> None:
    """Pass octets in both directions, until the server has closed, or has no more to say to a client that did."""
    up, down = (asyncio.create_task(_pump(*ends)) for ends in ((client, server), (server, client)))
    await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait({down}, timeout=_LAST_WORDS_S)
    await server.close()
    client.abort()
    await asyncio.gather(up, down)


async def _pump(from_: Stream, to: Stream) -> None:
    with suppress(ConnectionLost):
        while data := await from_.read():
            await to.write(data)
