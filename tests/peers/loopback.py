"""Addresses of this machine that no other test uses: 127.0.0.0/8 is large."""

from __future__ import annotations

import itertools
import os
import socket
from typing import Final

from peer_programs import missing

# 127.16-127.111: one /16 to a test process, one /24 to a run.
_WORKER: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_NUMBERS: Final = itertools.count(1)


def own_address(*, port: int = 0) -> str:
    """An address on which `port` is free, for TCP and UDP."""
    last = ""
    for number in itertools.islice(_NUMBERS, 50):
        address = f"127.{16 + _WORKER % 96}.{os.getpid() % 256}.{number % 254 + 1}"
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind((address, port))
        except OSError as error:
            last = f"{address}:{port}: {error.strerror}"
        else:
            return address
    return missing(f"port {port} cannot be had on loopback ({last})")


def free_port(address: str) -> int:
    """A port that nobody has at this address. It is ours alone, so it stays free."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        found: int = probe.getsockname()[1]
        return found


def accepts(address: str, port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(5.0)
        return probe.connect_ex((address, port)) == 0
