"""Which run of the operating system this is.

Gives       boot_id.

What a killed process has written is there as long as the system runs on; what it has synced survives a power cut.
So whoever finds a file must know whether the system was started anew since.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_LINUX: Final = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """The same as long as the system runs, and never again; "" where it cannot be told."""
    try:
        # UTF-8, which is built in: a server that gave root up may not be able to load another codec.
        return _LINUX.read_bytes().decode("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
