"""What is asked of a mail server that is to be measured.

Gives       Contender, Setting, Running, Purpose; cpu_of and memory_of, which see the whole process tree.
"""

from __future__ import annotations

import contextlib
import enum
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PATIENCE_S: Final = 30.0
DOMAIN: Final = "example.org"
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
    workers     processes that serve, where the server has such a setting.
    extra       lines for the server's own configuration.
    """

    folder: Path
    purpose: Purpose
    sink_port: int = 0
    workers: int = 1
    extra: str = ""


class Running(Protocol):
    """A server that accepts connections."""

    port: int

    def root(self) -> int:
        """The process that all its others descend from."""

    def delivered(self) -> int | None:
        """How many messages are in its mailboxes; None where it cannot tell."""

    def stop(self) -> None:
        """Nothing of it is left running."""


class Contender(Protocol):
    """A kind of server."""

    name: str

    def is_installed(self) -> bool:
        """Whether it can be started here."""

    def start(self, setting: Setting) -> Running:
        """Returns when it accepts connections."""


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
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


# Accounting


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of processor time of a process tree, with what its ended processes used."""

    user_s: float
    system_s: float

    @property
    def total_s(self) -> float:
        return self.user_s + self.system_s

    def __sub__(self, other: Cpu) -> Cpu:
        return Cpu(self.user_s - other.user_s, self.system_s - other.system_s)


def cpu_of(root: int) -> Cpu:
    """As /proc tells it: each process, and the children it has waited for."""
    user = system = 0
    for pid in _tree(root):
        fields = _stat(pid)
        if fields:
            user += int(fields[11]) + int(fields[13])
            system += int(fields[12]) + int(fields[14])
    return Cpu(user / _TICKS_PER_S, system / _TICKS_PER_S)


def memory_of(root: int) -> int:
    """Octets of memory that the tree has for itself: what is shared counts in proportion (PSS)."""
    total = 0
    for pid in _tree(root):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def _tree(root: int) -> Iterator[int]:
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := _stat(int(entry))):
            parents[int(entry)] = int(fields[1])
    wanted = {root}
    grew = True
    while grew:
        more = {pid for pid, parent in parents.items() if parent in wanted} - wanted
        grew = bool(more)
        wanted |= more
    yield from wanted & ({root} | parents.keys())


def _stat(pid: int) -> list[str]:
    """proc(5): what stands after the command's name, which may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


class Foreground:
    """A server that is one child process of ours, which ends by SIGTERM."""

    def __init__(
        self, command: list[str], port: int, *, folder: Path, count: Callable[[], int] | None = None
    ) -> None:
        self.port = port
        self._count = count
        self._log = (folder / "output").open("wb")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, cwd=folder)
        try:
            wait_until_it_listens(port, self._process)
        except BaseException:
            self.stop()
            print((folder / "output").read_text(errors="replace")[-4000:])
            raise

    def root(self) -> int:
        return self._process.pid

    def delivered(self) -> int | None:
        return self._count() if self._count else None

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def count_files(folder: Path) -> Callable[[], int]:
    """How many files are in a maildir's `new`."""
    return lambda: sum(1 for _ in os.scandir(folder)) if folder.is_dir() else 0
