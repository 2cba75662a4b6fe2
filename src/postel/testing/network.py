"""One internet inside one process: hosts with addresses, cables to pull, links to slow down.

Gives       MemoryNetwork, MemoryHost.
Not here    The streams themselves (testing.memory_stream), names (testing.zone).

    internet = MemoryNetwork()
    mx = internet.host("mx.example.org", "192.0.2.1", "2001:db8::1")
    await mx.listen(Endpoint("0.0.0.0", 25), serve)
    internet.unplug("mx.example.org")
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from postel.mail import IPAddress
from postel.net import DialFailed, Endpoint, Handler
from postel.testing.memory_stream import Link, MemoryStream, connect
from postel.testing.script import Script

_LOOPBACK: Final = frozenset((ip_address("127.0.0.1"), ip_address("::1")))
_FIRST_FREE_PORT: Final = 49152  # RFC 6335 6: the dynamic ports
_STREAMS_BEFORE_SWEEP: Final = 64


class MemoryNetwork:
    """An internet. Hosts are made by naming them; the same name gives the same host.

    latency_s   how long an octet travels from any host to any other; may be changed at any time.
    """

    def __init__(self, *, latency_s: float = 0.0) -> None:
        self.latency_s = latency_s
        self._hosts: dict[str, MemoryHost] = {}

    def host(self, name: str, *ips: str) -> MemoryHost:
        """The host of that name, made with these addresses; without any, it is given one of each family."""
        if name not in self._hosts:
            number = len(self._hosts) + 1
            own = ips or (f"10.0.{number >> 8}.{number & 255}", f"fd00::{number:x}")
            self._hosts[name] = MemoryHost(self, name, frozenset(map(ip_address, own)))
        return self._hosts[name]

    def unplug(self, name: str) -> None:
        """Pull the host's cable: its connections break, and dialling it (or from it) times out."""
        self._hosts[name].unplug()

    def plug_in(self, name: str) -> None:
        """Put the cable back. A dial that has not timed out yet succeeds."""
        self._hosts[name].plugged.set()

    def slow(self, name: str, octets_per_s: float | None) -> None:
        """Limit the speed of the host's link, each way and per connection; None lifts the limit."""
        self._hosts[name].octets_per_s = octets_per_s

    def cut(
        self, name: str, *, received: int | None = None, sent: int | None = None, unsaid: bytes | None = None
    ) -> None:
        """Break the host's connections now; or, given a number of octets, the next one made to it then.

        received, sent   the next connection that the host accepts breaks after it has received (sent)
                         so many octets; those still arrive, the next one does not.
        unsaid           it breaks before it has sent these octets: `b"queued"` never lets the reply to a content
                         through (RFC 1047).
        """
        if unsaid is not None:
            self._hosts[name].cuts.append(unsaid)
        elif received is None and sent is None:
            self._hosts[name].cut_all()
        else:
            self._hosts[name].cuts.append((received, sent))

    def owner(self, ip: IPAddress) -> MemoryHost | None:
        """The host that has this address."""
        return next((host for host in self._hosts.values() if ip in host.ips), None)


