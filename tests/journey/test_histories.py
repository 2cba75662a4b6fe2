"""Random histories of a network: cables, DNS, restarts and moody peers; when the dust settles nobody is forgotten.

Each history is a seed. A failing one prints its seed and its journey, and POSTEL_HISTORY=seed plays it again, alone:

    POSTEL_HISTORY=123 pytest tests/journey/test_histories.py
    POSTEL_HISTORIES=5000 pytest tests/journey/test_histories.py      # more of them

The invariants (RFC 5321 6.1): each recipient of an accepted letter got it, or its sender a report; a letter comes
twice only where a connection broke (RFC 5321 4.5.3.2.6, RFC 1047); every queue is empty in the end.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import pytest

from postel.net import ConnectionLost, Endpoint, Stream, TimedOut
from postel.testing import MailNetwork, MailServer, MemoryHost, a_message, simulate

HISTORIES: Final = int(os.environ.get("POSTEL_HISTORIES", "120"))
ONE: Final = os.environ.get("POSTEL_HISTORY")
SHARES: Final = 4
FIRST: Final = 1 if ONE is None else int(ONE)

# five Postels: an origin, two destinations, one that forwards, one that is the backup of a destination
ZONE: Final = """
a.example.  MX 10 mx.a.example.
b.example.  MX 10 mx.b.example.
c.example.  MX 10 mx.c.example.
c.example.  MX 20 mx.backup.example.
d.example.  MX 10 mx.d.example.
moody.example.  MX 10 mx.moody.example.
"""
ALIASES: Final = """
[[domain]]
name = "d.example"
aliases = { both = ["bob@b.example", "carl@c.example"], moody = ["kitt@moody.example"] }
"""
BACKUP: Final = '[relay]\ndomains = ["c.example"]\n'
RECIPIENTS: Final = {
    "bob@b.example": ["bob@b.example"],
    "carl@c.example": ["carl@c.example"],
    "dora@d.example": ["dora@d.example"],
    "both@d.example": ["bob@b.example", "carl@c.example"],
    "moody@d.example": ["kitt@moody.example"],
    "kitt@moody.example": ["kitt@moody.example"],
    "nobody@b.example": ["nobody@b.example"],
}


class MoodyHost:
    """A server that is no Postel: any answer may be 4yz or 5yz, and any moment the end.

    arrived     contents that it took, one for each recipient, whether or not its 250 came through.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.arrived: list[tuple[str, bytes]] = []
        self.is_moody = True

    async def serve(self, stream: Stream) -> None:
        with contextlib.suppress(ConnectionLost, TimedOut):
            await self._talk(stream)

    async def _talk(self, stream: Stream) -> None:
        lines = _Lines(stream)
        await stream.write(b"220 mx.moody.example ESMTP\r\n")
        recipients: list[str] = []
        while line := await lines.until(b"\r\n"):
            verb = line[:4].upper()
            mood = self._rng.random() if self.is_moody else 1.0
            if mood < 0.04:
                stream.abort()
                return
            if verb in (b"MAIL", b"RCPT", b"DATA") and mood < 0.15:
                await stream.write(b"451 4.3.0 not in the mood\r\n")
            elif verb == b"RCPT" and mood < 0.2:
                await stream.write(b"550 5.1.1 never heard of them\r\n")
            elif verb == b"RCPT":
                recipients.append(line.partition(b"<")[2].partition(b">")[0].decode())
                await stream.write(b"250 2.1.5 fine\r\n")
            elif verb == b"DATA":
                await stream.write(b"354 go on\r\n")
                content = await lines.until(b"\r\n.\r\n")
                if not content:
                    return
                if mood < 0.25:
                    await stream.write(b"452 4.3.1 no room\r\n")
                else:
                    self.arrived += [(one, content) for one in recipients]
                    if mood < 0.3:
                        stream.abort()  # RFC 1047: taken, and nobody will know
                        return
                    await stream.write(b"250 2.0.0 taken\r\n")
            elif verb == b"QUIT":
                await stream.write(b"221 2.0.0 bye\r\n")
                return
            else:
                if verb in (b"MAIL", b"RSET", b"EHLO"):
                    recipients = []
                await stream.write(b"250 mx.moody.example\r\n")


class _Lines:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rest = b""

    async def until(self, end: bytes) -> bytes:
        """What came up to an end, with it; b"" when the peer has gone."""
        while end not in self._rest:
            data = await self._stream.read()
            if not data:
                return b""
            self._rest += data
        line, _, self._rest = self._rest.partition(end)
        return line + end


@dataclass
class History:
    """One network and what has happened to it.

    journey      what happened, a line each.
    breaks       things that may break a connection: as many copies more may arrive, and no more.
    accepted     subject -> recipients that got a 250.
    """

    net: MailNetwork
    rng: random.Random
    servers: list[MailServer]
    moody: MoodyHost
    moody_host: MemoryHost
    journey: list[str] = field(default_factory=list)
    breaks: int = 0
    accepted: dict[str, list[str]] = field(default_factory=dict)
    number: int = 0
    unplugged: set[str] = field(default_factory=set)
    troubled: set[str] = field(default_factory=set)

    def tell(self, what: str) -> None:
        self.journey.append(f"{self.net.clock.now() % 86400:9.1f}s  {what}")


Event: TypeAlias = Callable[[History], Awaitable[None]]


