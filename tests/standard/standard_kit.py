"""A stranger at a whole server's door: lines in, reply codes out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from postel.net import Endpoint, Stream
from postel.testing import MailNetwork, MailServer

ZONE = "example.org. MX 10 mx.example.org.\nexample.net. MX 10 mx.example.net.\n"
TWO_DOMAINS = '[[domain]]\nname = "example.org"\n[[domain]]\nname = "example.com"\n'


class Stranger:
    """A session with a server; the greeting has been read."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = b""
        self.lines: list[bytes] = []  # of the last reply, with their ends

    async def reply(self) -> int:
        """The code of the next reply; 0 when the server has closed."""
        self.lines = []
        while not self.lines or self.lines[-1][3:4] == b"-":
            line = await self._line()
            if not line:
                return 0
            self.lines.append(line)
        return int(self.lines[0][:3])

    async def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            data = await self._stream.read(3600)
            if not data:
                return b""
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line + b"\r\n"

    async def say(self, line: str | bytes) -> int:
        """Say a line; the code of the reply."""
        await self.write((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return await self.reply()

    async def write(self, data: bytes) -> None:
        """Send octets."""
        await self._stream.write(data)

    async def say_all(self, *lines: str) -> list[int]:
        """Say lines one by one; the code of each reply."""
        return [await self.say(line) for line in lines]

    async def send(self, recipients: Sequence[str], content: bytes = b"Subject: x\r\n\r\nhello") -> list[int]:
        """A whole transaction; the code of each reply."""
        codes = await self.say_all(
            "MAIL FROM:<ann@example.net>", *(f"RCPT TO:<{recipient}>" for recipient in recipients), "DATA"
        )
        return [*codes, await self.say(content + b"\r\n.")]

    async def close(self) -> None:
        """Hang up."""
        await self._stream.close()


async def stranger(net: MailNetwork, name: str = "mx.example.org", *, hello: str | None = "EHLO") -> Stranger:
    """A session with a server of the network, as far as the answer to EHLO or HELO."""
    ip = next(ip for ip in net.servers[name].host.ips if ip.version == 4)
    session = Stranger(await net.host("client.example.net").dial(Endpoint(str(ip), 25), timeout_s=10))
    assert await session.reply() == 220
    if hello:
        assert await session.say(f"{hello} client.example.net") == 250
    return session


@asynccontextmanager
async def served() -> AsyncIterator[tuple[MailNetwork, MailServer, Stranger]]:
    """A server for example.org with an account bob, and a stranger who has said EHLO."""
    async with MailNetwork(ZONE) as net:
        server = await net.start(
            "mx.example.org", TWO_DOMAINS, top='postmaster = "bob@example.org"', accounts=["bob@example.org"]
        )
        session = await stranger(net)
        yield net, server, session
        await session.close()
