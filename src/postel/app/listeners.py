"""The ports: which service stands behind each, opened, exchanged at a reload, closed.

Gives       Listeners, Bound.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from postel.app import options
from postel.config import Listen, Loaded
from postel.net import Endpoint, Listener, Network, parse_endpoint
from postel.observe import logger
from postel.servers import Pop3Parts, Pop3Service, SmtpParts, SmtpService
from postel.tls import ServerTls

log = logger("app")

SocketsByEndpoint: TypeAlias = Mapping[Endpoint, socket.socket]
_Service: TypeAlias = SmtpService | Pop3Service


@dataclass(slots=True)
class Bound:
    """One listener at work. `wanted` is where the configuration put it, `listener.endpoint` where it is."""

    listen: Listen
    wanted: Endpoint
    listener: Listener
    service: _Service


class Listeners:
    """All listeners of a Postel."""

    def __init__(
        self,
        network: Network,
        tls: ServerTls | None,
        smtp_parts: Callable[[], SmtpParts],
        pop3_parts: Callable[[], Pop3Parts],
    ) -> None:
        self._network = network
        self._tls = tls
        self._smtp_parts = smtp_parts
        self._pop3_parts = pop3_parts
        self.bound: list[Bound] = []
        self._parting: set[asyncio.Task[None]] = set()

    async def open(self, loaded: Loaded, sockets: SocketsByEndpoint) -> None:
        """Listen as configured. Raises OSError, the endpoint in its `filename`; then none is open."""
        try:
            for listen in loaded.config.listen:
                await self._open_one(loaded, listen, sockets)
        except OSError:
            await self.close()
            raise

    async def close(self) -> None:
        """Accept nothing more. Sessions go on."""
        for bound in self.bound:
            await bound.listener.close()

    async def stop_sessions(self, drain_s: float) -> None:
        """Let all sessions end, within so many seconds."""
        stops = [bound.service.stop(drain_s) for bound in self.bound]
        await asyncio.gather(*stops, *self._parting)

    async def reload(self, loaded: Loaded, tls: ServerTls | None) -> None:
        """Keep listeners that are still wanted, close those that are not, open new ones.

        A new port below 1024 cannot be opened once root was given up: that is logged, and needs a restart.
        """
        self._tls = tls
        wanted = {(listen.protocol, listen.address): listen for listen in loaded.config.listen}
        kept: list[Bound] = []
        for bound in self.bound:
            listen = wanted.pop((bound.listen.protocol, bound.listen.address), None)
            if listen is None:
                await bound.listener.close()
                self._part(bound)
            else:
                self._exchange(bound, loaded, listen)
                kept.append(bound)
        self.bound = kept
        for listen in wanted.values():
            try:
                await self._open_one(loaded, listen, {})
            except OSError as error:
                log.trouble("listen_failed", listener=listen.address, because=error.strerror)

    def _part(self, bound: Bound) -> None:
        """Sessions of a listener that is gone end between two commands."""
        task = asyncio.get_running_loop().create_task(bound.service.stop(60.0))
        self._parting.add(task)
        task.add_done_callback(self._parting.discard)

    async def _open_one(self, loaded: Loaded, listen: Listen, sockets: SocketsByEndpoint) -> None:
        assert listen.address is not None, "config.check refuses a listener without an address"
        endpoint = parse_endpoint(listen.address)
        service = self._service(loaded, listen)
        try:
            listener = await self._network.listen(endpoint, service.handle, socket=sockets.get(endpoint))
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(endpoint)) from None
        self.bound.append(Bound(listen, endpoint, listener, service))
        log.event("listening", listener=listener.endpoint, protocol=listen.protocol)

    def _service(self, loaded: Loaded, listen: Listen) -> _Service:
        if listen.protocol in ("pop3", "pop3s"):
            return Pop3Service(options.pop3_options(loaded, listen), self._pop3_parts(), self._tls)
        return SmtpService(options.service_options(loaded, listen), self._smtp_parts(), self._tls)

    def _exchange(self, bound: Bound, loaded: Loaded, listen: Listen) -> None:
        if isinstance(bound.service, Pop3Service):
            bound.service.reload(options.pop3_options(loaded, listen), self._pop3_parts(), self._tls)
        else:
            bound.service.reload(options.service_options(loaded, listen), self._smtp_parts(), self._tls)
