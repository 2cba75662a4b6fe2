"""STORE and UID STORE.

Implements  RFC 9051 6.4.6, 6.4.9, RFC 7162 3.1.3 (UNCHANGEDSINCE).
Gives       Store, FlagChange, read_store, read_uid_store.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import FLAGS_LIMIT, Cursor
from postel.proto.imap.fault import BadCommand
from postel.proto.imap.sequences import SequenceSet


class FlagChange(enum.Enum):
    """RFC 9051 6.4.6: what happens to the flags."""

    REPLACE = b""
    ADD = b"+"
    REMOVE = b"-"


@dataclass(frozen=True, slots=True)
class Store(Command):
    """A change of flags.

    is_silent         no untagged FETCH for our own changes (but MODSEQ under CONDSTORE).
    unchanged_since   only messages whose mod-sequence is not above this.
    """

    numbers: SequenceSet
    change: FlagChange
    flags: tuple[bytes, ...]
    is_silent: bool = False
    unchanged_since: int | None = None
    uid: bool = False


_CHANGES = {
    prefix.value + b"FLAGS" + silent: (prefix, bool(silent))
    for prefix in FlagChange
    for silent in (b"", b".SILENT")
}


def read_store(cursor: Cursor) -> Store:
    """A set of sequence numbers, perhaps a modifier, the change and the flags."""
    return _read(cursor, uid=False)


def read_uid_store(cursor: Cursor) -> Store:
    """The same with UIDs."""
    return _read(cursor, uid=True)


def _read(cursor: Cursor, *, uid: bool) -> Store:
    cursor.space()
    numbers = cursor.sequence_set()
    cursor.space()
    unchanged_since = None
    if cursor.is_at(b"(") and cursor.knows("CONDSTORE"):
        unchanged_since = _read_modifier(cursor)
        cursor.space()
    change, is_silent = cursor.word(_CHANGES, "change of flags")
    cursor.space()
    flags = cursor.flag_list() if cursor.is_at(b"(") else _read_bare_flags(cursor)
    return Store(numbers, change, flags, is_silent, unchanged_since, uid)


def _read_modifier(cursor: Cursor) -> int:
    cursor.expect(b"(")
    if cursor.keyword() != b"UNCHANGEDSINCE":
        raise BadCommand("unknown modifier")
    cursor.space()
    modseq = cursor.modseq()
    cursor.expect(b")")
    return modseq


def _read_bare_flags(cursor: Cursor) -> tuple[bytes, ...]:
    flags = [cursor.flag()]
    while cursor.skip(b" ") and not cursor.at_end and len(flags) <= FLAGS_LIMIT:
        flags.append(cursor.flag())
    return tuple(dict.fromkeys(flags))
