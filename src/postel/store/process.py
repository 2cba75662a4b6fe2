"""This process by a name that no other process ever had, and whether the process of a name still lives.

Gives       process_name, is_dead.

A process that was killed frees what it held at once, instead of when its lease ends, if whoever asks runs on the
same host. Where the system cannot tell (no /proc, another host, another container), the lease decides.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")


def process_name(pid: int | None = None) -> str:
    """`boot/pid namespace/pid/start time` of a process, ours by default; empty where the system does not say."""
    pid = os.getpid() if pid is None else pid
    return f"{_host()}/{pid}/{_started(pid) or ''}"


def is_dead(name: str) -> bool:
    """Whether the process of this name has certainly ended."""
    place, _, started = name.rpartition("/")
    host, _, pid = place.rpartition("/")
    if host != _host() or not host.strip("/") or not started or not pid.isdecimal():
        return False
    return _started(int(pid)) != started


def _host() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.stat(_PROC / 'self/ns/pid').st_ino}"
    except OSError:
        return "/"


def _started(pid: int) -> str | None:
    """When the process started, in clock ticks since boot (proc(5), field 22); None when there is none."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except (OSError, ValueError):
        return None
    # The second field is the program's name in brackets and may hold blanks and brackets itself.
    return stat.rpartition(")")[2].split()[19]
