"""The ports: which service stands behind each, opened, exchanged at a reload, closed.

Gives       Listeners, Bound.
Not here    Sockets that are open before the server is: app.ports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from postel.app import options
from postel.app.part import WHOLE, Part
from postel.app.ports import Sockets, cannot_listen
from postel.config import BadConfig, Listen, Loaded
from postel.net import Endpoint, Listener, Network, Stream, parse_endpoint
from postel.observe import logger
from postel.servers import ImapParts, ImapService, Pop3Parts, Pop3Service, ProxyDoor, SmtpParts, SmtpService
from postel.tls import ServerTls

log = logger("app")

_ASKING = ("submission", "submissions", "imap", "imaps")  # where people log in, perhaps by certificates
_Service: TypeAlias = SmtpService | Pop3Service | ImapService


@dataclass(slots=True)
class Bound:
    """One listener at work. `wanted` is where the configuration put it, `listener.endpoint` where it is.

    The service may be exchanged for that of another protocol; sessions stay with the one that they began with.
    """

    listen: Listen
    wanted: Endpoint
    service: _Service
    door: ProxyDoor
    listener: Listener = field(init=False)

    async def handle(self, stream: Stream) -> None:
        """Serve one connection."""
        entered = await self.door.enter(stream)
        if entered is not None:
            await self.service.handle(entered)

    @property
    def key(self) -> tuple[str, str | None]:
        """What makes it the same listener at a reload."""
        return self.listen.protocol, self.listen.address


class Listeners:
    """All listeners of a Postel.

    part        which of several workers this is; then their supervisor tells which ports are open.
    """

    def __init__(
        self,
        network: Network,
        tls: ServerTls | None,
        smtp_parts: Callable[[], SmtpParts],
        pop3_parts: Callable[[], Pop3Parts],
        imap_parts: Callable[[], ImapParts],
        *,
        part: Part = WHOLE,
    ) -> None:
        self._network = network
        self._tls = tls
        self._smtp_parts = smtp_parts
        self._pop3_parts = pop3_parts
        self._imap_parts = imap_parts
        self._part = part
        self.bound: list[Bound] = []
        self._former: list[_Service] = []  # without a listener, but maybe with sessions that go on

    async def open(self, loaded: Loaded, sockets: Sockets) -> None:
        """Listen as configured. Raises BadConfig, with the line of what cannot be opened; then none is open."""
        try:
            for listen in self._mine(loaded):
                await self._open_one(loaded, listen, sockets)
        except BaseException:
            await self.close()
            raise

    def _mine(self, loaded: Loaded) -> list[Listen]:
        return [listen for listen in loaded.config.listen if self._part.serves(listen.protocol)]

    async def close(self) -> None:
        """Accept nothing more. Sessions go on."""
        for bound in self.bound:
            await bound.listener.close()
            bound.door.close()

    async def stop_sessions(self, drain_s: float) -> None:
        """Let all sessions end, within so many seconds."""
        services = [*(bound.service for bound in self.bound), *self._former]
        await asyncio.gather(*(service.stop(drain_s) for service in services))

    async def reload(self, loaded: Loaded, tls: ServerTls | None, sockets: Sockets) -> None:
        """Keep listeners that are still wanted, close those that are not, open new ones. No session ends by it.

        A port that changes its protocol stays open. A new port below 1024 cannot be opened once root was
        given up: that is logged, and needs a restart.
        """
        self._tls = tls
        self._former = [service for service in self._former if service.sessions]
        kept = self._exchange_kept(loaded)
        new = [listen for listen in self._mine(loaded) if (listen.protocol, listen.address) not in kept]
        for bound in [bound for bound in self.bound if bound.key not in kept]:
            self._former.append(bound.service)
            if not self._change_protocol(bound, loaded, new):
                await self._close_one(bound)
        for listen in new:
            try:
                await self._open_one(loaded, listen, sockets)
            except BadConfig as bad:
                mistake = bad.mistakes[0]
                log.trouble("listen_failed", file=mistake.file, line=mistake.line, because=mistake.text)

    def _change_protocol(self, bound: Bound, loaded: Loaded, new: list[Listen]) -> bool:
        """Whether one of the new listeners takes over this one's port; it is new no more then."""
        successor = next((listen for listen in new if listen.address == bound.listen.address), None)
        if successor is None:
            return False
        new.remove(successor)
        bound.listen, bound.service = successor, self._service(loaded, successor)
        bound.door.proxies = options.trusted(successor.proxy)
        self._tell(bound)
        return True

    async def _close_one(self, bound: Bound) -> None:
        await bound.listener.close()
        bound.door.close()
        self.bound.remove(bound)
        if self._part.is_whole:
            log.event("listener_closed", listener=bound.listener.endpoint, protocol=bound.listen.protocol)

    def _exchange_kept(self, loaded: Loaded) -> set[tuple[str, str | None]]:
        """Give the listeners that stay their new settings; which they are."""
        wanted: dict[tuple[str, str | None], Listen] = {
            (listen.protocol, listen.address): listen for listen in self._mine(loaded)
        }
        kept = [bound for bound in self.bound if bound.key in wanted]
        for bound in kept:
            bound.listen = wanted[bound.key]
            bound.door.proxies = options.trusted(bound.listen.proxy)
            self._exchange(bound.service, loaded, bound.listen)
        return {bound.key for bound in kept}

    async def _open_one(self, loaded: Loaded, listen: Listen, sockets: Sockets) -> None:
        assert listen.address is not None, "config.check refuses a listener without an address"
        endpoint = parse_endpoint(listen.address)
        bound = Bound(
            listen, endpoint, self._service(loaded, listen), ProxyDoor(options.trusted(listen.proxy))
        )
        opened = sockets.take(endpoint)
        try:
            bound.listener = await self._network.listen(endpoint, bound.handle, socket=opened)
        except OSError as error:
            if opened is not None:
                opened.close()
            raise BadConfig([cannot_listen(loaded, listen, error)]) from None
        self.bound.append(bound)
        self._tell(bound)

    def _tell(self, bound: Bound) -> None:
        if self._part.is_whole:
            log.event("listening", listener=bound.listener.endpoint, protocol=bound.listen.protocol)

    def _service(self, loaded: Loaded, listen: Listen) -> _Service:
        if listen.protocol in ("pop3", "pop3s"):
            return Pop3Service(options.pop3_options(loaded, listen), self._pop3_parts(), self._tls)
        if listen.protocol in ("imap", "imaps"):
            imap_options = options.imap_options(loaded, listen)
            return ImapService(imap_options, self._imap_parts(), self._asking(listen))
        return SmtpService(options.service_options(loaded, listen), self._smtp_parts(), self._asking(listen))

    def _asking(self, listen: Listen) -> ServerTls | None:
        """Where people log in by certificates they are asked for one; a server on port 25 is not to be bothered."""
        if self._tls is None or listen.protocol not in _ASKING:
            return self._tls
        return self._tls.asking or self._tls

    def _exchange(self, service: _Service, loaded: Loaded, listen: Listen) -> None:
        if isinstance(service, Pop3Service):
            service.reload(options.pop3_options(loaded, listen), self._pop3_parts(), self._tls)
        elif isinstance(service, ImapService):
            service.reload(options.imap_options(loaded, listen), self._imap_parts(), self._asking(listen))
        else:
            service.reload(options.service_options(loaded, listen), self._smtp_parts(), self._asking(listen))
