"""One server of the tour: a `postel serve` of its own, whose log is listened to.

Gives       TourHost, free_port.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import click

from postel.app import directory_options, open_rooms, real_edges
from postel.config import load
from postel.mail import parse_mailbox
from postel.net import Endpoint

STEP_S: Final = 120.0  # how long a server may take for anything, on the slowest machine
_LINE_LIMIT: Final = 1 << 20

_CONFIG: Final = """\
hostname = "{name}"
data = "data"
user = "root"

[[listen]]
protocol = "smtp"
address = "{ip}:{port}"

[[listen]]
protocol = "submission"
address = "{ip}:0"

[[listen]]
protocol = "pop3"
address = "{ip}:0"

{rules}
[dns]
servers = ["{dns}"]

[delivery]
port = {port}
source = ["{ip}"]
allow_loopback = true

[queue]
retry = ["2s"]

[log]
format = "json"
"""


class TourHost:
    """A server, its log, and what was heard of it."""

    def __init__(
        self,
        name: str,
        ip: str,
        port: int,
        folder: Path,
        rules: str,
        verbose: bool,
        tell: Callable[[str], None],
    ) -> None:
        self._name = name
        self._ip = ip
        self._port = port
        self._folder = folder
        self._rules = rules
        self._verbose = verbose
        self._tell = tell
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._events: dict[str, list[dict[str, Any]]] = {}
        self._heard = asyncio.Condition()
        self._last: deque[str] = deque(maxlen=20)

    @property
    def submission_port(self) -> int:
        """Where mail programs send."""
        return self._port_of("submission")

    @property
    def pop3_port(self) -> int:
        """Where mail programs read."""
        return self._port_of("pop3")

    def _port_of(self, protocol: str) -> int:
        listening = next(e for e in self._events["listening"] if e["protocol"] == protocol)
        return int(listening["listener"].rpartition(":")[2])

    async def prepare(self, dns: Endpoint, accounts: Mapping[str, str]) -> None:
        """Write the configuration and make the accounts."""
        self._folder.mkdir()
        text = _CONFIG.format(name=self._name, ip=self._ip, port=self._port, rules=self._rules, dns=dns)
        path = self._folder / "postel.toml"
        path.write_text(text)
        loaded = load(path, {})
        rooms = await open_rooms(self._folder / "data", real_edges(), directory_options(loaded))
        for address, password in accounts.items():
            await rooms.directory.add(parse_mailbox(address), password)
        await rooms.close()

    async def start(self, dns: Endpoint, accounts: Mapping[str, str]) -> None:
        """Prepare and boot."""
        await self.prepare(dns, accounts)
        await self.boot()

    async def boot(self) -> None:
        """Start the process, and wait until it is ready."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "postel",
            "--config",
            str(self._folder / "postel.toml"),
            "serve",
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_LIMIT,
        )
        self._listening = asyncio.create_task(self._listen(self._process))
        await self.said("ready")

    async def said(self, event: str, telling: str | None = None) -> dict[str, Any]:
        """Wait for a log event, and tell of it. Raises TimeoutError, ConnectionError when the server ends."""
        async with asyncio.timeout(STEP_S), self._heard:
            await self._heard.wait_for(lambda: event in self._events or self._is_over())
            if event not in self._events:
                last = "\n".join(self._last)
                raise ConnectionError(f"{self._name} ended before event={event}; it said:\n{last}")
            found = self._events[event][0]
        if telling is not None:
            self._tell(f"{self._name} {telling}.  [event={event} id={found.get('id', '-')}]")
        return found

    async def queue_empty(self) -> None:
        """Wait until every message that was accepted has left. Raises TimeoutError."""
        async with asyncio.timeout(STEP_S), self._heard:
            await self._heard.wait_for(self._is_done)

    def _is_done(self) -> bool:
        accepted = {event["id"] for event in self._events.get("message_accepted", [])}
        gone = {
            event["id"]
            for name in ("delivered", "relayed", "failed", "discarded")
            for event in self._events.get(name, [])
        }
        return accepted <= gone

    async def stop(self) -> None:
        """End the process in order."""
        if self._process is None or self._listening is None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        await self._process.wait()
        await self._listening

    def _is_over(self) -> bool:
        return self._listening is None or self._listening.done()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self._last.append(line.decode(errors="replace").rstrip())
            if self._verbose:
                click.echo(f"        {self._name}: {self._last[-1]}")
            with suppress(ValueError):
                await self._note(json.loads(line))
        async with self._heard:
            self._heard.notify_all()

    async def _note(self, facts: Any) -> None:
        if isinstance(facts, dict) and "event" in facts:
            async with self._heard:
                self._events.setdefault(facts["event"], []).append(facts)
                self._heard.notify_all()


def free_port(addresses: Iterable[str]) -> int:
    """A port that is free at all these addresses. Raises OSError."""
    ips = list(addresses)
    for _ in range(100):
        port = random.SystemRandom().randrange(20_000, 60_000)
        with ExitStack() as probes, suppress(OSError):
            for ip in ips:
                probes.enter_context(socket.socket()).bind((ip, port))
            return port
    raise OSError(f"no port is free at all of {', '.join(ips)}")
