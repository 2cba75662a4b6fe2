"""What is in a mailbox, in memory, compact: one for all sessions that look at it.

Implements  RFC 7162 3.1 (mod-sequences), RFC 8474 (EMAILID), RFC 8514 (SAVEDATE), as columns.
Gives       Snapshot, FlagSet, SnapshotChange.
Not here    Where it comes from, and what brings it up to date: snapshots.

One array for each attribute, a place in all of them for each message, ascending by UID; some 52 octets a message.
`uids` is never written to: a change of who is there makes a new one, so that views can share it. The other columns
are changed in place: who waits for anything looks places up anew, and may find flags that are newer than `modseq`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import Final

from postel.database import Row
from postel.store.departed import MOST, ROW_BYTES, Departed
from postel.store.records import Flags, StoredMailbox

COLUMNS: Final = "uid, flags, keywords, modseq, size_bytes, internal_date_at, saved_at, letter_id, content_id"
MESSAGE_BYTES: Final = 52
_JOURNAL: Final = 20_000  # UIDs in the journal: who is further behind compares
_MANY_SPANS: Final = 200
_COLUMN_NAMES: Final = ("uids", "flags", "modseqs", "sizes", "dates", "saved", "letters", "contents")

_NAMES: Final = (
    (Flags.ANSWERED, "\\Answered"),
    (Flags.DELETED, "\\Deleted"),
    (Flags.DRAFT, "\\Draft"),
    (Flags.FLAGGED, "\\Flagged"),
    (Flags.SEEN, "\\Seen"),
)


@dataclass(frozen=True, slots=True)
class FlagSet:
    """Flags and keywords that messages of a mailbox have. `text` is ready for a client (RFC 9051 7.5.2)."""

    flags: Flags
    keywords: frozenset[str]
    text: bytes


@dataclass(frozen=True, slots=True)
class SnapshotChange:
    """What happened since some mod-sequence: what proto.imap.MailboxView takes in."""

    modseq: int
    uids: array[int]
    gone: Collection[int] | None
    changed: Collection[int]


@dataclass(frozen=True, slots=True)
class _Step:
    """An advance: from which mod-sequence it led on, and what it brought."""

    since: int
    gone: tuple[int, ...]
    changed: tuple[int, ...]


class Snapshot:
    """A mailbox as of `modseq`.

    mailbox     its counters and names, as of then.
    flags       places in `flag_sets`.
    """

    def __init__(self, mailbox: StoredMailbox) -> None:
        self.mailbox = mailbox
        self.modseq = 0
        self.uids: array[int] = array("I")
        self.flags: array[int] = array("I")
        self.modseqs: array[int] = array("Q")
        self.sizes: array[int] = array("Q")
        self.dates: array[float] = array("d")
        self.saved: array[float] = array("d")
        self.letters: array[int] = array("Q")
        self.contents: array[int] = array("Q")
        self.flag_sets: list[FlagSet] = []
        self._flag_ids: dict[tuple[int, str], int] = {}
        self._journal: deque[_Step] = deque()
        self._journal_uids = 0
        self._departed = Departed()

    @property
    def size_bytes(self) -> int:
        """Memory that it takes, roughly."""
        beside = 40 * self._journal_uids + ROW_BYTES * len(self._departed) + 300 * len(self.flag_sets)
        return 2000 + len(self.uids) * MESSAGE_BYTES + beside

    # --- looking -----------------------------------------------------------------------------------------

    def place(self, uid: int) -> int:
        """Where a message is in the columns; -1 when it is not there."""
        place = bisect_left(self.uids, uid)
        return place if place < len(self.uids) and self.uids[place] == uid else -1

    def places(self, uids: Sequence[int]) -> Sequence[int]:
        """Where these messages (ascending) are; -1 for those that are not. A range where they lie side by side."""
        if not uids:
            return range(0)
        if not isinstance(uids, array):
            uids = array("I", uids)
        first = self.place(uids[0])
        if first >= 0 and self.uids[first : first + len(uids)] == uids:
            return range(first, first + len(uids))
        return [self.place(uid) for uid in uids]

    def flag_set(self, place: int) -> FlagSet:
        """The flags of the message at a place."""
        return self.flag_sets[self.flags[place]]

    def departed(self, uids: Iterable[int]) -> Snapshot:
        """Those of the messages (ascending) that went lately, as they were last, as far as they are remembered."""
        found = self.begin_more()
        found.extend(self._departed.rows(uids))
        return found

    def keywords(self) -> list[str]:
        """All keywords that messages here have."""
        used = set(self.flags)
        return sorted({keyword for number in used for keyword in self.flag_sets[number].keywords})

    def unchanged_since(self, modseq: int, uids: Sequence[int]) -> list[int]:
        """Those of the messages (ascending) whose last change is this one: nobody has changed them after it."""
        modseqs = self.modseqs
        return [
            uid
            for uid, place in zip(uids, self.places(uids), strict=True)
            if place >= 0 and modseqs[place] <= modseq
        ]

    def change_since(self, modseq: int | None) -> SnapshotChange:
        """What has happened since a mod-sequence that a view holds; None for a view that knows nothing."""
        if modseq is None or modseq == self.modseq:
            return SnapshotChange(self.modseq, self.uids, (), ())
        steps = self._steps_since(modseq)
        if steps is None:
            changed = [uid for uid, at in zip(self.uids, self.modseqs, strict=True) if at > modseq]
            return SnapshotChange(self.modseq, self.uids, None, changed)
        gone = {uid for step in steps for uid in step.gone}
        touched = {uid for step in steps for uid in step.changed} - gone
        return SnapshotChange(self.modseq, self.uids, gone, touched)

    def _steps_since(self, modseq: int) -> list[_Step] | None:
        steps: list[_Step] = []
        for step in reversed(self._journal):
            steps.append(step)
            if step.since == modseq:
                return steps
        return None

    # --- what happens ------------------------------------------------------------------------------------

    def extend(self, rows: Sequence[Row]) -> None:
        """Messages with greater UIDs than all before (rows of COLUMNS)."""
        if not rows:
            return
        uids, flags, keywords, modseqs, sizes, dates, saved, letters, contents = zip(*rows, strict=True)
        self.uids = self.uids + array("I", uids)
        self.flags.extend(map(self._flag_id, flags, keywords))
        self.modseqs.extend(modseqs)
        self.sizes.extend(sizes)
        self.dates.extend(dates)
        self.saved.extend(saved)
        self.letters.extend(letters)
        self.contents.extend(contents)

    def begin_more(self) -> Snapshot:
        """An empty one, to gather new messages in; `advance` adds them to this one."""
        more = Snapshot(self.mailbox)
        more.flag_sets, more._flag_ids = self.flag_sets, self._flag_ids
        return more

    def change(self, rows: Iterable[Row]) -> None:
        """Take in the flags of messages that are here (rows of COLUMNS); the others are left out.

        What changes is told of by the `advance` that follows; who looks before it sees what is newer than `modseq`.
        """
        flags, modseqs = self.flags, self.modseqs
        for row in rows:
            place = self.place(row[0])
            if place >= 0:
                flags[place] = self._flag_id(row[1], row[2])
                modseqs[place] = row[3]

    def advance(
        self,
        mailbox: StoredMailbox,
        more: Snapshot,
        gone: Iterable[tuple[int, int]],
        changed: Sequence[int],
    ) -> None:
        """Be as of a later mod-sequence, all at once.

        more        new messages, with greater UIDs than all before (`begin_more`).
        gone        ranges of UIDs that went; they may name some that are not there.
        changed     the UIDs of messages that are new, or had their flags changed (`change`).
        """
        left = self._remove(gone)
        if more.uids:
            self.uids = self.uids + more.uids
            for name in _COLUMN_NAMES[1:]:
                getattr(self, name).extend(getattr(more, name))
        self._note(left, changed)
        self.mailbox = mailbox
        self.modseq = mailbox.highest_modseq
        if len(self.flag_sets) > 1000 + 2 * len(self.uids):
            self._forget_flag_sets()

    def _remove(self, ranges: Iterable[tuple[int, int]]) -> tuple[int, ...]:
        spans = [(bisect_left(self.uids, first), bisect_left(self.uids, last + 1)) for first, last in ranges]
        spans = sorted(span for span in spans if span[0] < span[1])
        if not spans:
            return ()
        gone = tuple(chain.from_iterable(self.uids[start:stop] for start, stop in spans))
        self._departed.note(map(self._row, map(self.place, gone[-MOST:])))
        for name in _COLUMN_NAMES:
            setattr(self, name, _without(getattr(self, name), spans))
        return gone

    def _row(self, place: int) -> Row:
        entry = self.flag_set(place)
        rest = (getattr(self, name)[place] for name in _COLUMN_NAMES[2:])
        return (self.uids[place], int(entry.flags), " ".join(sorted(entry.keywords)), *rest)

    def _note(self, gone: Sequence[int], changed: Sequence[int]) -> None:
        number = len(gone) + len(changed)
        if number > _JOURNAL:
            self._journal.clear()
            self._journal_uids = 0
            return
        self._journal.append(_Step(self.modseq, tuple(gone), tuple(changed)))
        self._journal_uids += number
        while self._journal_uids > _JOURNAL or len(self._journal) > _JOURNAL:
            oldest = self._journal.popleft()
            self._journal_uids -= len(oldest.gone) + len(oldest.changed)

    def _flag_id(self, flags: int, keywords: str) -> int:
        key = flags, keywords
        number = self._flag_ids.get(key)
        if number is None:
            number = self._flag_ids[key] = len(self.flag_sets)
            self.flag_sets.append(_flag_set(flags, keywords))
        return number

    def _forget_flag_sets(self) -> None:
        """Somebody plays with keywords: keep the sets in use only."""
        keys = {number: key for key, number in self._flag_ids.items()}
        old = self.flags
        self.flag_sets, self._flag_ids = [], {}
        self.flags = array("I", [self._flag_id(*keys[number]) for number in old])


def _flag_set(flags: int, keywords: str) -> FlagSet:
    words = [name for flag, name in _NAMES if flags & flag] + keywords.split()
    return FlagSet(Flags(flags), frozenset(keywords.split()), " ".join(words).encode())


def _without(column: array[float], spans: Sequence[tuple[int, int]]) -> array[float]:
    """A new column without what lies in disjoint ascending spans."""
    if len(spans) > _MANY_SPANS:
        is_left = bytearray(b"\1") * len(column)
        for start, stop in spans:
            is_left[start:stop] = bytes(stop - start)
        return array(column.typecode, compress(column, is_left))
    left = column[: spans[0][0]]  # a copy of what is left, piece by piece
    ends = [start for start, _ in spans[1:]] + [len(column)]
    for (_, stop), end in zip(spans, ends, strict=True):
        left.extend(column[stop:end])
    return left
