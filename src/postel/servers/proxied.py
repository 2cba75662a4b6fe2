"""The door for proxies: from them a PROXY header is required and believed, from others none is read.

Implements  The PROXY protocol, its receiver's side (HAProxy, proxy-protocol.txt 4: only from known proxies).
Gives       ProxyDoor, Trusted.
Not here    The header: net.

Whoever may write the header decides who a client is: for relaying, for limits and for the log. So the
configuration names the networks, and a connection from one of them that begins otherwise is closed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from postel.net import BadProxyHeader, Endpoint, Stream, read_proxy_header
from postel.observe import logger
from postel.routing import IPNetwork
from postel.servers.admission import is_within

log = logger("servers")

HEADER_S: Final = 10.0  # a proxy sends the header at once; a lost segment is sent again after three seconds
WAITING_LIMIT: Final = 1000  # connections of proxies that have not sent their header yet


@dataclass(frozen=True, slots=True)
class Trusted:
    """Hosts that are believed in what they say of others.

    networks    where they are. by_unix: whether who comes by a unix socket is one of them.
    """

    networks: tuple[IPNetwork, ...] = ()
    by_unix: bool = False

    def has(self, peer: Endpoint) -> bool:
        """Whether the other end of a connection is one of them."""
        ip = peer.ip
        return self.by_unix if ip is None else is_within(ip, self.networks)


NOBODY: Final = Trusted()


class ProxyDoor:
    """Stands before a listener's service. `proxies` may be exchanged while it does."""

    def __init__(self, proxies: Trusted) -> None:
        self.proxies = proxies
        self._waiting: set[asyncio.Task[None]] = set()

    async def enter(self, stream: Stream) -> Stream | None:
        """The stream as the client made it; None when it was closed. Raises CancelledError."""
        if not self.proxies.has(stream.peer):
            return stream
        because = "too many connections wait for their header"
        if len(self._waiting) < WAITING_LIMIT:
            try:
                return await self._read(stream)
            except BadProxyHeader as bad:
                because = str(bad)
        log.event("proxy_refused", proxy=stream.peer, listener=stream.local, because=because)
        stream.abort()
        return None

    def close(self) -> None:
        """Wait for no header any more: what waits is cut off."""
        for task in self._waiting:
            task.cancel()

    async def _read(self, stream: Stream) -> Stream:
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        try:
            return await read_proxy_header(stream, HEADER_S)
        except asyncio.CancelledError:
            stream.abort()
            raise
        finally:
            self._waiting.discard(task)
