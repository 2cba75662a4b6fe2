"""A network that things happen to: five Postels, two moody peers, what may go wrong, and who judges in the end.

Each history is made by a seed, and tells its journey. Some play on disks that can fail, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from moody_host import MoodyHost

from postel.delivery import HopTrouble
from postel.net import ConnectionLost, DialFailed, TimedOut
from postel.testing import MailNetwork, MailServer, MemoryHost, a_message

# five Postels: an origin, two destinations, one that forwards, one that is the backup of a destination
ZONE: Final = """
a.example.  MX 10 mx.a.example.
b.example.  MX 10 mx.b.example.
c.example.  MX 10 mx.c.example.
c.example.  MX 20 mx.backup.example.
d.example.  MX 10 mx.d.example.
moody.example.  MX 10 mx.moody.example.
moody.example.  MX 20 mx.moodier.example.
"""
ALIASES: Final = """
[[domain]]
name = "d.example"
aliases = { both = ["bob@b.example", "carl@c.example"], moody = ["kitt@moody.example"] }
"""
BACKUP: Final = '[relay]\ndomains = ["c.example"]\n'
RECIPIENTS: Final = {
    "al@a.example": ["al@a.example"],
    "bob@b.example": ["bob@b.example"],
    "carl@c.example": ["carl@c.example"],
    "dora@d.example": ["dora@d.example"],
    "both@d.example": ["bob@b.example", "carl@c.example"],
    "moody@d.example": ["kitt@moody.example"],
    "kitt@moody.example": ["kitt@moody.example"],
    "nobody@b.example": ["nobody@b.example"],
}
SERVERS: Final = {
    "mx.a.example": (None, ["ann@a.example", "al@a.example"]),
    "mx.b.example": (None, ["bob@b.example"]),
    "mx.c.example": (None, ["carl@c.example"]),
    "mx.d.example": (ALIASES, ["dora@d.example"]),
    "mx.backup.example": (BACKUP, []),
}
MOODY: Final = ("mx.moody.example", "mx.moodier.example")
ILLNESSES: Final = {"the disk is full": errno.ENOSPC, "the disk is broken": errno.EIO}


@dataclass
class History:
    """One network and what has happened to it.

    has_disks    whether servers have disks of their own, which fail, and lose their power.
    journey      what happened, a line each.
    breaks       things that may break a connection: as many copies more may arrive, and no more.
    accepted     subject -> recipients that got a 250.
    begun        subjects of all letters that were ever sent, whatever the sender heard.
    dark         servers without power, and when they have it again.
    """

    net: MailNetwork
    rng: random.Random
    servers: list[MailServer]
    moody: list[MoodyHost]
    has_disks: bool = False
    journey: list[str] = field(default_factory=list)
    breaks: int = 0
    accepted: dict[str, list[str]] = field(default_factory=dict)
    begun: dict[str, list[str]] = field(default_factory=dict)
    unplugged: set[str] = field(default_factory=set)
    troubled: set[str] = field(default_factory=set)
    dark: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def tell(self, what: str) -> None:
        self.journey.append(f"{asyncio.get_running_loop().time():9.1f}s  {what}")

    def a_lit_server(self, first: int = 0) -> MailServer | None:
        lit = [server for server in self.servers[first:] if server.name not in self.dark]
        return self.rng.choice(lit) if lit else None

    @property
    def names(self) -> list[str]:
        return [*(server.name for server in self.servers), *MOODY]


Event: TypeAlias = Callable[[History], Awaitable[None]]


async def send(h: History) -> None:
    number = len(h.begun) + 1
    subject = f"letter {number}"
    to = h.begun[subject] = h.rng.sample(list(RECIPIENTS), h.rng.randint(1, 4))
    size = h.rng.choice((h.rng.randint(1, 9000), h.rng.randint(1, 300), 140_000 if h.has_disks else 20_000))
    letter = a_message(
        to=", ".join(to), sender="ann@a.example", subject=subject, body="x" * size + f"\nend of {subject}\n"
    )
    h.accepted[subject] = []
    try:
        replies = await h.servers[0].submit(letter, sender="ann@a.example", to=to)
    except (HopTrouble, DialFailed, ConnectionLost, TimedOut) as trouble:
        h.tell(f"{subject} to {', '.join(to)}: the sender hears nothing ({trouble})")
        return
    h.accepted[subject] = [one for one, reply in zip(to, replies, strict=True) if reply.is_positive]
    h.tell(f"{subject} to {', '.join(to)}: {', '.join(str(reply.code) for reply in replies)}")


async def send_many(h: History) -> None:
    """Side by side, so that whatever happens in between happens in the middle of them."""
    await asyncio.gather(*(send(h) for _ in range(h.rng.randint(2, 5))))


async def unplug(h: History) -> None:
    name = h.rng.choice(h.names)
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
    name = h.rng.choice(h.names[1:])
    octets = h.rng.choice((h.rng.randint(0, 400), h.rng.randint(0, 9000)))
    if h.rng.random() < 0.5:
        h.net.internet.cut(name, received=octets)
    else:
        h.net.internet.cut(name, sent=octets)
    h.breaks += 1
    h.tell(f"the next connection to {name} breaks after {octets} octets")


async def cut_before_250(h: History) -> None:
    """The content was taken, and nobody will know (RFC 1047)."""
    name = h.rng.choice(h.names[1:])
    h.net.internet.cut(name, unsaid=b"queued" if name not in MOODY else b"2.0.0 taken")
    h.breaks += 1
    h.tell(f"the next connection to {name} breaks between the final dot and its 250")


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
    server = h.a_lit_server()
    if server is not None and (not h.has_disks or server.machine.ails is None):
        h.tell(f"restart {server.name}")
        h.breaks += 1
        await server.restart()


async def slow(h: History) -> None:
    server = h.rng.choice(h.servers[1:])
    speed = h.rng.choice((None, 200.0, 5000.0))
    server.slow(speed)
    h.tell(f"the line of {server.name} carries {speed or 'any number of'} octets a second")


async def delay(h: History) -> None:
    h.net.internet.latency_s = h.rng.choice((0.0, 0.05, 1.0, 8.0))
    h.tell(f"every line is {h.net.internet.latency_s} s long")


async def lose_power(h: History) -> None:
    """At some step of the disk from now on, in the middle of whatever is done then."""
    server = h.a_lit_server()
    if not h.has_disks or server is None:
        return
    left = h.rng.choice((0, 3, h.rng.randint(0, 60), h.rng.randint(0, 400)))
    rest_s = h.rng.choice((0.0, 5.0, 4000.0))
    h.tell(f"{server.name} loses its power {left} steps of its disk from now, for {rest_s:.0f} s")
    h.breaks += 1

    def count_down(what: str, path: str) -> None:
        nonlocal left
        left -= 1
        if left < 0 and server.name not in h.dark:
            go_dark(h, server, rest_s)

    server.machine.ails = count_down


def go_dark(h: History, server: MailServer, rest_s: float) -> None:
    async def wait() -> None:
        await asyncio.sleep(rest_s)
        await server.power_on()
        h.tell(f"{server.name} has power")
        del h.dark[server.name]

    h.tell(f"{server.name} is dark")
    server.machine.ails = None
    server.power_off(h.rng)
    h.dark[server.name] = asyncio.get_running_loop().create_task(wait())


async def fall_ill(h: History) -> None:
    """The disk takes nothing for a while, from some call on; what is read, is read."""
    server = h.a_lit_server()
    if not h.has_disks or server is None:
        return
    name, number = h.rng.choice(list(ILLNESSES.items()))
    spared = h.rng.choice((0, h.rng.randint(0, 30)))
    h.tell(f"{server.name}: {name}, {spared} calls from now")

    def ails(what: str, path: str) -> int | None:
        nonlocal spared
        if what not in ("change", "create", "sync") or (number == errno.ENOSPC and what == "sync"):
            return None
        spared -= 1
        return number if spared < 0 else None

    server.machine.ails = ails


async def heal(h: History) -> None:
    if h.has_disks:
        for server in h.servers:
            server.machine.ails = None
        h.tell("all disks are well, and the power is stable")


async def wait(h: History) -> None:
    seconds = h.rng.choice((0.0, 0.01, 1.0, 90.0, 1800.0, 20000.0))
    h.tell(f"{seconds:.2f} s pass")
    await h.net.pass_time(seconds=seconds)


EVENTS: Final[tuple[tuple[Event, int], ...]] = (
    (send, 6), (send_many, 2), (wait, 6), (unplug, 2), (plug_in, 3), (cut, 3), (cut_before_250, 2), (trouble, 1),
    (mend, 1), (restart, 1), (slow, 1), (delay, 1), (lose_power, 3), (fall_ill, 2), (heal, 1),
)  # fmt: skip


async def begin(net: MailNetwork, seed: int, *, has_disks: bool) -> History:
    """The network, before anything has happened."""
    servers = [await net.start(name, rules, accounts=who) for name, (rules, who) in SERVERS.items()]
    moody = [MoodyHost(name, random.Random(f"{seed} {name}")) for name in MOODY]
    for one in moody:
        host: MemoryHost = net.host(one.name)
        await one.listen(host)
    return History(net, random.Random(seed), servers, moody, has_disks)


async def live(h: History) -> None:
    """Eight things happen, or more."""
    for event in h.rng.choices(*zip(*EVENTS, strict=True), k=h.rng.randint(8, 25)):  # type: ignore[arg-type]
        await event(h)


async def settle(h: History) -> None:
    """Everything is well again, and what can arrive arrives. Raises Unsettled."""
    await heal(h)
    for task in list(h.dark.values()):
        await task
    while h.unplugged:
        await plug_in(h)
    await mend(h)
    for server in h.servers:
        server.slow(None)
        with contextlib.suppress(KeyError):
            h.net.internet.host(server.name).cuts.clear()
    h.net.internet.latency_s = 0.0
    for one in h.moody:
        one.is_moody = False
    h.tell("the dust settles")
    await h.net.settle()


async def judge(h: History) -> None:
    """RFC 5321 6.1: everybody has the letter, or its sender a report; nothing came twice that did not have to."""
    copies = await _copies(h)
    reports = [letter.content for letter in await h.servers[0].mailbox("ann@a.example")]
    for (recipient, subject), number in copies.items():
        assert subject in h.begun, f"{recipient} got {subject!r}, which nobody sent"
        ways = sum(recipient in RECIPIENTS[one] for one in h.begun[subject])
        assert ways, f"{recipient} got {subject!r}, which was not for them"
        may = 1 if recipient == "al@a.example" else ways + h.breaks
        if recipient == "kitt@moody.example":
            may += sum(one.unheard for one in h.moody)
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


async def _copies(h: History) -> Counter[tuple[str, str]]:
    copies: Counter[tuple[str, str]] = Counter()
    for server, (_, addresses) in zip(h.servers, SERVERS.values(), strict=True):
        for address in addresses:
            if address != "ann@a.example":
                copies.update((address, _whole(one.content)) for one in await server.mailbox(address))
    copies.update((to, _whole(content)) for one in h.moody for to, content in one.arrived)
    return copies


def _whole(content: bytes) -> str:
    """Its subject. It must be whole."""
    subject = content.partition(b"\r\nSubject: ")[2].partition(b"\r\n")[0].decode()
    assert f"end of {subject}\r\n".encode() in content, f"{subject!r} is torn"
    return subject
