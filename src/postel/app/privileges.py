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

from postel.net import Endpoint, listening_socket

DEFAULT_USER: Final = "postel"


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
    try:
        return listening_socket(endpoint)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(endpoint)) from None


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
    groups = [group.gr_gid for group in grp.getgrall() if user in group.gr_mem]
    _become(entry.pw_uid, entry.pw_gid, groups)
    os.environ["HOME"] = entry.pw_dir


def become_owner_of(directory: Path, user: str | None = None) -> None:
    """When root works on a data directory of another user, work as that user.

    Else files would appear in it that the server cannot write. A directory that is not there yet is made for
    `user`, the one that the configuration names, or for `postel` where there is one. Raises CannotBecome.
    """
    if os.geteuid() != 0:
        return
    if not directory.exists():
        user = user or default_user()
        if user not in (None, "root"):
            become(user, [directory])
        return
    owner = directory.stat()
    if owner.st_uid != 0:
        _become_number(owner.st_uid, owner.st_gid)


def _become_number(uid: int, gid: int) -> None:
    """Become a user that may have no name here, as in a container."""
    try:
        become(pwd.getpwuid(uid).pw_name, [])
    except KeyError:
        _become(uid, gid, [])


def _become(uid: int, gid: int, groups: list[int]) -> None:
    try:
        os.setgroups(groups)
        os.setgid(gid)
        os.setuid(uid)
    except PermissionError:
        raise CannotBecome(f"only root can become user {uid}") from None
