"""Ports below 1024 are opened as root; everything after that runs as nobody special.

Gives       become(user), make_over(directory, user), become_owner_of(directory), check_user(user), current_user(),
            default_user().
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from postel.database import FILE_NAME

DEFAULT_USER: Final = "postel"


class CannotBecome(Exception):
    """The user to run as does not exist, or we may not become it, or give it its data."""


def default_user() -> str | None:
    """`postel`, where the machine has such a user."""
    try:
        return pwd.getpwnam(DEFAULT_USER).pw_name
    except KeyError:
        return None


def current_user() -> str:
    """Who we are: a name, or the number of a user who has none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def check_user(user: str) -> None:
    """Raises CannotBecome where the machine has no such user."""
    _entry(user)


def become(user: str) -> None:
    """Give up root for good: identity, groups and capabilities. Raises CannotBecome."""
    entry = _entry(user)
    _become(entry.pw_uid, entry.pw_gid, os.getgrouplist(user, entry.pw_gid))
    os.environ |= {"HOME": entry.pw_dir, "USER": user, "LOGNAME": user}


def make_over(directory: Path, user: str) -> None:
    """Make root's data directory the user's, and what is in it; it is made first where it is not there.

    Only a directory that is empty or holds a database of ours: `data = "/var"` shall not cost anybody /var. And
    only what nobody but root can have put there: a link to a stranger's file must not give that file away.
    Raises CannotBecome, OSError.
    """
    entry = _entry(user)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = directory.stat()
    if facts.st_uid == entry.pw_uid:
        return
    if facts.st_uid != 0 or facts.st_mode & 0o022 or not _is_ours(directory):
        raise CannotBecome(
            f"{directory} does not belong to {user}; name another directory as data, "
            f"or make this one over with: chown -R {user} {directory}"
        )
    for path in (*_of_root(directory), str(directory)):
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def _is_ours(directory: Path) -> bool:
    return (directory / FILE_NAME).exists() or not any(directory.iterdir())


def _of_root(directory: Path) -> Iterator[str]:
    """All that root has below a directory of root's, the deepest last; not what is in directories of others."""
    for folder, names, files in os.walk(directory):
        paths = {name: os.path.join(folder, name) for name in (*names, *files)}
        mine = {name for name, path in paths.items() if os.lstat(path).st_uid == 0}
        names[:] = [name for name in names if name in mine]
        yield from (paths[name] for name in mine)


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
            make_over(directory, user)
            become(user)
        return
    owner = directory.stat()
    if owner.st_uid != 0:
        _become_number(owner.st_uid, owner.st_gid)


def _become_number(uid: int, gid: int) -> None:
    """Become a user that may have no name here, as in a container."""
    try:
        become(pwd.getpwuid(uid).pw_name)
    except KeyError:
        _become(uid, gid, [])


def _entry(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(user)
    except KeyError:
        raise CannotBecome(f"there is no user {user}; make it with: useradd --system {user}") from None


def _become(uid: int, gid: int, groups: list[int]) -> None:
    """The kernel takes all capabilities away with the last of the three user ids (capabilities(7))."""
    try:
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    except PermissionError:
        raise CannotBecome(f"only root can become user {uid}") from None
