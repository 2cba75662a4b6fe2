"""Working under systemd: readiness, and sockets opened by it.

Implements  sd_notify(3) (NOTIFY_SOCKET), sd_listen_fds(3) (LISTEN_PID, LISTEN_FDS).
Gives       notify, ready, reloading, stopping; inherited_sockets().
Elsewhere   All of it does nothing where systemd is not there.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, MutableMapping
from typing import Final

from postel.net import Endpoint
from postel.observe import logger

log = logger("app")

FIRST_DESCRIPTOR: Final = 3  # SD_LISTEN_FDS_START


def ready(status: str) -> None:
    """Starting or reloading is over; `status` is shown by `systemctl status`."""
    notify(f"READY=1\nSTATUS={status}", os.environ)


def reloading() -> None:
    """Reading the configuration anew. Type=notify-reload waits for this, and for `ready` after it."""
    # sd_notify(3): with the time, of CLOCK_MONOTONIC, so that it is told from an earlier reload's.
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}\nSTATUS=Reloading", os.environ)


def stopping() -> None:
    """The end has begun."""
    notify("STOPPING=1\nSTATUS=Finishing what is under way", os.environ)


def notify(state: str, environment: Mapping[str, str]) -> bool:
    """Tell the service manager, lines of `NAME=value`. False where there is none, or it does not listen."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        try:
            out.sendto(state.encode(), address)
        except OSError:
            return False
    return True


def inherited_sockets(environment: MutableMapping[str, str]) -> dict[Endpoint, socket.socket]:
    """The listening sockets that systemd opened for us, by where they listen. Others are closed, and logged.

    The variables are taken out of the environment, so that no child believes them its own.
    """
    pid, count = environment.pop("LISTEN_PID", ""), environment.pop("LISTEN_FDS", "0")
    names = environment.pop("LISTEN_FDNAMES", "").split(":")
    if pid != str(os.getpid()) or not (count.isascii() and count.isdecimal()):
        return {}
    found: dict[Endpoint, socket.socket] = {}
    for number in range(int(count)):
        name = names[number] if number < len(names) else ""
        taken = _listening(FIRST_DESCRIPTOR + number, name)
        if taken is not None:
            found[_endpoint(taken)] = taken
    return found


def _listening(descriptor: int, name: str) -> socket.socket | None:
    """The descriptor as a socket that streams can be accepted from; None for anything else."""
    try:
        os.set_inheritable(descriptor, False)
        taken = socket.socket(fileno=descriptor)
    except OSError as error:
        log.trouble("socket_unused", descriptor=descriptor, name=name, because=error.strerror)
        return None
    if taken.family in _FAMILIES and taken.type == socket.SOCK_STREAM and _accepts(taken):
        return taken
    log.trouble("socket_unused", descriptor=descriptor, name=name, because="it accepts no streams")
    taken.close()
    return None


_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)


def _accepts(taken: socket.socket) -> bool:
    return bool(taken.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _endpoint(listening: socket.socket) -> Endpoint:
    name = listening.getsockname()
    if listening.family == socket.AF_UNIX:
        return Endpoint(os.fsdecode(name), 0)
    return Endpoint(name[0], name[1])
