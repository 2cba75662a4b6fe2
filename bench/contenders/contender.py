"""What is asked of a mail server that is to be measured.

Gives       Contender, Setting, Running, Purpose, Foreground, and what starting one takes.
"""

from __future__ import annotations

import contextlib
import enum
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from bench.contenders.accounting import Account

_PATIENCE_S: Final = 30.0
REPOSITORY: Final = Path(__file__).resolve().parents[2]
DOMAIN: Final = "example.org"
DEAD_DOMAIN: Final = "dead.example"  # has mail that cannot leave
HOSTNAME: Final = "mx.example.org"


class Purpose(enum.StrEnum):
    """What becomes of the mail for DOMAIN."""

    DISCARD = "accepted, stored, and thrown away"
    RELAY = "relayed to a sink"
    MAILBOX = "delivered to a mailbox"


@dataclass(frozen=True, slots=True)
class Setting:
    """One server to start.

    folder      empty, on the disk to measure.
    sink_port   of 127.0.0.1, for Purpose.RELAY.
    size_bytes  of the largest message that it must take.
    account     whom its processes are charged to.
    """

    folder: Path
    purpose: Purpose
    account: Account
    sink_port: int = 0
    size_bytes: int = 10_000_000


class Running(Protocol):
    """A server that accepts connections."""

    port: int

    account: Account

    def delivered(self) -> int | None:
        """How many messages are in its mailboxes; None where it cannot tell."""

    def stop(self) -> None:
        """Nothing of it is left running."""


class Contender(Protocol):
    """A kind of server, with one choice of settings.

    purposes        what it can do.
    most_sessions   that its settings let in at a time.
    has_dead_domain whether it is set up for mail to DEAD_DOMAIN too, whose host refuses connections.
    """

    name: str
    purposes: frozenset[Purpose]
    most_sessions: int
    has_dead_domain: bool

    def missing(self) -> str:
        """What keeps it from being started here; "" when nothing does."""

    def start(self, setting: Setting) -> Running:
        """Returns when it accepts connections."""


def environment() -> dict[str, str]:
    """What programs are run with: the code of this checkout, whichever is installed."""
    return {**os.environ, "PYTHONPATH": f"{REPOSITORY}/src:{REPOSITORY}", "PYTHONSAFEPATH": "1"}


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has. Somebody may take it before the server does; then the run fails."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_until_it_listens(port: int, process: subprocess.Popen[bytes] | None = None) -> None:
    """Raises TimeoutError when nothing greets there in time, or RuntimeError when `process` has ended."""
    ends_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < ends_s:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as one:
            one.settimeout(5)
            if one.recv(3) == b"220":
                one.sendall(b"QUIT\r\n")
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


class Foreground:
    """A server that is one child process of ours, perhaps with children of its own, and ends by SIGTERM."""

    def __init__(
        self, command: list[str], port: int, setting: Setting, count: Callable[[], int] | None = None
    ) -> None:
        folder, self.port, self.account = setting.folder, port, setting.account
        self._count = count
        self._log = (folder / "output").open("wb")
        self._process = subprocess.Popen(
            self.account.joined(command),
            stdout=self._log,
            stderr=self._log,
            cwd=folder,
            env=environment(),
            start_new_session=True,
        )
        self.account.watch(self._process.pid)
        try:
            wait_until_it_listens(port, self._process)
        except BaseException:
            self.stop()
            print((folder / "output").read_text(errors="replace")[-4000:])
            raise

    def delivered(self) -> int | None:
        return self._count() if self._count else None

    def stop(self) -> None:
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # what is left of its session
        self._process.wait()
        self._log.close()


def count_files(folder: Path) -> Callable[[], int]:
    """How many files are in a maildir's `new`."""
    return lambda: sum(1 for _ in os.scandir(folder)) if folder.is_dir() else 0
