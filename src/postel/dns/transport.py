"""Carrying a DNS question to a server and a reply back.

Implements  RFC 1035 4.2 (UDP and TCP), RFC 7766 (TCP), RFC 5452 (forged replies).
Gives       Datagrams, UdpDatagrams, ask_over_tcp, Accept, Forged.
Not here    Which server, how often (dns.system); what a reply says (dns.wire).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from postel.dns.wire import BadReply, Reply
from postel.net import ConnectionLost, DialFailed, Endpoint, Network, TimedOut

Accept: TypeAlias = Callable[[bytes], Reply]
"""Reads a reply; raises BadReply if it does not belong to the question."""

_FORGERY_LIMIT: Final = 32  # wrong replies to one question before UDP is no longer believed


class Forged(Exception):
    """So many wrong replies came that somebody seems to be guessing: ask over TCP."""


class Datagrams(Protocol):
    """One question by UDP."""

    async def ask(self, server: Endpoint, query: bytes, accept: Accept, timeout_s: float) -> Reply:
        """The first reply that `accept` takes. Raises TimedOut, DialFailed, Forged."""


class UdpDatagrams:
    """UDP sockets, one for each question, so that each has a port of its own that nobody can guess."""

    async def ask(self, server: Endpoint, query: bytes, accept: Accept, timeout_s: float) -> Reply:
        """See Datagrams."""
        loop = asyncio.get_running_loop()
        try:
            # Connected, so that the kernel drops what comes from elsewhere and tells of a closed port.
            transport, waiting = await loop.create_datagram_endpoint(
                lambda: _Waiting(loop.create_future(), accept), remote_addr=(server.host, server.port)
            )
        except OSError as fault:
            raise DialFailed(str(fault.strerror or fault).lower()) from None
        try:
            transport.sendto(query)
            async with asyncio.timeout(timeout_s):
                return await waiting.reply
        except TimeoutError:
            raise TimedOut("no reply in time") from None
        finally:
            transport.close()


class _Waiting(asyncio.DatagramProtocol):
    def __init__(self, reply: asyncio.Future[Reply], accept: Accept) -> None:
        self.reply = reply
        self._accept = accept
        self._wrong = 0

    def datagram_received(self, data: bytes, addr: object) -> None:
        """A reply, or something that looks like one."""
        if self.reply.done():
            return
        try:
            self.reply.set_result(self._accept(data))
        except BadReply:
            self._wrong += 1
            if self._wrong >= _FORGERY_LIMIT:
                self.reply.set_exception(Forged())

    def error_received(self, exc: Exception) -> None:
        """ICMP says that nobody is there."""
        if not self.reply.done():
            self.reply.set_exception(DialFailed(str(getattr(exc, "strerror", None) or exc).lower()))


async def ask_over_tcp(
    network: Network, server: Endpoint, query: bytes, accept: Accept, timeout_s: float
) -> Reply:
    """One question by TCP. Raises TimedOut, DialFailed, ConnectionLost, BadReply."""
    try:
        async with asyncio.timeout(timeout_s):
            return accept(await _exchange(network, server, query, timeout_s))
    except TimeoutError:
        raise TimedOut("no reply in time") from None


async def _exchange(network: Network, server: Endpoint, query: bytes, timeout_s: float) -> bytes:
    stream = await network.dial(server, timeout_s=timeout_s)
    try:
        # RFC 7766 8: the length and the message in one write, so that they travel in one segment.
        await stream.write(len(query).to_bytes(2, "big") + query)
        received = bytearray()
        while len(received) < 2 or len(received) < 2 + int.from_bytes(received[:2], "big"):
            data = await stream.read()
            if not data:
                raise ConnectionLost("the server closed the connection")
            received += data
        return bytes(received[2 : 2 + int.from_bytes(received[:2], "big")])
    finally:
        stream.abort()  # the reply is here, and nothing of ours is on its way
