"""Trees of folders in files: which folder is which mailbox.

Implements  Maildir++ (folders beside each other, named `.Work.Plans`), Maildirs within directories, mbox files within
            directories (also those of Thunderbird, which keeps what is below X in X.sbd).
Gives       Folder, find_folders, maildir_plus_plus.
Not here    The formats of one folder: cli.maildir, cli.mbox.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from postel.cli.maildir import is_maildir
from postel.cli.skipped import Skipped
from postel.cli.work import CannotDo
from postel.mail import BadSyntax
from postel.proto.imap import decode_utf7, encode_utf7
from postel.store import INBOX, SEPARATOR, BadMailboxName, MailboxName, StoreOptions, checked_name

DEPTH_LIMIT: Final = 30
_BELOW: Final = ".sbd"
_DOT: Final = "&AC4-"  # a dot in the name of a level
_OF_MAILDIR: Final = frozenset({"cur", "new", "tmp"})
# What programs keep beside mail.
_NO_MAIL: Final = (".msf", ".dat", ".lock", ".index", ".cache", ".log", ".html", ".json", ".sqlite")
_MBOX: Final = b"From "


@dataclass(frozen=True, slots=True)
class Folder:
    """A Maildir or a mbox file, and the mailbox that it becomes."""

    name: MailboxName
    path: Path


def find_folders(top: Path, skipped: Skipped) -> list[Folder]:
    """All folders in a tree, by name, INBOX first. Raises CannotDo where there is none, OSError."""
    found = list(_plus_plus(top, skipped) if is_maildir(top) else _below(top, (), 0, skipped))
    if not found and not skipped.number:
        raise CannotDo(f"{top} holds neither Maildirs nor mbox files")
    return sorted(found, key=lambda folder: (folder.name != INBOX, folder.name))


def _plus_plus(top: Path, skipped: Skipped) -> Iterator[Folder]:
    yield Folder(INBOX, top)
    for entry in os.scandir(top):
        is_folder = entry.name.startswith(".") and len(entry.name) > 1
        if is_folder and entry.is_dir(follow_symlinks=False) and is_maildir(Path(entry.path)):
            yield from _folder(entry.name[1:].split("."), Path(entry.path), skipped)


def _below(directory: Path, above: tuple[str, ...], depth: int, skipped: Skipped) -> Iterator[Folder]:
    """Raises OSError for the topmost directory alone."""
    if depth > DEPTH_LIMIT:
        skipped.add(directory, CannotDo("it is too deep in the tree"))
        return
    is_in_maildir = is_maildir(directory)
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        path, levels = Path(entry.path), (*above, entry.name.removesuffix(_BELOW))
        try:
            if entry.is_dir(follow_symlinks=False) and not (is_in_maildir and entry.name in _OF_MAILDIR):
                if is_maildir(path):
                    yield from _folder(levels, path, skipped)
                yield from _below(path, levels, depth + 1, skipped)
            elif entry.is_file(follow_symlinks=False) and not is_in_maildir and _is_mbox(path):
                yield from _folder((*above, entry.name.removesuffix(".mbox")), path, skipped)
        except OSError as trouble:
            skipped.add(path, trouble)


def _is_mbox(path: Path) -> bool:
    if path.name.startswith(".") or path.name.endswith(_NO_MAIL):
        return False
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(len(_MBOX)) == _MBOX


def _folder(levels: Sequence[str], path: Path, skipped: Skipped) -> Iterator[Folder]:
    """The mailbox for these levels, which servers write in modified UTF-7; none, where it cannot have that name."""
    try:
        name = checked_name(SEPARATOR.join(map(_decoded, levels)), StoreOptions())
    except BadMailboxName as complaint:
        skipped.add(path, complaint)
    else:
        yield Folder(INBOX if name.upper() == INBOX else name, path)


def _decoded(level: str) -> str:
    try:
        # Dots are written as their own shift, which no other ASCII character may be.
        parts = [decode_utf7(part.encode("ascii")) for part in level.split(_DOT)]
        return ".".join(parts).replace(SEPARATOR, "_")
    except (BadSyntax, UnicodeEncodeError):
        return level.replace(SEPARATOR, "_")


def maildir_plus_plus(top: Path, name: MailboxName) -> Path:
    """Where a mailbox is in a Maildir++ tree; a dot in a level is written as modified UTF-7, or it would part two."""
    if name == INBOX:
        return top
    levels = (encode_utf7(level).decode("ascii").replace(".", _DOT) for level in name.split(SEPARATOR))
    return top / ("." + ".".join(levels))
