"""`postel serve` as a process of its own, for tests of its life: what it says, how it ends, who it is.

Nothing here sleeps: every wait is for a line of the log or for the end of the process, with a deadline.
"""

from __future__ import annotations

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest

POSTEL: Final = Path(sys.executable).with_name("postel")
PATIENCE_S: Final = 60.0  # the machine may be slow and shared
PASSWORD: Final = "correct horse"
Event = dict[str, Any]

BASE: Final = """\
hostname = "mail.example.org"
data = "data"
"""
DOMAIN: Final = """
[[domain]]
name = "example.org"
"""
LOG: Final = """
[log]
format = "json"
"""
SINK: Final = """
[relay]
domains = ["sink.example"]
[route]
"sink.example" = "discard"
"""
LOGIN: Final = """
[login]
plaintext = ["127.0.0.0/8"]
"""


def listener(protocol: str, address: str = "127.0.0.1:0") -> str:
    """One [[listen]] table."""
    return f'\n[[listen]]\nprotocol = "{protocol}"\naddress = "{address}"\n'


def configuration(
    *protocols: str, rules: str = DOMAIN + LOGIN, top: str = "", listeners: str = "", log: str = LOG
) -> str:
    """A whole configuration. Who runs the test stays who he is, root too, unless `top` names a user."""
    user = "" if "user =" in top else 'user = "root"\n'
    return BASE + user + top + "".join(map(listener, protocols)) + listeners + rules + log


