"""`postel serve` as a process of its own, and what a test asks of it."""

from __future__ import annotations

import asyncio
import json
import os
import poplib
import signal
import smtplib
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from child_process import ChildProcess
from peer_programs import PATIENCE_S, eventually
from tls_kit import trusting

from postel.app import directory_options, open_rooms, real_edges
from postel.config import load
from postel.mail import parse_mailbox
from postel.testing import InlineWorkers

POSTEL: Final = Path(sys.executable).with_name("postel")
PASSWORD: Final = "correct horse"
Event = dict[str, Any]


class PostelProcess:
    """One server and its folder. Ports are chosen by the system unless the configuration says otherwise.

    config      what the file says beside data, listeners and the form of the log.
    protocols   each is listened for at `address`, on any free port.
    """

    def __init__(
        self,
        folder: Path,
        config: str,
        *,
        address: str = "127.0.0.1",
        protocols: Sequence[str] = ("smtp", "submission", "submissions", "pop3", "pop3s"),
        smtp_port: int = 0,
        user: str = "root",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.address = address
        self.config = folder / "postel.toml"
        listeners = "".join(
            f'[[listen]]\nprotocol = "{name}"\naddress = "{address}:{smtp_port if name == "smtp" else 0}"\n'
            for name in protocols
        )
        self.config.write_text(
            f'data = "data"\nuser = "{user}"\n{config}\n{listeners}\n[log]\nformat = "json"\nlevel = "debug"\n'
        )
        self._process: ChildProcess | None = None

    # Life. As a context manager it leaves nothing running, started or not.

    def __enter__(self) -> PostelProcess:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed is None:
            self.stop()
        elif self._process is not None:
            print("\n".join(self._process.lines[-300:]))  # pytest shows it
            self.kill()

    def launch(self) -> None:
        """Returns at once."""
        self._process = ChildProcess([POSTEL, "--config", self.config, "serve"], folder=self.folder)

    def start(self) -> None:
        """Returns when every listener accepts."""
        self.launch()
        try:
            self.wait_for("ready")
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End it in order."""
        if self._process is None:
            return
        process, self._process = self._process, None
        status = process.end()
        assert status == 0, f"postel serve ended with {status}:\n" + "\n".join(process.lines[-100:])
        troubles = [line for line in process.lines if '"level": "error"' in line or "Traceback" in line]
        assert not troubles, "\n".join(troubles)

    def kill(self) -> None:
        """Kill the whole process group at this instant."""
        assert self._process is not None
        self._process.kill()
        self._process = None

    def reload(self) -> None:
        """Let it read its configuration anew."""
        since = len(self.process.lines)
        self.process.signal(signal.SIGHUP)
        self.wait_for("reloaded", since=since)

    @property
    def process(self) -> ChildProcess:
        assert self._process is not None, "it does not run"
        return self._process

    def command(self, *arguments: str, stdin: str = "", status: int = 0) -> str:
        """What `postel ARGUMENTS` prints, run beside the server."""
        done = subprocess.run(
            [POSTEL, "--config", self.config, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == status, f"postel {arguments} ended with {done.returncode}: {done.stderr}"
        return done.stdout

    def queue(self) -> list[dict[str, Any]]:
        """What `postel queue list` says."""
        found = json.loads(self.command("queue", "list", "--json") or "[]")
        assert isinstance(found, list)
        return found

    # The log

    @property
    def events(self) -> list[Event]:
        return [_event(line) for line in self.process.lines]

    def wait_for(self, name: str, *, since: int = 0, **fields: str) -> Event:
        """The first event of that name with these fields; a field is the text it contains."""

        def is_wanted(line: str) -> bool:
            event = _event(line)
            return event.get("event") == name and all(
                wanted in str(event.get(key)) for key, wanted in fields.items()
            )

        return _event(self.process.wait_for(is_wanted, f"event={name} {fields or ''}", since=since))

    def port(self, protocol: str) -> int:
        """Where it listens for a protocol."""
        return int(self.wait_for("listening", protocol=protocol)["listener"].rpartition(":")[2])

    # Accounts and mail

    def add_account(self, address: str, password: str = PASSWORD) -> str:
        """Make an account, beside the running server or before it."""

        async def add() -> None:
            loaded = load(self.config, os.environ)
            rooms = await open_rooms(self.folder / "data", edges, directory_options(loaded))
            try:
                await rooms.directory.add(parse_mailbox(address), password)
            finally:
                await rooms.close()

        edges = replace(real_edges(), workers=InlineWorkers())
        asyncio.run(add())
        return address

    def submit(self, letter: bytes, sender: str, *recipients: str, password: str = PASSWORD) -> None:
        """Send as a mail program of an account does. All recipients must be taken."""
        with smtplib.SMTP(self.address, self.port("submission"), timeout=PATIENCE_S) as client:
            client.starttls(context=trusting())
            client.login(sender, password)
            assert client.sendmail(sender, recipients, letter) == {}

    def letters(self, address: str, password: str = PASSWORD) -> list[bytes]:
        """All letters in a mailbox, octet for octet, read over POP3."""
        client = poplib.POP3(self.address, self.port("pop3"), timeout=PATIENCE_S)
        with closing(client):
            client.stls(trusting())
            client.utf8()  # RFC 6856 2: else letters with internationalised headers are kept from us
            client.user(address)
            client.pass_(password)
            count, _ = client.stat()
            letters = [b"".join(line + b"\r\n" for line in client.retr(n + 1)[1]) for n in range(count)]
            client.quit()
        return letters

    def wait_for_letters(
        self, address: str, count: int = 1, is_wanted: Callable[[bytes], bool] = lambda _: True
    ) -> list[bytes]:
        """Exactly so many letters, as soon as there are so many."""

        def look() -> list[bytes]:
            found = [letter for letter in self.letters(address) if is_wanted(letter)]
            return found if len(found) >= count else []

        letters = eventually(look, f"{count} letters for {address}")
        assert len(letters) == count
        return letters

    def letter(self, address: str) -> bytes:
        """The one letter that an account has, as soon as it has it."""
        return self.wait_for_letters(address)[0]


def _event(line: str) -> Event:
    if not line.startswith("{"):
        return {"event": None, "line": line}
    try:
        found = json.loads(line)
    except ValueError:
        pytest.fail(f"this is no line of the log: {line}")
    assert isinstance(found, dict)
    return found
