"""Maildir folders: one file a message, its flags in the name.

Implements  the maildir format of qmail's maildir(5), the info part `:2,` with its letters.
Gives       is_maildir, list_maildir -> MaildirMessage; MaildirWriter.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from postel.store import Flags

_FLAGS: Final = {
    "D": Flags.DRAFT,
    "F": Flags.FLAGGED,
    "R": Flags.ANSWERED,
    "S": Flags.SEEN,
    "T": Flags.DELETED,
}
_INFO: Final = ":2,"
_DEPTHS: Final = ("cur", "new")


@dataclass(frozen=True, slots=True)
class MaildirMessage:
    """A file of a Maildir."""

    path: Path
    flags: Flags

    def open(self) -> tuple[IO[bytes], float]:
        """The file, and when its message came. Raises OSError.

        A link is not followed: the owner of a mailbox must not have root read another's files for them.
        """
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        return os.fdopen(descriptor, "rb"), os.fstat(descriptor).st_mtime


def is_maildir(directory: Path) -> bool:
    """Whether this is one."""
    return all((directory / name).is_dir() for name in _DEPTHS)


def list_maildir(directory: Path) -> list[MaildirMessage]:
    """Its messages in the order they came, as far as names tell. Raises OSError."""
    found = [
        MaildirMessage(Path(entry.path), parse_flags(entry.name) if name == "cur" else Flags.NONE)
        for name in _DEPTHS
        for entry in os.scandir(directory / name)
        if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False)
    ]
    return sorted(found, key=lambda message: _order(message.path.name))


def _order(name: str) -> tuple[int, str]:
    """Names begin with the second of delivery."""
    seconds = name.partition(".")[0]
    return (int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 12 else 0), name


def parse_flags(name: str) -> Flags:
    """The flags in a file's name; letters without a meaning here are passed over."""
    flags = Flags.NONE
    for letter in name.rpartition(_INFO)[2] if _INFO in name else "":
        flags |= _FLAGS.get(letter, Flags.NONE)
    return flags


def format_flags(flags: Flags) -> str:
    """The info part of a name."""
    return _INFO + "".join(letter for letter, flag in _FLAGS.items() if flag in flags)


class MaildirWriter:
    """Puts messages into a new Maildir; each appears whole or not at all."""

    def __init__(self, directory: Path) -> None:
        """Make the Maildir. Raises OSError."""
        self._directory = directory
        self._number = 0
        for name in ("", "tmp", *_DEPTHS):
            (directory / name).mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def message(self, came_at: float, flags: Flags) -> Iterator[IO[bytes]]:
        """The file to write a message to; it appears when that is done. Raises OSError."""
        self._number += 1
        name = f"{int(came_at)}.{self._number:08d}.postel"
        partial = self._directory / "tmp" / name
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.utime(partial, (came_at, came_at))
        folder, info = ("cur", format_flags(flags)) if flags else ("new", "")
        partial.rename(self._directory / folder / (name + info))