class Served:
    """One run of `postel serve`."""

    def __init__(
        self,
        folder: Path,
        text: str | None = None,
        *,
        command: Sequence[str | Path] = (POSTEL,),
        environment: Mapping[str, str] | None = None,
        **how: Any,
    ) -> None:
        self.config = folder / "postel.toml"
        if text is not None:
            self.config.write_text(text)
        self.lines: list[str] = []
        self._said = threading.Condition()
        self.process = subprocess.Popen(
            [*map(str, command), "--config", str(self.config), "serve"],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **how,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                with self._said:
                    self.lines.append(line.decode("utf-8", "replace").rstrip())
                    self._said.notify_all()

    # What it says

    @property
    def events(self) -> list[Event]:
        """What stands in its log."""
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    def names(self) -> list[str]:
        """The names of its events, in order."""
        return [event["event"] for event in self.events]

    def wait_for(self, name: str, *, since: int = 0, **fields: object) -> Event:
        """The first event of that name, from line `since` on, whose fields contain these texts."""
        deadline = time.monotonic() + PATIENCE_S
        with self._said:
            while True:
                for line in self.lines[since:]:
                    event = json.loads(line) if line.startswith("{") else {}
                    wanted = (str(value) in str(event.get(key)) for key, value in fields.items())
                    if event.get("event") == name and all(wanted):
                        return event
                if time.monotonic() > deadline or not self._reader.is_alive():
                    pytest.fail(f"no event={name} {fields}; it said:\n" + "\n".join(self.lines))
                self._said.wait(0.5)

    def ready(self) -> Served:
        """Itself, as soon as every listener accepts."""
        self.wait_for("ready")
        return self

    def port(self, protocol: str) -> int:
        """Where it listens for a protocol; the latest, after a reload."""
        self.wait_for("listening", protocol=protocol)
        found = [e for e in self.events if e["event"] == "listening" and e["protocol"] == protocol]
        return int(found[-1]["listener"].rpartition(":")[2])

    # What is done to it

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def reload(self, text: str | None = None, *, waits_for: str = "reloaded") -> Event:
        """Have it read its configuration anew; what it says then."""
        if text is not None:
            self.config.write_text(text)
        since = len(self.lines)
        self.signal(signal.SIGHUP)
        return self.wait_for(waits_for, since=since)

    def status(self, within_s: float = PATIENCE_S) -> int:
        """How it ended, as soon as it has."""
        try:
            found = self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it did not end within {within_s} s; it said:\n" + "\n".join(self.lines))
        self._reader.join()
        return found

    def end(self) -> None:
        """Ask it to end; it ends in order, and has not complained of itself."""
        self.signal(signal.SIGTERM)
        assert self.status() == 0, "\n".join(self.lines)
        faults = [line for line in self.lines if '"level": "error"' in line or "Traceback" in line]
        assert not faults, "\n".join(faults)

    def kill(self) -> None:
        """Nothing is left of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()


Serve = Callable[..., Served]


class Line:
    """A plain client: sends lines, reads replies."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), timeout=PATIENCE_S)
        self._file = self.socket.makefile("rb")

    def read(self) -> str:
        """One line; "" at the end of the stream."""
        return self._file.readline().decode("utf-8", "replace").rstrip("\r\n")

    def reply(self) -> str:
        """The last line of an SMTP reply, or the one of POP3."""
        line = self.read()
        while line[3:4] == "-":
            line = self.read()
        return line

    def send(self, *lines: str) -> None:
        """Send lines."""
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def ask(self, line: str) -> str:
        """Send a line, and give the reply."""
        self.send(line)
        return self.reply()

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self.socket.close()

    def __del__(self) -> None:
        with suppress(AttributeError):  # nobody was there
            self.close()


def smtp(port: int) -> Line:
    """A client that has said EHLO."""
    line = Line(port)
    assert line.reply().startswith("220")
    assert line.ask("EHLO client.example.net").startswith("250")
    return line


def begin_letter(line: Line, to: str, sender: str = "ann@example.net") -> None:
    """Up to the 354."""
    assert line.ask(f"MAIL FROM:<{sender}>").startswith("250")
    assert line.ask(f"RCPT TO:<{to}>").startswith("250")
    assert line.ask("DATA").startswith("354")


def send_letter(port: int, to: str, text: str = "hello", sender: str = "ann@example.net") -> str:
    """The reply to the content of a letter."""
    line = smtp(port)
    begin_letter(line, to, sender)
    line.send("Subject: test", "", text)
    reply = line.ask(".")
    line.close()
    return reply


def pop3(port: int, user: str, password: str = PASSWORD) -> Line:
    """A client that has logged in."""
    line = Line(port)
    assert line.reply().startswith("+OK")
    assert line.ask(f"USER {user}").startswith("+OK")
    answer = line.ask(f"PASS {password}")
    assert answer.startswith("+OK"), answer
    return line


def letters(port: int, user: str, password: str = PASSWORD) -> int:
    """How many letters an account has."""
    line = pop3(port, user, password)
    count = int(line.ask("STAT").split()[1])
    line.ask("QUIT")
    line.close()
    return count


def add_account(folder: Path, address: str, password: str = PASSWORD) -> str:
    """Make an account, as an operator does."""
    command = [POSTEL, "--config", folder / "postel.toml", "account", "add", address, "--password-stdin"]
    done = subprocess.run(
        list(map(str, command)),
        input=password,
        text=True,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return address


def eventually(look: Callable[[], bool], what: str) -> None:
    """Return as soon as `look` gives True."""
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        if time.monotonic() > deadline:
            pytest.fail(f"still not: {what}")
        threading.Event().wait(0.05)


def nobody() -> pwd.struct_passwd:
    """A user without any rights. Skips where only root could become it."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    return pwd.getpwnam("nobody")


# The installation may lie where only root can read it, as below /root; so everything is read before.
_AS_NOBODY: Final = """
import os, sys
import postel.cli.serve, postel.app, uvloop, encodings.idna
os.setgroups([])
os.setgid({gid})
os.setuid({uid})
sys.argv[0] = "postel"
postel.cli.main()
"""


def as_an_ordinary_user() -> tuple[str | Path, ...]:
    """The command `postel`, run by somebody who is not root."""
    if os.geteuid() != 0:
        return (POSTEL,)
    user = nobody()
    return sys.executable, "-c", _AS_NOBODY.format(gid=user.pw_gid, uid=user.pw_uid)


@contextmanager
def notify_socket(address: str) -> Iterator[socket.socket]:
    """A service manager's ear; `address` is a path, or `@name`."""
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ear.settimeout(PATIENCE_S)
    ear.bind("\0" + address[1:] if address.startswith("@") else address)
    with ear:
        yield ear
