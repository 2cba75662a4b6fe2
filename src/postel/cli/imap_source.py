"""A session with somebody else's IMAP server.

Implements  RFC 9051 6.2 (STARTTLS, LOGIN), RFC 8314 3.2 (TLS from the first octet).
Gives       ImapPlace, parse_place, ImapSource.
Not here    The protocol: proto.imap.ImapClient. What is done with what it tells: imap_import.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from postel.cli.skipped import NotTaken
from postel.cli.work import CannotDo
from postel.net import ConnectionLost, DialFailed, Endpoint, Stream, TcpNetwork, TimedOut
from postel.proto import NEED_DATA
from postel.proto.imap import Completed, Greeted, ImapClient, Lost, Told
from postel.tls import ClientTls, HandshakeFailed, start_client

PATIENCE_S: Final = 300.0
_PORTS: Final = {"imap": 143, "imaps": 993}


@dataclass(frozen=True, slots=True)
class ImapPlace:
    """imaps://user@host:port/mailbox. Without a mailbox: all of them."""

    scheme: str
    host: str
    port: int
    user: str
    mailbox: str

    @property
    def name(self) -> str:
        """The account there, as it is remembered."""
        return f"{self.user}@{self.host}:{self.port}"


def parse_place(text: str) -> ImapPlace:
    """Raises CannotDo."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as complaint:
        raise CannotDo(f"{text} is no URL: {complaint}") from None
    if parts.password is not None:
        raise CannotDo("a password does not belong in a URL, which everybody on this machine can read")
    if parts.scheme not in _PORTS or not parts.hostname or not parts.username:
        raise CannotDo(f"{text} is not of the form imaps://user@host/mailbox")
    mailbox = unquote(parts.path.removeprefix("/"))
    return ImapPlace(
        parts.scheme, parts.hostname, port or _PORTS[parts.scheme], unquote(parts.username), mailbox
    )


class ImapSource:
    """A session, logged in. Raises CannotDo for whatever goes wrong."""

    def __init__(self, place: ImapPlace, stream: Stream) -> None:
        self.client = ImapClient()
        self._place = place
        self._stream = stream

    @classmethod
    async def open(cls, place: ImapPlace, password: str, *, verify: bool) -> ImapSource:
        """Connect and log in, never in plaintext but to this very machine."""
        tls = ClientTls(verify=verify)
        stream: Stream = await _dial(place)
        if place.scheme == "imaps":
            stream = await _secured(stream, tls, place.host)
        source = cls(place, stream)
        await source._begin(tls)
        await source.done(source.client.login(place.user, password), "the login")
        return source

    async def close(self) -> None:
        """Say goodbye."""
        with suppress(CannotDo, ConnectionLost, TimedOut):
            await self.done(self.client.logout(), "LOGOUT")
        await self._stream.close()

    async def done(self, tag: bytes, what: str) -> list[Any]:
        """What came with a command, whose result must be OK; NotTaken where it is not."""
        return [event async for event in self.events(tag, what)]

    async def events(self, tag: bytes, what: str) -> AsyncIterator[Any]:
        """The same as it comes."""
        while True:
            event = await self._next()
            if isinstance(event, Completed) and event.tag == tag:
                _check(event.told, what)
                return
            yield event

    async def _begin(self, tls: ClientTls) -> None:
        greeted = await self._next()
        if not isinstance(greeted, Greeted) or not greeted.told.is_ok:
            raise CannotDo(f"{self._place.host} does not let us in: {getattr(greeted, 'told', greeted)}")
        await self.done(self.client.command(b"CAPABILITY"), "CAPABILITY")
        if self._place.scheme == "imap" and "STARTTLS" in self.client.capabilities:
            await self.done(self.client.starttls(), "STARTTLS")
            self._stream = await _secured(self._stream, tls, self._place.host)
            self.client.tls_started()
        elif self._place.scheme == "imap" and not _is_here(self._stream):
            raise CannotDo(f"{self._place.host} offers no TLS, and a password is not sent without")

    async def _next(self) -> Any:
        while (event := self.client.next_event()) is NEED_DATA:
            if self.client.over:
                raise CannotDo(f"{self._place.host} has ended the session")
            try:
                if data := self.client.data_to_send():
                    await self._stream.write(data, PATIENCE_S)
                self.client.receive(await self._stream.read(PATIENCE_S))
            except (ConnectionLost, TimedOut) as trouble:
                raise CannotDo(f"{self._place.host}: {trouble or 'the connection broke'}") from None
        if isinstance(event, Lost):
            raise CannotDo(f"{self._place.host} has ended the session: {event.why}")
        return event


# What to do about a reason with this word in it.
_REMEDIES: Final = (
    ("version number", "; a server that begins without TLS is named by imap://"),
    ("certificate", "; to trust it all the same, say --insecure"),
)


def _check(told: Told, what: str) -> None:
    if not told.is_ok:
        raise NotTaken(f"{what} failed: {told.text}")


def _is_here(stream: Stream) -> bool:
    return stream.peer.ip is not None and stream.peer.ip.is_loopback


async def _dial(place: ImapPlace) -> Stream:
    """The first of the host's addresses that answers."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except OSError as trouble:
        raise CannotDo(f"{place.host} has no address: {trouble}") from None
    why = "it has no address"
    for *_, address in dict.fromkeys(found):
        try:
            return await TcpNetwork().dial(
                Endpoint(str(ip_address(address[0])), place.port), timeout_s=PATIENCE_S
            )
        except DialFailed as failed:
            why = str(failed)
    raise CannotDo(f"{place.host} cannot be reached: {why}")


async def _secured(stream: Stream, tls: ClientTls, host: str) -> Stream:
    try:
        return await start_client(stream, tls, server_name=host, timeout_s=PATIENCE_S)
    except HandshakeFailed as failed:
        remedy = next((remedy for word, remedy in _REMEDIES if word in failed.reason), "")
        raise CannotDo(f"no TLS with {host}: {failed.reason}{remedy}") from None
