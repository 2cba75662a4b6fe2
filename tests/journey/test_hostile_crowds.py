"""Clients by the thousand that trickle, flood or vanish: an honest one is served as if they were not there."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Final

import pytest

from postel.net import ConnectionLost, DialFailed, Endpoint, Stream, TimedOut
from postel.testing import MailNetwork, MailServer, a_message

HOSTS: Final = 350
CONNECTIONS: Final = 3  # of each host
FLOOD: Final = b"NOOP\r\n" * 1000
CONTENTS: Final = "SELECT (SELECT COUNT(*) FROM content) + (SELECT COUNT(*) FROM content_alone)"
NOISE: Final = b"\x00\xff" * 20_000


class Crowd:
    """Hosts without manners. They call again as soon as they are thrown out, up to a number of times."""

    def __init__(self, net: MailNetwork, server: MailServer) -> None:
        self._net = net
        self._to = Endpoint(next(str(ip) for ip in server.host.ips if ip.version == 4), 25)
        self._tasks: list[asyncio.Task[None]] = []
        self.greeted = 0

    def set_out(self) -> None:
        loop = asyncio.get_running_loop()
        for number in range(HOSTS):
            for turn in range(CONNECTIONS):
                rng = random.Random(f"{number} {turn}")
                self._tasks.append(loop.create_task(self._one(f"bot{number}.example", rng)))

    async def disperse(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def _one(self, name: str, rng: random.Random) -> None:
        host = self._net.internet.host(name)
        for _ in range(3):
            with contextlib.suppress(ConnectionLost, DialFailed, TimedOut):
                stream = await host.dial(self._to, timeout_s=30)
                self.greeted += (await stream.read(60)).startswith(b"220")
                await rng.choice((self._trickle, self._flood, self._vanish, self._talk_and_vanish))(
                    stream, rng
                )
            await asyncio.sleep(rng.random())

    async def _trickle(self, stream: Stream, rng: random.Random) -> None:
        """An octet now and then, for ever."""
        for octet in b"EHLO trickle.example" * 20:
            await stream.write(bytes([octet]))
            await asyncio.sleep(20)

    async def _flood(self, stream: Stream, rng: random.Random) -> None:
        """Commands or noise, and no answer is ever read."""
        for _ in range(5):
            await stream.write(rng.choice((FLOOD, NOISE)), timeout_s=60)

    async def _vanish(self, stream: Stream, rng: random.Random) -> None:
        """Silence, and the connection stays."""
        await asyncio.sleep(4000)

    async def _talk_and_vanish(self, stream: Stream, rng: random.Random) -> None:
        """Half a letter, and the end."""
        await stream.write(
            b"EHLO x.example\r\nMAIL FROM:<x@x.example>\r\nRCPT TO:<bob@a.example>\r\nDATA\r\n"
        )
        await asyncio.sleep(rng.random())
        await stream.write(b"Subject: half\r\n\r\nhalf a li")
        stream.abort()


@pytest.mark.slow
async def test_an_honest_client_does_not_notice_the_crowd() -> None:
    async with MailNetwork("a.example. MX 10 mx.a.example.") as net:
        a = await net.start("mx.a.example", accounts=["bob@a.example"])
        crowd = Crowd(net, a)
        crowd.set_out()
        for number in range(10):
            await asyncio.sleep(0.5)
            before_s = asyncio.get_running_loop().time()
            letter = a_message(to="bob@a.example", sender="bob@a.example", subject=f"honest {number}")
            (reply,) = await a.submit(letter)
            assert reply.code == 250
            assert asyncio.get_running_loop().time() - before_s < 1  # fake seconds: no wait for anybody
        assert crowd.greeted > HOSTS / 2
        await asyncio.sleep(1)
        assert len(await a.mailbox("bob")) == 10
        await asyncio.sleep(5000)
        assert all(bound.service.sessions == 0 for bound in a.postel.listeners.bound)
        await crowd.disperse()
        assert await a.postel.rooms.database.read(lambda tx: tx.fetch_one(CONTENTS)) == (10,)
