"""A session's numbering of a mailbox that others change.

Implements  RFC 9051 2.3.1.2 (message sequence numbers), 5.5 and 7.5.1 (when an expunge may not be told),
            RFC 5182 2.1 ($ forgets what is expunged), RFC 7162 3.2.10 and RFC 9586 (VANISHED names UIDs).
Gives       MailboxView, Updates, MailboxChange.
Not here    What is in the mailbox: whoever has a snapshot of it says what changed. Responses: answers.

    told     what the client knows: the UID of sequence number n is `uids[n - 1]`
    now      what is in the mailbox, as of `modseq`
    gone     told, and not there any more: keeps its number until the client may be told

Invariant: told is now without what is new, with what is gone; new UIDs are greater than all told before. So while
nothing is withheld, told and now are one array, which the view shares with the snapshot and with other views.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final, Protocol

_MANY: Final = 8  # an eighth of a mailbox: then all of it is gone through, at less cost


class MailboxChange(Protocol):
    """What happened in a mailbox since some mod-sequence."""

    @property
    def modseq(self) -> int:
        """As of which it holds."""

    @property
    def uids(self) -> array[int]:
        """All that are there now, ascending. Never written to: views share it."""

    @property
    def gone(self) -> Collection[int] | None:
        """UIDs that went since; None when nobody knows, so that the view compares."""

    @property
    def changed(self) -> Collection[int]:
        """UIDs of messages whose flags changed since, new ones perhaps included."""


@dataclass(frozen=True, slots=True)
class Updates:
    """What the client is to be told, in this order.

    expunged  (sequence number, UID), highest first: so each number is right whatever went before it.
    exists    how many messages there are, when some are new.
    fresh     the UIDs of the new ones.
    changed   (sequence number, UID) of messages with other flags, by the numbers that hold after `expunged`.
    """

    expunged: tuple[tuple[int, int], ...] = ()
    exists: int | None = None
    fresh: Sequence[int] = ()
    changed: tuple[tuple[int, int], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.expunged or self.changed or self.exists is not None)


class MailboxView:
    """One session's view of its selected mailbox. Times: small changes cost their own size and log n."""

    __slots__ = (
        "_changed",
        "_gone",
        "_in_order",
        "_last",
        "_now",
        "_saved",
        "_told",
        "_told_modseq",
        "modseq",
    )

    def __init__(self, change: MailboxChange) -> None:
        self._told = self._now = change.uids
        self._last = self._told[-1] if self._told else 0  # the greatest UID ever told
        self._gone: set[int] = set()
        self._changed: set[int] = set()
        self._in_order: list[int] = []  # of `_changed`, what is still to be told: the last one first
        self._saved: array[int] = array("I")
        self.modseq = self._told_modseq = change.modseq

    # --- what the client knows ---------------------------------------------------------------------------

    @property
    def uids(self) -> array[int]:
        """By sequence number, less one. Not to be written to."""
        return self._told

    @property
    def exists(self) -> int:
        """How many messages the client knows of."""
        return len(self._told)

    @property
    def last_uid(self) -> int:
        """What `*` means among UIDs (RFC 9051 9, seq-number); 0 in an empty mailbox."""
        return self._told[-1] if self._told else 0

    @property
    def told_modseq(self) -> int:
        """As of which the client has been told of everything (RFC 7162 3.2)."""
        return self._told_modseq if self.has_news else self.modseq

    def uid(self, seq: int) -> int | None:
        """The UID of a sequence number."""
        return self._told[seq - 1] if 0 < seq <= len(self._told) else None

    def seq(self, uid: int) -> int | None:
        """The sequence number of a UID that the client knows."""
        place = _place(self._told, uid)
        return None if place is None else place + 1

    def is_gone(self, uid: int) -> bool:
        """Whether a message was expunged that the client has not been told of."""
        return uid in self._gone

    def seq_spans(self, ranges: Iterable[tuple[int, int]]) -> list[range]:
        """Places of sequence numbers, ascending and disjoint; ends in either order, beyond the last cut off."""
        end = len(self._told)
        return _merged((max(min(pair), 1) - 1, min(max(pair), end)) for pair in ranges)

    def uid_spans(self, ranges: Iterable[tuple[int, int]]) -> list[range]:
        """Places of the known UIDs among these (RFC 9051 6.4.9: others are silently ignored)."""
        told = self._told
        return _merged((bisect_left(told, min(pair)), bisect_right(told, max(pair))) for pair in ranges)

    def pick(self, spans: Iterable[range]) -> array[int]:
        """The UIDs at these places."""
        picked: array[int] = array("I")
        for span in spans:
            picked.extend(self._told[span.start : span.stop])
        return picked

    # --- what happens ------------------------------------------------------------------------------------

    def advance(self, change: MailboxChange) -> None:
        """Take in what happened since `modseq`; the client hears of it by the next `sync`."""
        self._told_modseq = self.told_modseq
        if change.gone is None:
            self._gone = set(self._told)
            self._gone.difference_update(change.uids)
        elif len(change.gone) * _MANY > len(self._told):
            self._gone.update(set(change.gone).intersection(self._told))
        else:
            self._gone.update(uid for uid in change.gone if _place(self._told, uid) is not None)
        if change.changed:
            self._changed.update(change.changed)
            self._in_order.clear()
        self._now = change.uids
        self.modseq = change.modseq

    def hush(self, uids: Iterable[int]) -> None:
        """Do not tell of these changes of flags: the client made them, and wants no answer (.SILENT)."""
        self._changed.difference_update(uids)

    def are_gone(self, uids: Iterable[int]) -> bool:
        """Whether any of these messages was expunged that the client has not been told of."""
        return not self._gone.isdisjoint(uids)

    @property
    def has_changes(self) -> bool:
        """Whether there are changes of flags to tell."""
        return bool(self._changed)

    @property
    def has_news(self) -> bool:
        """Whether `sync` has something to tell, if it may tell all."""
        has_new = bool(self._now) and self._now[-1] > self._last
        return bool(self._gone or self._changed or has_new)

    @property
    def news(self) -> int:
        """How many messages went or changed that the client has not been told of: what `sync` costs."""
        return len(self._gone) + len(self._changed)

    def sync(self, *, may_expunge: bool, most: int | None = None) -> Updates:
        """What the client is told now; it knows it when this returns.

        most            changes of flags at a time, where there are many: the next `sync` goes on.

        may_expunge     not while FETCH, STORE, SEARCH and the like without UID are answered, nor when no command
                        is in progress but IDLE or NOTIFY (RFC 9051 7.5.1).
        """
        if not self._gone and not self._changed and self._now is self._told:
            return Updates()
        known = self._last
        fresh = self._now[bisect_right(self._now, known) :]
        expunged: tuple[tuple[int, int], ...] = ()
        if may_expunge or not self._gone:
            expunged = self._numbered_gone()
            self._gone = set()
            self._told = self._now
        elif fresh:
            self._told = self._told + fresh
        if fresh:
            self._last = fresh[-1]
        exists = len(self._told) if fresh else None
        return Updates(expunged, exists, fresh or (), self._take_changed(known, most or len(self._changed)))

    def _take_changed(self, known: int, most: int) -> tuple[tuple[int, int], ...]:
        """Changed messages that the client knew, ascending: what is new it has yet to ask about."""
        if not self._in_order:
            self._in_order = sorted(self._changed, reverse=True)
        taken = self._in_order[-most:]
        taken.reverse()
        del self._in_order[-most:]
        uids = [uid for uid in taken if uid in self._changed]  # some may have been hushed
        self._changed.difference_update(uids)
        if not self._in_order:
            self._changed.clear()
        places = ((_place(self._told, uid), uid) for uid in uids if uid <= known and uid not in self._gone)
        return tuple((place + 1, uid) for place, uid in places if place is not None)

    def _numbered_gone(self) -> tuple[tuple[int, int], ...]:
        """What has gone, with the sequence numbers, highest first."""
        gone, told = self._gone, self._told
        if len(gone) * _MANY > len(told):
            numbered = zip(range(len(told), 0, -1), reversed(told), strict=True)
            return tuple(compress(numbered, map(gone.__contains__, reversed(told))))
        return tuple((bisect_left(told, uid) + 1, uid) for uid in sorted(gone, reverse=True))

    # --- $ -----------------------------------------------------------------------------------------------

    def save(self, uids: Iterable[int]) -> None:
        """The result of a SEARCH that was asked to be saved (RFC 5182 2.1). By UID, so numbers may shift."""
        self._saved = array("I", sorted(uids))

    @property
    def saved(self) -> array[int]:
        """The UIDs that `$` stands for: those of them that the client has not been told are expunged."""
        return array("I", [uid for uid in self._saved if _place(self._told, uid) is not None])


def _place(uids: array[int], uid: int) -> int | None:
    place = bisect_left(uids, uid)
    return place if place < len(uids) and uids[place] == uid else None


def _merged(pairs: Iterable[tuple[int, int]]) -> list[range]:
    """Half-open spans, those that touch made one, empty ones left out."""
    spans: list[range] = []
    for start, stop in sorted(pair for pair in pairs if pair[0] < pair[1]):
        if spans and start <= spans[-1].stop:
            spans[-1] = range(spans[-1].start, max(spans[-1].stop, stop))
        else:
            spans.append(range(start, stop))
    return spans
