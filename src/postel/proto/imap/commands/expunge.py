"""EXPUNGE and UID EXPUNGE.

Implements  RFC 9051 6.4.3, 6.4.9, RFC 4315 2.1.
Gives       Expunge, read_expunge, read_uid_expunge.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.sequences import SequenceSet


@dataclass(frozen=True, slots=True)
class Expunge(Command):
    r"""Remove what is \Deleted; only of these UIDs where they are given."""

    uids: SequenceSet | None = None


def read_expunge(cursor: Cursor) -> Expunge:
    """No arguments."""
    return Expunge()


def read_uid_expunge(cursor: Cursor) -> Expunge:
    """A set of UIDs."""
    cursor.space()
    return Expunge(cursor.sequence_set())
