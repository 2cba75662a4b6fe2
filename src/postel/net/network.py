"""The shapes of the network: streams, listeners, and a host's way to both.

Gives       Stream, TlsInfo, Listener, Network, Handler, READ_LIMIT.
Not here    Real sockets (net.tcp), TLS (tls), the in-process internet (testing.network).
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from postel.mail import IPAddress
from postel.net.endpoint import Endpoint

READ_LIMIT: Final = 65536  # octets: the most that one read gives, and about what a stream buffers


@dataclass(frozen=True, slots=True)
class TlsInfo:
    """What a finished TLS handshake settled.

    version             "TLSv1.3", as RFC 8314 logs and RFC 3848 `with` clauses want it.
    cipher, bits        the cipher suite's name and its strength.
    server_name         the name in SNI (a server: as received; a client: as asked); None without.
    peer_certificate    the peer's certificate in DER; None when it gave none.
    is_verified         whether the peer's certificate was checked against trust anchors and name.
    own_certificate     the certificate that we showed, in DER; None where we showed none, or are the client.
    """

    version: str
    cipher: str
    bits: int
    server_name: str | None
    peer_certificate: bytes | None
    is_verified: bool
    own_certificate: bytes | None = None


class Stream(Protocol):
    """A connected, ordered, reliable stream of octets in both directions.

    One task reads and one task writes at a time. A timeout of None waits for ever.
    """

    @property
    def peer(self) -> Endpoint:
        """The other end."""

    @property
    def local(self) -> Endpoint:
        """Our end."""

    @property
    def tls(self) -> TlsInfo | None:
        """What TLS protects this stream; None for plaintext."""

    async def read(self, timeout_s: float | None = None) -> bytes:
        """Whatever is there, at least one octet and at most READ_LIMIT; b"" at the end of the stream.

        Raises TimedOut (the stream stays usable) and ConnectionLost.
        """

    async def write(self, data: bytes, timeout_s: float | None = None) -> None:
        """Send `data`; returns when the send buffer is below its high-water mark.

        Raises TimedOut (the data stays in the buffer: the caller can only abort) and ConnectionLost.
        """

    async def close(self) -> None:
        """Send what is buffered, for a bounded time, and close. Never raises; a second call does nothing."""

    def abort(self) -> None:
        """Drop the connection and what is buffered, now. Never raises."""


Handler: TypeAlias = Callable[[Stream], Awaitable[None]]


class Listener(Protocol):
    """A listening socket."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens: with the real port, where 0 was asked for."""

    async def close(self) -> None:
        """Stop accepting. Sessions that were accepted go on."""


class Network(Protocol):
    """One host's way to the network."""

    async def dial(self, to: Endpoint, *, timeout_s: float, source: IPAddress | None = None) -> Stream:
        """Connect, from the given source address if any. Raises DialFailed."""

    async def listen(
        self, at: Endpoint, handler: Handler, *, socket: socket.socket | None = None
    ) -> Listener:
        """Accept connections, each handled in a task of its own; the stream is closed when that ends.

        socket  an open listening socket to use in place of a new one. Raises OSError.
        """

    def own_addresses(self) -> frozenset[IPAddress]:
        """The addresses of this host's interfaces, loopback included."""
