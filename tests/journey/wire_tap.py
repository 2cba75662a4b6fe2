"""A wire tap between two servers: it hears what the client says, and can leave keywords out of the answer to EHLO."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from postel.net import ConnectionLost, Endpoint, Stream, TimedOut
from postel.testing import MailNetwork, MemoryHost

_STATUS = re.compile(rb"^(\d{3}[ -])\d\.\d{1,3}\.\d{1,3} ", re.MULTILINE)
_TIMEOUT_S = 3600.0


@dataclass(slots=True)
class WireTap:
    """A host that passes all on to another one.

    withheld    keywords that the client is not to see. Without ENHANCEDSTATUSCODES there are no statuses either.
    said        what the client said, as it came in one piece; content too.
    answered    what the server said.
    """

    host: MemoryHost
    to: Endpoint
    withheld: Collection[str]
    said: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)

    @classmethod
    async def before(cls, net: MailNetwork, server: str, name: str, withheld: Collection[str]) -> WireTap:
        """A tap by this name, before a server of the network."""
        ip = next(ip for ip in net.servers[server].host.ips if ip.version == 4)
        tap = cls(net.host(name), Endpoint(str(ip), 25), withheld)
        await tap.host.listen(Endpoint("0.0.0.0", 25), tap._serve)
        return tap

    @property
    def lines(self) -> list[str]:
        """All lines of the client's."""
        return "".join(self.said).split("\r\n")

    async def _serve(self, client: Stream) -> None:
        server = await self.host.dial(self.to, timeout_s=10)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(client, server, is_client=True))
                group.create_task(self._pass_on(server, client, is_client=False))
        except* (ConnectionLost, TimedOut):
            pass  # one side is gone, and so the other goes too
        finally:
            server.abort()
            client.abort()

    async def _pass_on(self, source: Stream, to: Stream, *, is_client: bool) -> None:
        while data := await source.read(_TIMEOUT_S):
            if is_client:
                self.said.append(data.decode("latin-1"))
            else:
                data = self._censored(data)
                self.answered.append(data.decode("latin-1"))
            await to.write(data, _TIMEOUT_S)
        await to.close()

    def _censored(self, data: bytes) -> bytes:
        if "ENHANCEDSTATUSCODES" in self.withheld:
            data = _STATUS.sub(rb"\1", data)
        lines = data.split(b"\r\n")
        if not any(line.startswith(b"250 HELP") for line in lines):
            return data  # the answer to EHLO ends so, and comes in one piece
        return b"\r\n".join(line for line in lines if line[4:].split(b" ")[0].decode() not in self.withheld)
