"""COPY and UID COPY.

Implements  RFC 9051 6.4.7, 6.4.9.
Gives       Copy, read_copy, read_uid_copy.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.names import MailboxName
from postel.proto.imap.sequences import SequenceSet


@dataclass(frozen=True, slots=True)
class Copy(Command):
    """Messages, with flags and dates, again in another mailbox."""

    numbers: SequenceSet
    mailbox: MailboxName
    uid: bool = False


def read_copy(cursor: Cursor) -> Copy:
    """A set of sequence numbers and a name."""
    return _read(cursor, uid=False)


def read_uid_copy(cursor: Cursor) -> Copy:
    """A set of UIDs and a name."""
    return _read(cursor, uid=True)


def _read(cursor: Cursor, *, uid: bool) -> Copy:
    cursor.space()
    numbers = cursor.sequence_set()
    cursor.space()
    return Copy(numbers, cursor.mailbox(), uid)
