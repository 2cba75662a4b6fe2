"""A whole mail network inside one process: several Postels, DNS, cables, and a clock that jumps.

Gives       MailNetwork, a_message.

    async def main() -> None:
        async with MailNetwork("example.org. MX 10 mx.example.org.") as net:
            server = await net.start("mx.example.org", accounts=["bob@example.org"])
            ...

    simulate(main)

Nothing listens on a port, nothing sleeps, nothing touches the disk, and a run is the same each time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Final

from postel.app import Edges
from postel.config import check_config, parse
from postel.database import Database, SqliteDatabase
from postel.directory import PasswordOptions
from postel.testing.clock import FakeClock, InlineWorkers
from postel.testing.machine import Machine
from postel.testing.mail_server import PASSWORD, MailServer
from postel.testing.network import MemoryHost, MemoryNetwork
from postel.testing.power import PowerDisk
from postel.testing.zone import Zone

# In a world without a wire a login needs no TLS.
_CONFIG: Final = """\
hostname = "{name}"
{top}
[[listen]]
protocol = "smtp"
address = "0.0.0.0:25"
[[listen]]
protocol = "smtp"
address = "[::]:25"
[[listen]]
protocol = "submission"
address = "0.0.0.0:587"
[[listen]]
protocol = "pop3"
address = "0.0.0.0:110"
[login]
plaintext = ["0.0.0.0/0", "::/0"]
{delivery}
{rules}
"""
# A pulled cable shall cost a second, so that tries fall on the minute.
_DELIVERY: Final = '[delivery]\nconnect_timeout = "1s"'
_CHEAP: Final = PasswordOptions(memory_kib=8, passes=1, lanes=1)
SETTLE_LIMIT_S: Final = 8 * 86400.0  # longer than any queue keeps a message
_STEP_S: Final = 5.0


class Unsettled(AssertionError):
    """There is still mail in a queue."""


class MailNetwork:
    """Servers, cables and DNS.

    zone    records as text (testing.Zone); hosts that are started get their address records by themselves.
    contents  a directory for the files of large contents: with it CHECKPOINT can be offered. Without it nothing
              touches the disk.
    disks   a directory: every server has a disk of its own there, and can lose its power (MailServer.power_off).
    power   a disk that all servers share, each with a folder of its name: PowerDisk.cuts tells what a power cut
            that hits all of them would have left.
    seed    decides what is random: the order of equal MX hosts, ids.
    """

    def __init__(
        self,
        zone: str = "",
        *,
        seed: int = 0,
        contents: Path | None = None,
        disks: Path | None = None,
        power: PowerDisk | None = None,
    ) -> None:
        self._random = random.Random(seed)
        self._contents = contents
        self._disks = disks
        self._power = power
        self.internet = MemoryNetwork()
        self.dns = Zone.parse(zone)
        self.clock = FakeClock()
        self.servers: dict[str, MailServer] = {}
        self._machines: list[Machine] = []

    async def __aenter__(self) -> MailNetwork:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self.servers.values():
            await server.stop()
        for machine in self._machines:
            await machine.close()

    def zone(self, text: str) -> None:
        """Add records."""
        self.dns.add(text)

    def host(self, name: str, *ips: str) -> MemoryHost:
        """A host without a Postel, with its address records: for scripted peers and for clients."""
        host = self.internet.host(name, *ips)
        for ip in host.ips:
            self.dns.add(f"{name}. {'A' if ip.version == 4 else 'AAAA'} {ip}")
        return host

    async def start(
        self,
        name: str,
        rules: str | None = None,
        *,
        top: str = "",
        accounts: Iterable[str] | Mapping[str, str] = (),
    ) -> MailServer:
        """Start a Postel on the host of that name.

        rules       the tables of its configuration, listeners apart; by default it is the final destination
                    of the domain above its name ("example.org" for "mx.example.org").
        top         keys for the top of the configuration, such as `postmaster = "…"`.
        accounts    addresses, or passwords by address.

        Raises BadConfig, and ValueError with the mistakes of the configuration.
        """
        if rules is None:
            rules = f'[[domain]]\nname = "{name.partition(".")[2]}"\n'
        text = _CONFIG.format(
            name=name, rules=rules, top=top, delivery="" if "[delivery]" in rules else _DELIVERY
        )
        loaded = parse(text, file=f"{name}.toml", directory=Path("/nowhere"), environment={})
        if mistakes := check_config(loaded).mistakes:
            raise ValueError("\n".join(map(str, mistakes)))
        machine = self._machine(name)
        edges = await self._edges(name, machine)
        server = MailServer(self.internet, self.host(name), loaded, edges, machine)
        given = accounts if isinstance(accounts, Mapping) else dict.fromkeys(accounts, PASSWORD)
        await server.boot(dict(given))
        self.servers[name] = server
        return server

    async def pass_time(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> None:
        """Let time pass; whatever falls due in it happens."""
        await asyncio.sleep(((days * 24 + hours) * 60 + minutes) * 60 + seconds)

    async def settle(self, limit_s: float = SETTLE_LIMIT_S) -> None:
        """Let time pass until every queue is empty. Raises Unsettled, naming what is left."""
        step, passed = 0.0, 0.0
        while left := [row for server in self.servers.values() for row in await server.queue()]:
            if passed >= limit_s:
                raise Unsettled(f"after {limit_s / 3600:.0f} hours there is still mail: {left}")
            step = min(step + _STEP_S, 600.0)
            passed += step
            await asyncio.sleep(step)

    def _folder(self, name: str) -> Path | None:
        if self._contents is None:
            return None
        folder = self._contents / name
        folder.mkdir(exist_ok=True)
        return folder

    def _machine(self, name: str) -> Machine | None:
        """With a disk, where there are disks."""
        if self._power is not None:
            machine = Machine(self.host(name), self._power.directory / name, self._power)
        elif self._disks is not None:
            machine = Machine(self.host(name), self._disks / name)
        else:
            return None
        self._machines.append(machine)
        return machine

    async def _edges(self, name: str, machine: Machine | None) -> Edges:
        return Edges(
            network=machine.network if machine else self.internet.host(name),
            clock=self.clock,
            random=random.Random(self._random.getrandbits(64)),
            workers=InlineWorkers(),
            open_database=machine.open_database
            if machine
            else _once_and_again(await SqliteDatabase.open(None)),
            resolver=self.dns,
            is_on_disk=False,
            contents=machine.folder if machine else self._folder(name),
            disk=machine.power.disk if machine else None,
            boot=machine.boot if machine else None,
            passwords=_CHEAP,
        )


def _once_and_again(database: SqliteDatabase):  # type: ignore[no-untyped-def]
    """A disk that outlives its server: closing it keeps what is written."""
    kept = _Kept(database)

    async def open_database(directory: Path) -> Database:
        return kept

    return open_database


class _Kept:
    """A database in memory that survives being closed."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self.write = database.write
        self.write_apart = database.write_apart
        self.share = database.share
        self.read = database.read
        self.hear = database.hear
        self.listen = database.listen
        self.migrate = database.migrate
        self.backup = database.backup

    async def close(self) -> None:
        """Nothing: the next start opens it again."""


def a_message(
    *, to: str, sender: str = "ann@example.net", subject: str = "hello", body: str = "Hello!\n"
) -> EmailMessage:
    """A small letter."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message.set_content(body)
    return message
