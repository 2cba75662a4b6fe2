"""SELECT and EXAMINE.

Implements  RFC 9051 6.3.2, 6.3.3, RFC 7162 3.1.8 (CONDSTORE) and 3.2.5 (QRESYNC).
Gives       Select, Resync, read_select, read_examine.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import MAX_63, Cursor
from postel.proto.imap.fault import BadCommand, UidRequired
from postel.proto.imap.names import MailboxName
from postel.proto.imap.sequences import SequenceSet, UidSet


@dataclass(frozen=True, slots=True)
class Resync:
    """What the client knows of the mailbox (RFC 7162 3.2.5).

    known_uids               UIDs it has; None: all.
    match_seqs, match_uids   sequence numbers and their UIDs, as far as it remembers them (3.2.5.2).
    """

    uid_validity: int
    modseq: int
    known_uids: UidSet | None = None
    match_seqs: UidSet | None = None
    match_uids: UidSet | None = None


@dataclass(frozen=True, slots=True)
class Select(Command):
    """Open a mailbox; read only for EXAMINE."""

    mailbox: MailboxName
    is_read_only: bool = False
    condstore: bool = False
    resync: Resync | None = None


def read_select(cursor: Cursor) -> Select:
    """A name and perhaps parameters."""
    return _read(cursor, is_read_only=False)


def read_examine(cursor: Cursor) -> Select:
    """The same, to read only."""
    return _read(cursor, is_read_only=True)


def _read(cursor: Cursor, *, is_read_only: bool) -> Select:
    cursor.space()
    mailbox = cursor.mailbox()
    condstore, resync = False, None
    if cursor.skip(b" ("):
        while not cursor.skip(b")"):
            name = cursor.keyword()
            if name == b"CONDSTORE" and cursor.knows("CONDSTORE"):
                condstore = True
            elif name == b"QRESYNC" and cursor.knows("QRESYNC") and resync is None:
                resync = _read_resync(cursor)
            else:
                raise BadCommand("unknown parameter")
            cursor.skip(b" ")
    return Select(mailbox, is_read_only, condstore or resync is not None, resync)


def _read_resync(cursor: Cursor) -> Resync:
    # RFC 7162 3.2.5: BAD unless ENABLE QRESYNC came before.
    if "QRESYNC" not in cursor.reading.enabled:
        raise BadCommand("ENABLE QRESYNC comes first")
    cursor.expect(b" (")
    uid_validity = cursor.positive()
    cursor.space()
    modseq = cursor.positive(MAX_63)
    known = seqs = uids = None
    if cursor.skip(b" ") and not cursor.is_at(b"("):
        known = cursor.uid_set()
        cursor.skip(b" ")
    if cursor.skip(b"("):
        if cursor.reading.is_uid_only:  # RFC 9586 3.7
            raise UidRequired
        seqs, uids = _read_matches(cursor)
    cursor.expect(b")")
    return Resync(uid_validity, modseq, known, seqs, uids)


def _read_matches(cursor: Cursor) -> tuple[UidSet, UidSet]:
    seqs = cursor.sequence_set()
    cursor.space()
    uids = cursor.sequence_set()
    cursor.expect(b")")
    found = _known(seqs), _known(uids)
    if len(found[0]) != len(found[1]):
        raise BadCommand("as many UIDs as sequence numbers are expected")
    return found


def _known(numbers: SequenceSet) -> UidSet:
    if numbers.is_saved or numbers.resolve(0) != numbers.resolve(1):
        raise BadCommand("a set of known numbers is expected")
    return numbers.resolve(0)
