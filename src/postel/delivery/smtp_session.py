"""One connection to a server, driven through the client machine.

Implements  RFC 5321 4.5.3.2 (the machine names the timeouts, here they are kept).
Gives       SmtpSession.
Not here    The protocol (proto.smtp); which host, TLS or not, which login (delivery.opening).

No method raises for what the server or the network does: they give the machine's event, SessionLost among
them. A reply's time starts when the one before it was heard; single octets do not renew it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Final

from postel.delivery.hop_limits import HopLimits
from postel.mail import Envelope, LocalFault
from postel.net import ConnectionLost, Stream, TimedOut
from postel.proto import NEED_DATA, PAUSED, sasl
from postel.proto.smtp import (
    ClientEvent,
    ClientOptions,
    ContentWanted,
    Offered,
    SessionLost,
    SmtpClient,
)
from postel.tls import NO_DEMAND, ClientTls, PeerDemand, start_client

# How long we listen for the reason, when a server has stopped taking what we send.
LAST_WORDS_S: Final = 2.0


class SmtpSession:
    """A session with the server at the other end of `stream`, which it closes.

    offset          where the content of the last transaction went on (RFC 1845).
    transactions    how many were completed: whether the connection has proven itself.
    """

    def __init__(self, stream: Stream, options: ClientOptions) -> None:
        self.stream = stream
        self.transactions = 0
        self.offset = 0
        self.hop_limits = HopLimits()
        self._client = SmtpClient(options)

    @property
    def offered(self) -> Offered:
        """What the server offers now."""
        return self._client.offered

    @property
    def is_lmtp(self) -> bool:
        """Whether LMTP is spoken: handing over is delivery then."""
        return self._client.options.is_lmtp

    @property
    def is_spent(self) -> bool:
        """Whether the server takes no more transactions in this session (RFC 9422)."""
        return self.hop_limits.is_spent(self.offered, self.transactions)

    async def greeting(self) -> ClientEvent:
        """Greeting or SessionLost."""
        return await self._event()

    async def hello(self) -> ClientEvent:
        """HelloDone, HelloRefused or SessionLost."""
        self._client.hello()
        return await self._event()

    async def start_tls(self) -> ClientEvent:
        """TlsReady (then call `secure`), TlsRefused or SessionLost."""
        self._client.start_tls()
        return await self._event()

    async def secure(
        self, context: ClientTls, server_name: str | None, timeout_s: float, demand: PeerDemand = NO_DEMAND
    ) -> None:
        """Do the handshake after TlsReady. Raises HandshakeFailed: the connection is then of no use."""
        self.stream = await start_client(
            self.stream, context, server_name=server_name, timeout_s=timeout_s, demand=demand
        )
        self._client.tls_started()

    async def login(self, exchange: sasl.ClientExchange) -> ClientEvent:
        """LoginDone, KeyWanted or SessionLost."""
        self._client.login(exchange)
        return await self._event()

    async def login_key(self, key: bytes) -> ClientEvent:
        """The key that was wanted. LoginDone, KeyWanted or SessionLost."""
        self._client.login_key(key)
        return await self._event()

    async def clear(self) -> ClientEvent | None:
        """Say RSET where the next transaction would: None where it would not, else ResetDone or SessionLost."""
        if not self._client.needs_reset:
            return None
        self._client.reset()
        return await self._event()

    async def command(self, line: str) -> ClientEvent:
        """A command that changes nothing in the session. CommandDone or SessionLost."""
        self._client.command(line)
        return await self._event()

    async def transact(
        self, envelope: Envelope, size_bytes: int | None, content: AsyncIterable[bytes]
    ) -> ClientEvent:
        """TransactionDone or SessionLost. `content` is begun only when the server wants it.

        What `content` raises is raised here; the connection can then only be aborted.
        """
        self._client.transact(envelope, size_bytes)
        event = await self._event()
        if isinstance(event, ContentWanted):
            self.offset = event.offset
            event = await self._give(content)
        if not isinstance(event, SessionLost):
            self.transactions += 1
        return event

    async def turn(self, line: str) -> ClientEvent:
        """TurnDone or SessionLost. After a positive reply `stream` is ours to serve, and the session of no more use."""
        self._client.turn(line)
        return await self._event()

    async def quit(self) -> None:
        """End the session, politely where that is still possible, and close the connection."""
        if not self._client.over:
            self._client.quit()
            await self._event()
        await self.stream.close()

    def abort(self) -> None:
        """Drop the connection."""
        self.stream.abort()

    async def _give(self, content: AsyncIterable[bytes]) -> ClientEvent:
        try:
            async for chunk in content:
                if not await self._make_room():
                    return await self._event()
                self._client.content(chunk)
            if self._client.is_behind and not await self._make_room():
                return await self._event()
        finally:
            if isinstance(content, AsyncGenerator):
                await content.aclose()
        self._client.end_content()  # a small content goes out with its end, in one segment
        return await self._event()

    async def _make_room(self) -> bool:
        """Send what is due, and hear of earlier chunks where many wait for a reply. False: the session is over."""
        is_sent = await self._flush()
        while is_sent and self._client.is_behind:
            await self._hear(self._client.timeout_s)
        return is_sent

    async def _event(self) -> ClientEvent:
        loop = asyncio.get_running_loop()
        heard, due_s = -1, 0.0
        while (event := self._client.next_event()) is NEED_DATA:
            if not await self._flush():
                continue
            if heard != self._client.replies_read:
                heard, due_s = self._client.replies_read, loop.time() + self._client.timeout_s
            await self._hear(max(due_s - loop.time(), 0.0))
        if event is PAUSED:
            raise LocalFault("no step was taken")
        return event

    async def _hear(self, wait_s: float) -> None:
        try:
            self._client.receive(await self.stream.read(wait_s))
        except TimedOut:
            self._client.timed_out()
        except ConnectionLost as lost:
            self._client.connection_lost(str(lost))

    async def _flush(self) -> bool:
        """Send what is due; False when that was not possible, and the session is over."""
        data = self._client.data_to_send()
        if not data:
            return True
        try:
            await self.stream.write(data, self._client.options.timeouts.block)
            return True
        except TimedOut:
            reason = "the server did not take what we sent in time"
        except ConnectionLost as lost:
            reason = str(lost)
        await self._hear_last_words()
        self._client.connection_lost(reason)
        return False

    async def _hear_last_words(self) -> None:
        """A server that refuses the content midway and closes has said why before: read that."""
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                while data := await self.stream.read():
                    self._client.receive(data)
        except (TimeoutError, ConnectionLost, TimedOut):
            return