async def send(h: History) -> None:
    h.number += 1
    subject = f"letter {h.number}"
    to = h.rng.sample(list(RECIPIENTS), h.rng.randint(1, 4))
    letter = a_message(
        to=", ".join(to), sender="ann@a.example", subject=subject, body="x" * h.rng.randint(1, 9000)
    )
    replies = await h.servers[0].submit(letter, sender="ann@a.example", to=to)
    h.accepted[subject] = [one for one, reply in zip(to, replies, strict=True) if reply.is_positive]
    h.tell(f"{subject} to {', '.join(h.accepted[subject])}")


async def unplug(h: History) -> None:
    name = h.rng.choice([server.name for server in h.servers[1:]] + [h.moody_host.name])
    h.net.internet.unplug(name)
    h.unplugged.add(name)
    h.breaks += 1
    h.tell(f"unplug {name}")


async def plug_in(h: History) -> None:
    if h.unplugged:
        name = h.rng.choice(sorted(h.unplugged))
        h.unplugged.discard(name)
        h.net.internet.plug_in(name)
        h.tell(f"plug in {name}")


async def cut(h: History) -> None:
    name = h.rng.choice([server.name for server in h.servers[1:]])
    octets = h.rng.choice((h.rng.randint(0, 400), h.rng.randint(0, 9000)))
    if h.rng.random() < 0.5:
        h.net.internet.cut(name, received=octets)
    else:
        h.net.internet.cut(name, sent=octets)  # above all: between the final dot and its 250
    h.breaks += 1
    h.tell(f"the next connection to {name} breaks after {octets} octets")


async def trouble(h: History) -> None:
    name = h.rng.choice(("b.example", "c.example", "mx.b.example", "moody.example"))
    h.net.dns.trouble(name)
    h.troubled.add(name)
    h.tell(f"DNS fails for {name}")


async def mend(h: History) -> None:
    for name in h.troubled:
        h.net.dns.mend(name)
    h.troubled.clear()
    h.tell("DNS works")


async def restart(h: History) -> None:
    server = h.rng.choice(h.servers)
    h.tell(f"restart {server.name}")
    await server.restart()
    h.breaks += 1


async def slow(h: History) -> None:
    server = h.rng.choice(h.servers[1:])
    server.slow(h.rng.choice((None, 200.0, 5000.0)))
    h.tell(f"the line of {server.name} has another speed")


async def wait(h: History) -> None:
    await h.net.pass_time(seconds=h.rng.choice((0.0, 0.01, 1.0, 90.0, 1800.0, 20000.0)))


EVENTS: Final[tuple[tuple[Event, int], ...]] = (
    (send, 6), (wait, 6), (unplug, 2), (plug_in, 3), (cut, 3), (trouble, 1), (mend, 1), (restart, 1), (slow, 1),
)  # fmt: skip


async def play(seed: int) -> History:
    rng = random.Random(seed)
    async with MailNetwork(ZONE, seed=seed) as net:
        servers = [
            await net.start("mx.a.example", accounts=["ann@a.example"]),
            await net.start("mx.b.example", accounts=["bob@b.example"]),
            await net.start("mx.c.example", accounts=["carl@c.example"]),
            await net.start("mx.d.example", ALIASES, accounts=["dora@d.example"]),
            await net.start("mx.backup.example", BACKUP),
        ]
        moody = MoodyHost(random.Random(seed + 1))
        host = net.host("mx.moody.example")
        for address in ("0.0.0.0", "::"):
            await host.listen(Endpoint(address, 25), moody.serve)
        h = History(net, rng, servers, moody, host)
        try:
            for event in rng.choices(*zip(*EVENTS, strict=True), k=rng.randint(8, 25)):  # type: ignore[arg-type]
                await event(h)
            await settle(h)
            await judge(h)
        except Exception as error:
            told = "\n".join(h.journey)
            raise AssertionError(f"POSTEL_HISTORY={seed}: {error!r}\n{told}") from error
        return h


async def settle(h: History) -> None:
    while h.unplugged:
        await plug_in(h)
    await mend(h)
    for server in h.servers:
        server.slow(None)
    h.moody.is_moody = False
    h.tell("the dust settles")
    await h.net.settle()


async def judge(h: History) -> None:
    copies: Counter[tuple[str, str]] = Counter()
    for server, name in zip(
        h.servers[1:4], ("bob@b.example", "carl@c.example", "dora@d.example"), strict=True
    ):
        copies.update((name, letter.subject) for letter in await server.mailbox(name))
    for recipient, content in h.moody.arrived:
        subject = content.partition(b"\r\nSubject: ")[2].partition(b"\r\n")[0].decode()
        copies[recipient, subject] += 1
    reports = [letter.content for letter in await h.servers[0].mailbox("ann@a.example")]
    for (recipient, subject), number in copies.items():
        assert subject in h.accepted, f"{recipient} got {subject!r}, which nobody sent"
        ways = sum(recipient in RECIPIENTS[one] for one in h.accepted[subject])
        may = ways + h.breaks + (99 if recipient == "kitt@moody.example" else 0)
        assert number <= may, f"{recipient} got {subject!r} {number} times"
    for subject, recipients in h.accepted.items():
        for recipient in (final for one in recipients for final in RECIPIENTS[one]):
            reported = any(
                recipient.encode() in report and f"Subject: {subject}".encode() in report
                for report in reports
            )
            assert copies[recipient, subject] or reported, (
                f"{recipient} never got {subject!r}, and nobody was told"
            )


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("share", range(SHARES))
def test_after_any_history_each_recipient_has_the_letter_or_its_sender_a_report(share: int) -> None:
    seeds = [int(ONE)] if ONE is not None else range(FIRST + share, FIRST + HISTORIES, SHARES)
    for seed in seeds:
        simulate(lambda seed=seed: play(seed))  # type: ignore[misc]
