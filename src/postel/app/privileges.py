"""Ports below 1024 are opened as root; everything after that runs as nobody special.

Gives       bind_first(endpoints), become(user), default_user().
"""

from __future__ import annotations

import grp
import os
import pwd
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from postel.net import Endpoint

DEFAULT_USER: Final = "postel"
BACKLOG: Final = 2048  # a burst of new connections shall not wait for TCP's retransmissions


class CannotBecome(Exception):
    """The user to run as does not exist, or we may not become it."""


def default_user() -> str | None:
    """`postel`, where the machine has such a user."""
    try:
        return pwd.getpwnam(DEFAULT_USER).pw_name
    except KeyError:
        return None


def bind_first(endpoints: Iterable[Endpoint]) -> dict[Endpoint, socket.socket]:
    """Open the listening sockets that only root may open. Raises OSError, the endpoint in its `filename`."""
    return {endpoint: _bound(endpoint) for endpoint in endpoints if 0 < endpoint.port < 1024}


def _bound(endpoint: Endpoint) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((endpoint.host, endpoint.port))
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, error.strerror, str(endpoint)) from None
    return listening


def become(user: str, own: Iterable[Path]) -> None:
    """Give up root for good. The directories `own` are made over to the user first. Raises CannotBecome."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise CannotBecome(f"there is no user {user}; make it with: useradd --system {user}") from None
    for directory in own:
        directory.mkdir(parents=True, exist_ok=True)
        for path in (directory, *directory.rglob("*")):
            os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
    try:
        os.setgroups([group.gr_gid for group in grp.getgrall() if user in group.gr_mem])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    except PermissionError:
        raise CannotBecome(f"only root can become {user}") from None
    os.environ["HOME"] = entry.pw_dir


def become_owner_of(directory: Path) -> None:
    """When root works on a data directory of another user, work as that user.

    Else files would appear in it that the server cannot write. Raises CannotBecome.
    """
    if os.geteuid() != 0 or not directory.exists():
        return
    owner = directory.stat().st_uid
    if owner != 0:
        become(pwd.getpwuid(owner).pw_name, [])
