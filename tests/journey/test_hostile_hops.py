"""Next hops that hang, drip, flood or close: others get their mail at once, and senders are told in the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from postel.net import ConnectionLost, Endpoint, Stream, TimedOut
from postel.testing import MailNetwork, MailServer, a_message

ZONE: Final = """
a.example.     MX 10 mx.a.example.
good.example.  MX 10 mx.good.example.
dead.example.  MX 10 mx.dead.example.
"""
RULES: Final = '[[domain]]\nname = "a.example"\n[queue]\nretry = ["10m"]\nwarn = "1h"\nexpire = "3h"\n'
FINE: Final = {
    b"EHLO": b"250-mx.bad.example\r\n250 PIPELINING\r\n",
    b"MAIL": b"250 fine\r\n",
    b"RCPT": b"250 fine\r\n",
    b"DATA": b"354 go on\r\n",
}
PHASES: Final = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "content")
LETTERS: Final = 6  # for each bad host, before one for the good one
FLOOD: Final = 64 * 1024
_Harm = Callable[["Bad", Stream], Awaitable[None]]


class Bad:
    """A server that is fine up to a phase, and then does harm.

    said    octets that it got rid of, on its best connection.
    """

    def __init__(self, phase: str, harm: _Harm) -> None:
        self._phase = phase
        self._harm = harm
        self.calls = 0
        self.said = 0

    async def serve(self, stream: Stream) -> None:
        self.calls += 1
        with contextlib.suppress(ConnectionLost, TimedOut):
            await self._serve(stream)

    async def _serve(self, stream: Stream) -> None:
        if self._phase == "greeting":
            await self._harm(self, stream)
            return
        await stream.write(b"220 mx.bad.example\r\n")
        while data := await stream.read():
            for line in data.split(b"\r\n"):
                if line[:4].decode("latin-1") == self._phase or (self._phase == "content" and line == b"."):
                    await self._harm(self, stream)
                    return
                await stream.write(FINE.get(line[:4], b""))

    async def write(self, stream: Stream, data: bytes, so_far: int) -> int:
        await stream.write(data)
        self.said = max(self.said, so_far + len(data))
        return so_far + len(data)


async def hang(bad: Bad, stream: Stream) -> None:
    while await stream.read():
        pass


async def close(bad: Bad, stream: Stream) -> None:
    await stream.close()


async def reset(bad: Bad, stream: Stream) -> None:
    stream.abort()


async def drip(bad: Bad, stream: Stream) -> None:
    """An octet a minute."""
    for octet in b"250-" + b"x" * 10_000:
        await stream.write(bytes([octet]))
        await asyncio.sleep(60)


async def flood_a_line(bad: Bad, stream: Stream) -> None:
    said = 0
    while True:
        said = await bad.write(stream, b"2" * FLOOD, said)


async def flood_lines(bad: Bad, stream: Stream) -> None:
    code, said = (b"220-" if bad._phase == "greeting" else b"250-"), 0
    while True:
        said = await bad.write(stream, (code + b"more and more\r\n") * 3000, said)


HARMS: Final = (hang, close, reset, drip, flood_a_line, flood_lines)


async def start(net: MailNetwork) -> tuple[MailServer, MailServer]:
    a = await net.start("mx.a.example", RULES, accounts=["ann@a.example"])
    return a, await net.start("mx.good.example", accounts=["bob@good.example"])


async def listen(net: MailNetwork, name: str, bad: Bad) -> Bad:
    for address in ("0.0.0.0", "::"):
        await net.host(name).listen(Endpoint(address, 25), bad.serve)
    return bad


@pytest.mark.slow
@pytest.mark.parametrize("harm", HARMS, ids=lambda harm: harm.__name__)
async def test_bad_hops_hold_up_nobody_else_and_their_senders_are_told(harm: _Harm) -> None:
    """One for each phase of a session, all at once."""
    async with MailNetwork(ZONE) as net:
        a, good = await start(net)
        bad = [await listen(net, f"{phase}.example", Bad(phase, harm)) for phase in PHASES]
        for number in range(LETTERS):
            letter = a_message(to="bob@good.example", sender="ann@a.example", subject=f"bad {number}")
            await a.submit(letter, to=[f"x@{phase}.example" for phase in PHASES])
        await net.pass_time(seconds=30)
        await a.submit(a_message(to="bob@good.example", sender="ann@a.example", subject="good"))
        await net.pass_time(seconds=1)
        assert [letter.subject for letter in await good.mailbox("bob")] == ["good"]
        await net.settle()
        reports = [letter.content for letter in await a.mailbox("ann")]
        for number in range(LETTERS):
            about = [one for one in reports if f"Subject: bad {number}\r\n".encode() in one]
            for phase in PHASES:
                told = f"Final-Recipient: rfc822;x@{phase}.example\r\nAction: failed".encode()
                assert any(told in one for one in about), (number, phase)
        for one in bad:
            assert one.said < 4 * FLOOD + 200_000  # what the pipe holds, and what one reply may be
            assert one.calls < 300


@pytest.mark.slow
async def test_a_hundred_dead_destinations_do_not_keep_a_living_one_waiting() -> None:
    """Each takes the connection and hangs: an agent for each is busy for minutes."""
    async with MailNetwork(ZONE) as net:
        a, good = await start(net)
        await listen(net, "mx.dead.example", Bad("greeting", hang))
        for number in range(100):
            net.zone(f"dead{number}.example. MX 10 mx.dead.example.\n")
        to = [f"x@dead{number}.example" for number in range(100)]
        await a.submit(a_message(to="all@a.example", sender="ann@a.example"), to=to)
        await net.pass_time(seconds=5)
        for number in range(20):
            await a.submit(a_message(to="bob@good.example", sender="ann@a.example", subject=str(number)))
        await net.pass_time(seconds=1)
        assert len(await good.mailbox("bob")) == 20
        await net.settle()
