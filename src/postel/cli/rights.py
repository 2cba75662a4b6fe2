"""Acting as the owner of the data directory, and now and then as oneself again.

Gives       Rights.
Why         Who imports mail as root has files that the data directory's owner may not read, while everything in
            the data directory must belong to that owner. Other commands give root up for good instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Rights:
    """Two identities of one process. Only for work that makes no files in two threads at once."""

    def __init__(self) -> None:
        self._own = (os.geteuid(), os.getegid())
        self._acting = self._own

    def act_as_owner(self, directory: Path) -> None:
        """From now on be the directory's owner, where root may. Raises OSError."""
        if os.geteuid() == 0 and directory.exists():
            owner = directory.stat()
            self._acting = (owner.st_uid, owner.st_gid)
            _become(*self._acting)

    @contextmanager
    def oneself(self) -> Iterator[None]:
        """Be again who started the command, to open a file of theirs."""
        os.seteuid(self._own[0])
        os.setegid(self._own[1])
        try:
            yield
        finally:
            _become(*self._acting)


def _become(uid: int, gid: int) -> None:
    os.setegid(gid)  # first, while we may
    os.seteuid(uid)
