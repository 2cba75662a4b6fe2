"""A stream behind a proxy: its ends are those that the PROXY header names.

Implements  The PROXY protocol, its receiver's side (HAProxy, proxy-protocol.txt 2 and 4).
Gives       read_proxy_header, ProxiedStream.
Not here    The header's form: net.proxy_header. Whom to believe: servers.proxied.
"""

from __future__ import annotations

import asyncio

from postel.net.endpoint import Endpoint
from postel.net.faults import ConnectionLost, TimedOut
from postel.net.network import Stream, TlsInfo
from postel.net.proxy_header import BadProxyHeader, ProxyHeader, parse_proxy_header


async def read_proxy_header(stream: Stream, timeout_s: float) -> ProxiedStream:
    """Read the header that `stream` must begin with; all of it may take `timeout_s`. Raises BadProxyHeader."""
    due_s = asyncio.get_running_loop().time() + timeout_s
    data = b""
    try:
        while (header := parse_proxy_header(data)) is None:
            more = await stream.read(max(0.0, due_s - asyncio.get_running_loop().time()))
            if not more:
                raise BadProxyHeader("the connection was closed within the header")
            data += more
    except TimedOut:
        raise BadProxyHeader("the header did not come in time") from None
    except ConnectionLost as lost:
        raise BadProxyHeader(f"the connection was lost: {lost}") from None
    return ProxiedStream(stream, header, data[header.size :])


class ProxiedStream:
    """A `net.Stream` whose header has been read.

    inner   the connection of the proxy itself.
    peer    the client; the proxy where the header names nobody.
    local   what the client had connected to; our own end where the header does not say.
    """

    __slots__ = ("_ahead", "inner", "local", "peer")

    def __init__(self, inner: Stream, header: ProxyHeader, ahead: bytes) -> None:
        self.inner = inner
        self.peer: Endpoint = header.source or inner.peer
        self.local: Endpoint = header.destination or inner.local
        self._ahead = ahead  # came with the header

    @property
    def tls(self) -> TlsInfo | None:
        """None: the header comes before all TLS of ours."""
        return self.inner.tls

    async def read(self, timeout_s: float | None = None) -> bytes:
        """See `net.Stream`."""
        if self._ahead:
            ahead, self._ahead = self._ahead, b""
            return ahead
        return await self.inner.read(timeout_s)

    async def write(self, data: bytes, timeout_s: float | None = None) -> None:
        """See `net.Stream`."""
        await self.inner.write(data, timeout_s)

    async def close(self) -> None:
        """See `net.Stream`."""
        await self.inner.close()

    def abort(self) -> None:
        """See `net.Stream`."""
        self.inner.abort()
