"""THREAD and UID THREAD.

Implements  RFC 5256 3.
Gives       Thread, read_thread, read_uid_thread.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.commands.search_keys import read_charset, read_keys
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand
from postel.proto.imap.search_values import SearchKey, ThreadAlgorithm


@dataclass(frozen=True, slots=True)
class Thread(Command):
    """What the key finds, as conversations."""

    algorithm: ThreadAlgorithm
    key: SearchKey
    uid: bool = False


_ALGORITHMS = {algorithm.value: algorithm for algorithm in ThreadAlgorithm}


def read_thread(cursor: Cursor) -> Thread:
    """An algorithm, a charset, keys."""
    return _read(cursor, uid=False)


def read_uid_thread(cursor: Cursor) -> Thread:
    """The same; the answer is in UIDs."""
    return _read(cursor, uid=True)


def _read(cursor: Cursor, *, uid: bool) -> Thread:
    cursor.space()
    algorithm = cursor.word(_ALGORITHMS, "threading algorithm")
    if not cursor.knows(f"THREAD={algorithm.name}"):
        raise BadCommand("unknown threading algorithm")
    cursor.space()
    charset = read_charset(cursor)
    cursor.space()
    return Thread(algorithm, read_keys(cursor, charset), uid)
