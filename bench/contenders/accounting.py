"""What the kernel says of a server and all its processes, also those that have ended or left their parents.

Gives       Account, accounted, Cpu, settle, machine_busy_s, pss_of.

A control group of its own (cgroup 2) counts everything that ever ran in it, to the microsecond. Where none can be made
the process tree is read from /proc instead, which misses processes whose parents did not wait for them.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_REST_S: Final = 0.3
_NOTHING_S: Final = 0.02
_UNREST_S: Final = 10.0  # one that does not rest for so long never will
_JOIN: Final = 'echo $$ >"$0" && exec "$@"'  # the group's list of processes, and the command


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of processor time."""

    user_s: float
    system_s: float

    @property
    def total_s(self) -> float:
        return self.user_s + self.system_s

    def __sub__(self, other: Cpu) -> Cpu:
        return Cpu(self.user_s - other.user_s, self.system_s - other.system_s)


class Account(Protocol):
    """Whom a server's work is charged to."""

    def joined(self, command: list[str]) -> list[str]:
        """The command line that runs this command within the account."""

    def watch(self, root: int) -> None:
        """This is the process that the others descend from."""

    def cpu(self) -> Cpu:
        """Used so far."""

    def memory(self) -> int:
        """Octets that its processes have for themselves: what is shared counts in proportion (PSS)."""


@contextmanager
def accounted() -> Iterator[Account]:
    """A new account. At its end nothing of it is left running, where it is a control group."""
    group = _make_group()
    if group is None:
        yield _Tree()
        return
    try:
        yield _Group(group)
    finally:
        _remove(group)


# A control group


def _make_group() -> Path | None:
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            with contextlib.suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="postel-bench-", dir=place))
    return None


def _remove(group: Path) -> None:
    with contextlib.suppress(OSError):
        (group / "cgroup.kill").write_text("1")
    for _ in range(100):
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.05)


class _Group:
    def __init__(self, path: Path) -> None:
        self._path = path

    def joined(self, command: list[str]) -> list[str]:
        return ["/bin/sh", "-c", _JOIN, str(self._path / "cgroup.procs"), *command]

    def watch(self, root: int) -> None:
        """It need not be told."""

    def cpu(self) -> Cpu:
        facts = dict(line.split() for line in (self._path / "cpu.stat").read_text().splitlines())
        return Cpu(int(facts["user_usec"]) / 1e6, int(facts["system_usec"]) / 1e6)

    def memory(self) -> int:
        return sum(pss_of(int(pid)) for pid in (self._path / "cgroup.procs").read_text().split())


# A process tree


class _Tree:
    _root = 0

    def joined(self, command: list[str]) -> list[str]:
        return command

    def watch(self, root: int) -> None:
        self._root = root

    def cpu(self) -> Cpu:
        user = system = 0
        for pid in _descendants(self._root):
            if fields := _stat(pid):
                user += int(fields[11]) + int(fields[13])
                system += int(fields[12]) + int(fields[14])
        return Cpu(user / _TICKS_PER_S, system / _TICKS_PER_S)

    def memory(self) -> int:
        return sum(pss_of(pid) for pid in _descendants(self._root))


def settle(account: Account, patience_s: float = _UNREST_S, rest_s: float = _REST_S) -> float:
    """Wait until the processes of an account rest, but not longer than that; when their rest began (perf_counter).

    rest_s   who used no CPU for so long has nothing left to do. A disk that is full of work makes longer pauses.
    """
    last, since_s = account.cpu().total_s, time.perf_counter()
    ends_s = since_s + patience_s
    while (now_s := time.perf_counter()) - since_s < rest_s and now_s < ends_s:
        time.sleep(0.05)
        used = account.cpu().total_s
        if used - last > _NOTHING_S:
            last, since_s = used, time.perf_counter()
    return since_s


def machine_busy_s() -> float:
    """Seconds that processors of this machine were used so far, by anybody."""
    fields = [int(word) for word in Path("/proc/stat").read_text().partition("\n")[0].split()[1:]]
    user, nice, system, _, _, irq, softirq, steal, *_ = fields
    return (user + nice + system + irq + softirq + steal) / _TICKS_PER_S


def pss_of(pid: int) -> int:
    """Octets; 0 when the process is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _descendants(root: int) -> set[int]:
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := _stat(int(entry))):
            parents[int(entry)] = int(fields[1])
    wanted, grew = {root}, True
    while grew:
        more = {pid for pid, parent in parents.items() if parent in wanted} - wanted
        grew = bool(more)
        wanted |= more
    return wanted & parents.keys()


def _stat(pid: int) -> list[str]:
    """proc(5): what stands after the command's name, which may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
