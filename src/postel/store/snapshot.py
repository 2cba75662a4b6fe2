"""What is in a mailbox, in memory, compact: one for all sessions that look at it.

Implements  RFC 7162 3.1 (mod-sequences), RFC 8474 (EMAILID), RFC 8514 (SAVEDATE), as columns.
Gives       Snapshot, FlagSet, SnapshotChange.
Not here    Where it comes from, and what brings it up to date: snapshots.

One array for each attribute, a place in all of them for each message, ascending by UID; some 52 octets a message.
`uids` is never written to: a change of who is there makes a new one, so that views can share it. The other columns
are changed in place: who waits for anything looks places up anew.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from postel.database import Row
from postel.store.records import Flags, StoredMailbox

COLUMNS: Final = "uid, flags, keywords, modseq, size_bytes, internal_date_at, saved_at, letter_id, content_id"
MESSAGE_BYTES: Final = 52
_JOURNAL: Final = 20_000  # UIDs in the journal: who is further behind compares

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

    @property
    def size_bytes(self) -> int:
        """Memory that it takes, roughly."""
        return 2000 + len(self.uids) * MESSAGE_BYTES + 40 * self._journal_uids + 300 * len(self.flag_sets)

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

    def keywords(self) -> list[str]:
        """All keywords that messages here have."""
        used = set(self.flags)
        return sorted({keyword for number in used for keyword in self.flag_sets[number].keywords})

    def unchanged_since(self, modseq: int, uids: Iterable[int]) -> list[int]:
        """Those of the messages whose last change is this one: nobody has changed them after it."""
        places = ((uid, self.place(uid)) for uid in uids)
        return [uid for uid, place in places if place >= 0 and self.modseqs[place] <= modseq]

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

    def advance(self, mailbox: StoredMailbox, rows: Sequence[Row], gone: Iterable[tuple[int, int]]) -> None:
        """Take in changed and new messages (rows of COLUMNS, by UID), and ranges of UIDs that went.

        What a row says holds in any case; a range may name UIDs that are not there.
        """
        left = self._remove(gone)
        split = len(rows)
        last = self.uids[-1] if self.uids else 0
        while split and rows[split - 1][0] > last:
            split -= 1
        for row in rows[:split]:
            self._change(row)
        self.extend(rows[split:])
        self._note(_Step(self.modseq, left, tuple(row[0] for row in rows)))
        self.mailbox = mailbox
        self.modseq = mailbox.highest_modseq
        if len(self.flag_sets) > 1000 + 2 * len(self.uids):
            self._forget_flag_sets()

    def _change(self, row: Row) -> None:
        place = self.place(row[0])
        if place >= 0:
            self.flags[place] = self._flag_id(row[1], row[2])
            self.modseqs[place] = row[3]

    def _remove(self, ranges: Iterable[tuple[int, int]]) -> tuple[int, ...]:
        spans = [(bisect_left(self.uids, first), bisect_left(self.uids, last + 1)) for first, last in ranges]
        spans = sorted(span for span in spans if span[0] < span[1])
        if not spans:
            return ()
        gone = tuple(uid for start, stop in spans for uid in self.uids[start:stop])
        for name in ("uids", "flags", "modseqs", "sizes", "dates", "saved", "letters", "contents"):
            setattr(self, name, _without(getattr(self, name), spans))
        return gone

    def _note(self, step: _Step) -> None:
        self._journal.append(step)
        self._journal_uids += len(step.gone) + len(step.changed)
        while self._journal and (self._journal_uids > _JOURNAL or len(self._journal) > _JOURNAL):
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
    """A new column without what lies in disjoint ascending spans: a copy of what is left, piece by piece."""
    left = column[: spans[0][0]]
    ends = [start for start, _ in spans[1:]] + [len(column)]
    for (_, stop), end in zip(spans, ends, strict=True):
        left.extend(column[stop:end])
    return left