class MemoryHost:
    """A `net.Network`: the internet as one host sees it."""

    def __init__(self, internet: MemoryNetwork, name: str, ips: frozenset[IPAddress]) -> None:
        self._internet = internet
        self._listeners: dict[Endpoint, MemoryListener] = {}
        self._streams: list[MemoryStream] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_port = _FIRST_FREE_PORT
        self.name = name
        self.ips = ips
        self.octets_per_s: float | None = None
        self.cuts: list[tuple[int | None, int | None] | bytes] = []
        self.plugged = asyncio.Event()
        self.plugged.set()

    def own_addresses(self) -> frozenset[IPAddress]:
        """Its addresses, and loopback."""
        return self.ips | _LOOPBACK

    async def dial(self, to: Endpoint, *, timeout_s: float, source: IPAddress | None = None) -> MemoryStream:
        """Connect; see `net.Network`. Raises DialFailed."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._dial(to, source)
        except TimeoutError:
            raise DialFailed("timed out") from None

    async def _dial(self, to: Endpoint, source: IPAddress | None) -> MemoryStream:
        there = self._host_at(to)
        local = self._local_for(to, source)
        latency_s = 0.0 if there is self else self._internet.latency_s
        if there is not self:
            await self.plugged.wait()
            await there.plugged.wait()
        await asyncio.sleep(2 * latency_s)
        listener = there.listener_at(to)
        if listener is None:
            raise DialFailed("connection refused")
        return self._join(there, local, to, listener)

    def _host_at(self, to: Endpoint) -> MemoryHost:
        ip = to.ip
        if ip is None or ip.is_loopback:
            return self
        host = self._internet.owner(ip)
        if host is None:
            raise DialFailed("no route to host")
        return host

    def _local_for(self, to: Endpoint, source: IPAddress | None) -> Endpoint:
        """The endpoint that the listener sees."""
        ip = to.ip
        if ip is None:
            return Endpoint("")
        if source is not None:
            if source not in self.own_addresses() or source.version != ip.version:
                raise DialFailed("cannot assign requested address")
            return Endpoint(str(source), self._free_port())
        if ip.is_loopback or ip in self.ips:
            return Endpoint(str(ip), self._free_port())
        own = sorted(str(mine) for mine in self.ips if mine.version == ip.version)
        if not own:
            raise DialFailed("network is unreachable")
        return Endpoint(own[0], self._free_port())

    def _join(
        self, there: MemoryHost, local: Endpoint, to: Endpoint, listener: MemoryListener
    ) -> MemoryStream:
        cut = there.cuts.pop(0) if there.cuts else (None, None)
        unsaid = cut if isinstance(cut, bytes) else None
        received, sent = (None, None) if isinstance(cut, bytes) else cut
        ours, theirs = connect(
            local, to, self._link(there), received_limit=received, sent_limit=sent, unsaid=unsaid
        )
        self.remember(ours)
        there.remember(theirs)
        listener.accept(theirs)
        return ours

    def _link(self, there: MemoryHost) -> Link:
        if there is self:
            return Link(lambda: 0.0, lambda: None)
        return Link(
            lambda: self._internet.latency_s,
            lambda: min((r for r in (self.octets_per_s, there.octets_per_s) if r), default=None),
        )

    def remember(self, stream: MemoryStream) -> None:
        """Keep a connection of this host, to cut it some day."""
        if len(self._streams) >= _STREAMS_BEFORE_SWEEP:
            self._streams = [old for old in self._streams if not old.is_over]
        self._streams.append(stream)

    def _free_port(self) -> int:
        self._next_port += 1
        if self._next_port > 65535:
            self._next_port = _FIRST_FREE_PORT
        return self._next_port

    async def listen(
        self, at: Endpoint, handler: Handler, *, socket: socket.socket | None = None
    ) -> MemoryListener:
        """Accept connections; see `net.Network`. Raises OSError as a kernel does."""
        if socket is not None:
            raise ValueError("an open socket belongs to the real network")
        return self._listen(at, handler)

    def script(self, port: int, *parts: Iterable[str]) -> Script:
        """Listen at `port` of every address with a scripted server (testing.script)."""
        script = Script(parts)
        for host in ("0.0.0.0", "::"):
            self._listen(Endpoint(host, port), script.serve)
        return script

    def _listen(self, at: Endpoint, handler: Handler) -> MemoryListener:
        ip = at.ip
        if ip is not None and not ip.is_unspecified and not ip.is_loopback and ip not in self.ips:
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
        if ip is not None and at.port == 0:
            at = Endpoint(at.host, self._free_port())
        if at in self._listeners:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        self._listeners[at] = MemoryListener(self._listeners, at, handler, self._tasks)
        return self._listeners[at]

    def listener_at(self, to: Endpoint) -> MemoryListener | None:
        """Who listens there: at that very address, or at all of its family."""
        ip = to.ip
        wild = "" if ip is None else "0.0.0.0" if ip.version == 4 else "::"
        return self._listeners.get(to) or self._listeners.get(Endpoint(wild, to.port))

    def unplug(self) -> None:
        """See MemoryNetwork.unplug."""
        self.plugged.clear()
        self.cut_all()

    def cut_all(self) -> None:
        """See MemoryNetwork.cut."""
        for stream in self._streams:
            if stream.local.ip != stream.peer.ip or stream.local.ip not in self.own_addresses():
                stream.break_off("connection reset by peer", keep=False)
        self._streams.clear()


class MemoryListener:
    """A listening socket of a MemoryHost."""

    def __init__(
        self,
        listeners: dict[Endpoint, MemoryListener],
        endpoint: Endpoint,
        handler: Handler,
        tasks: set[asyncio.Task[None]],
    ) -> None:
        self._listeners = listeners
        self._handler = handler
        self._tasks = tasks
        self.endpoint = endpoint

    def accept(self, stream: MemoryStream) -> None:
        """Handle a new connection in a task of its own."""
        task = asyncio.get_running_loop().create_task(
            self._serve(stream), name=f"session {stream.peer} at {self.endpoint}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, stream: MemoryStream) -> None:
        try:
            await self._handler(stream)
        except BaseException:
            stream.abort()
            raise
        await stream.close()

    async def close(self) -> None:
        """Stop accepting."""
        self.close_now()

    def close_now(self) -> None:
        """Stop accepting, in this instant."""
        if self._listeners.get(self.endpoint) is self:
            del self._listeners[self.endpoint]
