"""TLS over any stream.

Implements  RFC 8446 and RFC 5246 through OpenSSL, RFC 8446 6.1 (close_notify), RFC 3207 4 (upgrading).
Gives       start_server, start_client, TlsStream.
Not here    Certificates and demands (tls.contexts).

OpenSSL works on two buffers in memory here, so TLS runs over sockets, memory streams and other TLS alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from postel.net import READ_LIMIT, ConnectionLost, Endpoint, Stream, TimedOut, TlsInfo
from postel.tls.contexts import ClientTls, ServerTls, reason_of
from postel.tls.faults import HandshakeFailed
from postel.tls.names import NO_DEMAND, PeerDemand

_FEED_SIZE: Final = 16384  # octets given to OpenSSL at once: its buffers never shrink, so they must not grow
_CLOSE_WRITE_LIMIT_S: Final = 5.0  # how long closing waits to get the close_notify out


async def start_server(stream: Stream, context: ServerTls, *, timeout_s: float) -> TlsStream:
    """Be the server of a handshake on `stream`; the whole may take `timeout_s`. Raises HandshakeFailed."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap(incoming, outgoing)
    secure = TlsStream(stream, session, incoming, outgoing)
    await secure.handshake(timeout_s)
    info = _info(session, context.server_name(session), is_verified=False)
    # A client's certificate is only ever asked for to be verified, and then has been.
    is_verified = info.peer_certificate is not None
    secure.tls = replace(info, is_verified=is_verified, own_certificate=context.shown(session))
    return secure


async def start_client(
    stream: Stream,
    context: ClientTls,
    *,
    server_name: str | None,
    timeout_s: float,
    demand: PeerDemand = NO_DEMAND,
) -> TlsStream:
    """Be the client of a handshake on `stream`; the whole may take `timeout_s`. Raises HandshakeFailed.

    server_name     sent as SNI; what the certificate must be for if the context verifies. An IP address
                    is verified but not sent (RFC 6066 3).
    demand          names that the certificate may be for instead, and the oldest version that will do.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    host = stream.peer.host
    session = context.wrap(incoming, outgoing, server_name, host, demand)
    secure = TlsStream(stream, session, incoming, outgoing)
    await secure.handshake(timeout_s)
    context.check_names(session, demand)
    secure.tls = _info(session, server_name, is_verified=context.verify)
    secure.at_end(lambda: context.remember(session.session, server_name, host, demand))
    return secure


def _info(session: ssl.SSLObject, server_name: str | None, *, is_verified: bool) -> TlsInfo:
    name, version, bits = session.cipher() or ("", "", 0)
    return TlsInfo(
        session.version() or version,
        name,
        bits,
        server_name,
        session.getpeercert(binary_form=True),
        is_verified,
    )


class TlsStream:
    """A `net.Stream` inside of another.

    is_truncated    whether the peer's stream ended without a close_notify: perhaps it was cut by somebody.
                    Mail protocols say themselves when they are done, so reading gives a plain end.
    is_resumed      whether the handshake resumed an earlier session.
    """

    def __init__(
        self, inner: Stream, session: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        self._inner = inner
        self._session = session
        self._incoming = incoming
        self._outgoing = outgoing
        self._received = memoryview(b"")  # read from `inner`, and not given to OpenSSL yet
        self._sending = asyncio.Lock()  # reading may have to write too
        self._at_end: Callable[[], None] | None = None
        self._is_closed = False
        self.is_truncated = False
        self.tls: TlsInfo | None = None

    @property
    def peer(self) -> Endpoint:
        """The other end."""
        return self._inner.peer

    @property
    def local(self) -> Endpoint:
        """Our end."""
        return self._inner.local

    @property
    def is_resumed(self) -> bool:
        """Whether the handshake resumed an earlier session."""
        return bool(self._session.session_reused)

    def at_end(self, action: Callable[[], None]) -> None:
        """Have `action` called once, when the stream is closed or aborted."""
        self._at_end = action

    async def handshake(self, timeout_s: float) -> None:
        """Shake hands. Raises HandshakeFailed; an alert has told the peer then."""
        due_s = asyncio.get_running_loop().time() + timeout_s
        try:
            await self._handshake(due_s)
        except TimedOut:
            raise HandshakeFailed("timed out") from None
        except ConnectionLost as fault:
            raise HandshakeFailed(f"the connection was lost: {fault}") from None

    async def _handshake(self, due_s: float) -> None:
        while True:
            try:
                self._session.do_handshake()
            except ssl.SSLWantReadError:
                await self._send(_left(due_s))
                if not await self._receive(_left(due_s)):
                    raise HandshakeFailed("the peer closed the connection") from None
            except ssl.SSLError as fault:
                with contextlib.suppress(TimedOut, ConnectionLost):
                    await self._send(_left(due_s))  # the alert
                raise HandshakeFailed(reason_of(fault)) from None
            else:
                await self._send(_left(due_s))
                return

    async def _send(self, timeout_s: float | None) -> None:
        """Pass on what OpenSSL wants to be sent."""
        if not self._outgoing.pending:
            return
        async with self._sending:
            if data := self._outgoing.read():
                await self._inner.write(data, timeout_s)

    async def _receive(self, timeout_s: float | None) -> bool:
        """Give OpenSSL more to work on; False at the end of the inner stream."""
        if not self._received:
            self._received = memoryview(await self._inner.read(timeout_s))
        if not self._received:
            self._incoming.write_eof()
            return False
        self._incoming.write(self._received[:_FEED_SIZE])
        self._received = self._received[_FEED_SIZE:]
        return True

    async def read(self, timeout_s: float | None = None) -> bytes:
        """What is there; see `net.Stream`."""
        due_s = None if timeout_s is None else asyncio.get_running_loop().time() + timeout_s
        while not self.is_truncated:
            self._check_open()
            try:
                return self._session.read(READ_LIMIT)
            except ssl.SSLWantReadError:
                await self._send(_left(due_s))
                await self._receive(_left(due_s))
            except ssl.SSLEOFError:
                self.is_truncated = True
            except ssl.SSLError as fault:
                self.abort()
                raise ConnectionLost(f"TLS: {reason_of(fault)}") from None
        return b""

    async def write(self, data: bytes, timeout_s: float | None = None) -> None:
        """Send; see `net.Stream`."""
        due_s = None if timeout_s is None else asyncio.get_running_loop().time() + timeout_s
        left = memoryview(data)
        while left:
            self._check_open()
            try:
                left = left[self._session.write(left[:READ_LIMIT]) :]  # perhaps one record only
            except ssl.SSLError as fault:
                self.abort()
                raise ConnectionLost(f"TLS: {reason_of(fault)}") from None
            await self._send(_left(due_s))

    def _check_open(self) -> None:
        if self._is_closed:
            raise ConnectionLost("closed by us")

    async def close(self) -> None:
        """Say close_notify, then close the inner stream."""
        if self._is_closed:
            return
        self._end()
        # The peer's own close_notify is not waited for: RFC 8446 6.1 does not ask for it.
        with contextlib.suppress(ssl.SSLError):
            self._session.unwrap()
        with contextlib.suppress(TimedOut, ConnectionLost):
            await self._send(_CLOSE_WRITE_LIMIT_S)
        await self._inner.close()

    def abort(self) -> None:
        """Drop the connection."""
        if not self._is_closed:
            self._end()
        self._inner.abort()

    def _end(self) -> None:
        self._is_closed = True
        if self._at_end is not None:
            self._at_end()


def _left(due_s: float | None) -> float | None:
    """Seconds left until then."""
    return None if due_s is None else max(0.0, due_s - asyncio.get_running_loop().time())
