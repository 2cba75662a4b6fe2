"""REPLACE and UID REPLACE: the head; the message follows as events (upload).

Implements  RFC 8508 3.
Gives       Replace, read_replace, read_uid_replace.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import Cursor
from postel.proto.imap.fault import BadCommand
from postel.proto.imap.names import MailboxName
from postel.proto.imap.sequences import SequenceSet


@dataclass(frozen=True, slots=True)
class Replace(Command):
    """A message takes the place of another one, perhaps in another mailbox. `number` is one number, or `*`."""

    number: SequenceSet
    mailbox: MailboxName
    uid: bool = False


def read_replace(cursor: Cursor) -> Replace:
    """A sequence number and the mailbox."""
    return _read(cursor, uid=False)


def read_uid_replace(cursor: Cursor) -> Replace:
    """A UID and the mailbox."""
    return _read(cursor, uid=True)


def _read(cursor: Cursor, *, uid: bool) -> Replace:
    cursor.space()
    number = cursor.sequence_set()
    if number.is_saved or len(number.ranges) != 1 or number.ranges[0][0] != number.ranges[0][1]:
        raise BadCommand("one message is expected")
    cursor.space()
    return Replace(number, cursor.mailbox(), uid)
