"""A site whose power fails: servers on one disk, what the world outside has been promised, and who judges.

A scenario runs once and notes each promise with the step of the disk at which the world heard it. Then the disk is
cut at many steps, the servers start on what is left, and everything promised by that step must be true in the end.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from postel.net import Endpoint, Stream
from postel.testing import Cut, MailNetwork, MailServer, PowerDisk, simulate

# The ordinary run takes the same luck each time: a change that fails is to blame for it. Others on demand.
SEED: Final = int(os.environ.get("POSTEL_POWER_SEED", "20261124"))
PASSWORD: Final = "password"
ANN: Final = "ann@a.example"
HOSTS: Final = ("mx.a.example", "mx.b.example")
ZONE: Final = "a.example. MX 10 mx.a.example.\nb.example. MX 10 mx.b.example.\n"
# The hosts are well again at last, so nothing must expire for good while they are not.
PATIENT: Final = '[queue]\nretry = ["20s"]\nwarn = "2d"\nexpire = "3d"\n'
ACCOUNTS: Final = {"mx.a.example": [ANN, "al@a.example"], "mx.b.example": ["bob@b.example", "bea@b.example"]}
ALIASES: Final = {"both@b.example": ("bob@b.example", "bea@b.example")}


@dataclass(frozen=True)
class Letter:
    """subject says which one; nothing else is like it."""

    subject: str
    octets: bytes

    @classmethod
    def of(cls, subject: str, size: int = 200) -> Letter:
        line = f"{subject} " * 8 + "\r\n"
        body = line * (size // len(line) + 1)
        return cls(subject, f"From: {ANN}\r\nSubject: {subject}\r\n\r\n{body}{subject}.\r\n".encode())


@dataclass
class Site:
    """What lives on the disk, and what was said to the world: each with the step of the disk at that time.

    promised    a client has read 250 for a letter: for these recipients.
    deleted     a reader has said QUIT after a DELE, and read +OK: the steps of both, the mailbox, the subject.
    """

    net: MailNetwork
    power: PowerDisk
    servers: dict[str, MailServer] = field(default_factory=dict)
    begun: dict[str, Letter] = field(default_factory=dict)
    promised: list[tuple[int, str, tuple[str, ...]]] = field(default_factory=list)
    deleted: list[tuple[int, int, str, str]] = field(default_factory=list)

    @property
    def a(self) -> MailServer:
        return self.servers["mx.a.example"]

    @property
    def b(self) -> MailServer:
        return self.servers["mx.b.example"]

    async def send(self, subject: str, *to: str, size: int = 200) -> None:
        """ann sends a letter; what was promised for whom is noted when she has read the reply."""
        letter = self.begun[subject] = Letter.of(subject, size)
        replies = await self.a.submit(letter.octets, sender=ANN, to=to)
        taken = tuple(one for one, reply in zip(to, replies, strict=True) if reply.is_positive)
        self.promised.append((self.power.steps, subject, taken))

    async def read_and_delete(self, server: MailServer, address: str, at_most: int = 2) -> None:
        """A reader fetches some letters over POP3 and deletes them."""
        talk = await Talk.dial(server, 110)
        await talk.say(f"USER {address}")
        await talk.say(f"PASS {PASSWORD}")
        count = int((await talk.say("STAT")).split()[1])
        subjects = []
        for number in range(1, min(count, at_most) + 1):
            subjects.append(subject_of((await talk.say(f"RETR {number}", until="\r\n.\r\n")).encode()))
            await talk.say(f"DELE {number}")
        began = self.power.steps
        assert (await talk.say("QUIT")).startswith("+OK")
        self.deleted += [(began, self.power.steps, address, subject) for subject in subjects]


class Talk:
    """A client of lines."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    @classmethod
    async def dial(cls, server: MailServer, port: int) -> Talk:
        talk = cls(await server.host.dial(Endpoint("127.0.0.1", port), timeout_s=5))
        await talk.hear("\r\n")
        return talk

    async def hear(self, until: str) -> str:
        heard = b""
        while not heard.endswith(until.encode()) and (data := await self._stream.read(60)):
            heard += data
        return heard.decode()

    async def say(self, line: str, until: str = "\r\n") -> str:
        await self._stream.write(f"{line}\r\n".encode())
        return await self.hear(until)


def subject_of(content: bytes) -> str:
    return content.partition(b"\r\nSubject: ")[2].partition(b"\r\n")[0].decode()


@dataclass(frozen=True)
class Scenario:
    """live     what happens, on running servers.
    rules       the rules of each server's configuration.
    """

    live: Callable[[Site], Awaitable[None]]
    rules: Mapping[str, str]


