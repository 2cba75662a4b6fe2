"""MOVE and UID MOVE.

Implements  RFC 9051 6.4.8, 6.4.9, RFC 6851.
Gives       Move, read_move, read_uid_move.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.names import MailboxName
from postel.proto.imap.sequences import SequenceSet


@dataclass(frozen=True, slots=True)
class Move(Command):
    """Messages leave for another mailbox."""

    numbers: SequenceSet
    mailbox: MailboxName
    uid: bool = False


def read_move(cursor: Cursor) -> Move:
    """A set of sequence numbers and a name."""
    return _read(cursor, uid=False)


def read_uid_move(cursor: Cursor) -> Move:
    """A set of UIDs and a name."""
    return _read(cursor, uid=True)


def _read(cursor: Cursor, *, uid: bool) -> Move:
    cursor.space()
    numbers = cursor.sequence_set()
    cursor.space()
    return Move(numbers, cursor.mailbox(), uid)
