"""Working under systemd: readiness, and sockets opened by it.

Implements  sd_notify(3) (NOTIFY_SOCKET), sd_listen_fds(3) (LISTEN_PID, LISTEN_FDS).
Gives       notify(state), inherited_sockets().
Elsewhere   Both do nothing where systemd is not there.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, MutableMapping
from typing import Final

from postel.net import Endpoint

FIRST_DESCRIPTOR: Final = 3  # SD_LISTEN_FDS_START


def notify(state: str, environment: Mapping[str, str]) -> bool:
    """Tell the service manager, e.g. `READY=1`. False where there is none, or it does not listen."""
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
    """The listening sockets that systemd opened for us, by where they listen.

    The variables are taken out of the environment, so that no child believes them its own.
    """
    pid, count = environment.pop("LISTEN_PID", ""), environment.pop("LISTEN_FDS", "0")
    environment.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdecimal():
        return {}
    sockets = (socket.socket(fileno=FIRST_DESCRIPTOR + n) for n in range(int(count)))
    return {_endpoint(taken): taken for taken in sockets}


def _endpoint(listening: socket.socket) -> Endpoint:
    os.set_inheritable(listening.fileno(), False)
    name = listening.getsockname()
    if listening.family == socket.AF_UNIX:
        return Endpoint(os.fsdecode(name), 0)
    return Endpoint(name[0], name[1])