@dataclass
class Story:
    """A scenario that has run."""

    scenario: Scenario
    site: Site

    def steps_of_database(self) -> list[int]:
        """The steps that changed the database file itself, not its log."""
        power = self.site.power
        return sorted({*power.steps_at("/postel.db")} - {*power.steps_at("/postel.db-")})


@contextmanager
def scratch() -> Iterator[Path]:
    """Memory where there is such a file system: nothing here needs the disk that it seems to be about."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


async def start(net: MailNetwork, rules: Mapping[str, str], *, is_new: bool) -> dict[str, MailServer]:
    return {
        name: await net.start(name, text, accounts=ACCOUNTS[name] if is_new else ())
        for name, text in rules.items()
    }


def tell(scenario: Scenario) -> Story:
    """Run it."""
    with scratch() as folder:
        power = PowerDisk(folder)

        async def run() -> Site:
            async with MailNetwork(ZONE, power=power) as net:
                site = Site(net, power)
                site.servers = await start(net, scenario.rules, is_new=True)
                await scenario.live(site)
                return site

        site = simulate(run)
        power.close()
        return Story(scenario, site)


@dataclass(frozen=True)
class Aftermath:
    """What is there when nothing waits any more: for each mailbox its letters."""

    letters: Mapping[str, list[bytes]]


def recover(story: Story, cut: Cut) -> Aftermath:
    """The servers start on what is left, and go on until nothing waits. The queues must become empty."""
    rules = story.scenario.rules

    async def run() -> Aftermath:
        async with MailNetwork(ZONE, power=power) as net:
            servers = await start(net, rules, is_new=False)
            await net.settle(limit_s=5 * 86400.0)
            found = {}
            for name, server in servers.items():
                known = {str(one.mailbox) for one in await server.postel.rooms.directory.list()}
                for address in known & set(ACCOUNTS[name]):
                    found[address] = [letter.content for letter in await server.mailbox(address)]
                assert await server.postel.rooms.database.read(
                    lambda tx: tx.fetch_all("PRAGMA integrity_check")
                ) == [("ok",)]
            return Aftermath(found)

    with scratch() as folder:
        power = PowerDisk(cut.lay_out(folder))
        try:
            return simulate(run)
        finally:
            power.close()


def judge(story: Story, cut: Cut, after: Aftermath) -> None:
    """RFC 5321 6.1: whoever has said 250 delivers, or reports. A mailbox of ours gets it exactly once."""
    site = story.site
    reports = [one for one in after.letters.get(ANN, []) if b"multipart/report" in one]
    for address, letters in after.letters.items():
        _are_as_sent(site, address, [one for one in letters if one not in reports])
        subjects = Counter(subject_of(one) for one in letters if one not in reports)
        twice = [subject for subject, number in subjects.items() if number > 1]
        assert not (twice and address.endswith("@a.example")), f"{address} got {twice} twice"
        back = {s for _, done, who, s in site.deleted if done <= cut.step and who == address} & set(subjects)
        assert not back, f"{back}, deleted by {address}, are back"
    for subject, address in _owed(site, cut):
        has = any(subject_of(one) == subject for one in after.letters.get(address, []))
        told = any(address.encode() in one and f"Subject: {subject}".encode() in one for one in reports)
        assert has or told, f"{address} never got {subject!r}, and nobody was told"


def _are_as_sent(site: Site, address: str, letters: list[bytes]) -> None:
    for content in letters:
        letter = site.begun.get(subject_of(content))
        assert letter is not None, f"{address} got {subject_of(content)!r}, which nobody sent"
        assert content.endswith(letter.octets), f"{address} got a torn {letter.subject!r}"


def _owed(site: Site, cut: Cut) -> Iterator[tuple[str, str]]:
    """Each promise that was heard before the cut, but those whose letters may have been deleted before it, too."""
    gone = {(address, subject) for began, _, address, subject in site.deleted if began <= cut.step}
    for step, subject, recipients in site.promised:
        if step <= cut.step:
            reached = [one for recipient in recipients for one in ALIASES.get(recipient, (recipient,))]
            yield from ((subject, one) for one in reached if (one, subject) not in gone)


def check(story: Story, steps: Collection[int], seed: int) -> int:
    """Cut at each of these steps, and judge. How many cuts; an AssertionError names seed and step."""
    count = 0
    for cut in story.site.power.cuts(random.Random(seed), steps):
        try:
            judge(story, cut, recover(story, cut))
        except Exception as error:
            raise AssertionError(f"POSTEL_POWER_SEED={SEED}: cut after step {cut.step}: {error!r}") from error
        count += 1
    return count


def some_steps(story: Story, number: int, rng: random.Random) -> list[int]:
    """So many steps of its whole life, the boot of the servers included."""
    steps = range(story.site.power.steps + 1)
    return sorted(rng.sample(steps, min(number, len(steps))))
