"""Flags of messages: set, added, removed.

Implements  RFC 9051 6.4.6 (STORE), 2.3.2 (flags and keywords), RFC 7162 3.1.3 (UNCHANGEDSINCE, MODIFIED).
Gives       How, FlagChange, FlagsChanged, change_flags, check_keywords.

What a change leaves as it was gets no mod-sequence: nobody needs to hear of it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from postel.database import Transaction
from postel.store.faults import TooMany
from postel.store.options import StoreOptions
from postel.store.records import Flags
from postel.store.rows import Delta, count
from postel.store.runs import Run, read_runs

_ANY: Final = 2**63  # beyond all mod-sequences
_COLUMNS: Final = "uid, flags, keywords, modseq, size_bytes"
_UPDATE: Final = """
UPDATE stored_message SET flags = ?, keywords = ?, modseq = ? WHERE mailbox_id = ? AND uid BETWEEN ? AND ?"""


class How(enum.Enum):
    """What STORE does with the flags that it names."""

    ADD = "+"
    REMOVE = "-"
    REPLACE = ""


@dataclass(frozen=True, slots=True)
class FlagChange:
    """A change of flags. Keywords are compared without regard to case (RFC 9051 9, flag-keyword)."""

    how: How
    flags: Flags = Flags.NONE
    keywords: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FlagsChanged:
    """What a change came to.

    changed     the mod-sequences taken, each with the UIDs that got it.
    failed      UIDs that were changed by others since (RFC 7162 3.1.3): untouched.
    """

    changed: tuple[tuple[int, Sequence[int]], ...]
    failed: tuple[int, ...]


@dataclass(slots=True)
class _Stretch:
    """Messages without others between them that get the same flags."""

    uids: list[int]
    after: _After


@dataclass(frozen=True, slots=True)
class _After:
    """What messages with some flags have after a change, and how that counts."""

    flags: int
    keywords: str
    is_changed: bool
    unseen: int
    deleted: int

    @property
    def text(self) -> tuple[int, str]:
        """What the row says then."""
        return self.flags, self.keywords


def check_keywords(keywords: Iterable[str], options: StoreOptions) -> None:
    """Raises TooMany."""
    keywords = list(keywords)
    if len(keywords) > options.keywords:
        raise TooMany("keywords on a message", options.keywords)
    if any(len(keyword) > options.keyword_bytes for keyword in keywords):
        raise TooMany("octets in a keyword", options.keyword_bytes)


async def change_flags(
    tx: Transaction,
    mailbox_id: int,
    uids: Sequence[int],
    change: FlagChange,
    unchanged_since: int | None,
    options: StoreOptions,
) -> FlagsChanged:
    """Change flags of messages (UIDs ascending), in the caller's transaction. Raises NoSuchMailbox, TooMany."""
    delta, failed = Delta(), list[int]()
    stretches: list[_Stretch] = []
    others = _Others(change, options)
    limit = _ANY if unchanged_since is None else unchanged_since
    for run in await read_runs(tx, mailbox_id, uids, _COLUMNS):
        stretches += _stretches(run, others, limit, delta, failed)
    if not stretches:
        return FlagsChanged((), tuple(failed))
    modseq = await count(tx, mailbox_id, delta)
    rows = [(s.after.flags, s.after.keywords, modseq, mailbox_id, s.uids[0], s.uids[-1]) for s in stretches]
    await tx.execute_many(_UPDATE, rows)
    return FlagsChanged(((modseq, [uid for s in stretches for uid in s.uids]),), tuple(failed))


def _stretches(run: Run, others: _Others, limit: int, delta: Delta, failed: list[int]) -> list[_Stretch]:
    """What is to be changed; messages with a mod-sequence beyond the limit have failed."""
    stretches: list[_Stretch] = []
    last: _After | None = None
    for uid, flags, keywords, modseq, size_bytes in run:
        after = others.of(flags, keywords)
        if modseq > limit:
            failed.append(uid)
        if modseq > limit or not after.is_changed:
            last = None
            continue
        if last is not None and (after is last or after.text == last.text):
            stretches[-1].uids.append(uid)
        else:
            stretches.append(_Stretch([uid], after))
        last = after
        delta.unseen += after.unseen
        if after.deleted:
            delta.deleted += after.deleted
            delta.deleted_bytes += after.deleted * size_bytes
    return stretches


class _Others:
    """The flags that messages have after a change; each combination is worked out once."""

    def __init__(self, change: FlagChange, options: StoreOptions) -> None:
        self._change = change
        self._options = options
        self._known: dict[tuple[int, str], _After] = {}

    def of(self, flags: int, keywords: str) -> _After:
        known = self._known.get((flags, keywords))
        if known is None:
            known = self._known[flags, keywords] = self._after(flags, keywords)
        return known

    def _after(self, flags: int, keywords: str) -> _After:
        new_flags, new_keywords = self._work_out(flags, keywords)
        return _After(
            int(new_flags),
            new_keywords,
            (new_flags, new_keywords) != (flags, keywords),
            unseen=bool(flags & Flags.SEEN) - bool(new_flags & Flags.SEEN),
            deleted=bool(new_flags & Flags.DELETED) - bool(flags & Flags.DELETED),
        )

    def _work_out(self, flags: int, keywords: str) -> tuple[int, str]:
        change, there = self._change, keywords.split()
        match change.how:
            case How.ADD:
                return flags | change.flags, self._joined([*there, *change.keywords])
            case How.REMOVE:
                gone = {keyword.casefold() for keyword in change.keywords}
                left = [keyword for keyword in there if keyword.casefold() not in gone]
                return flags & ~change.flags, " ".join(left)
            case How.REPLACE:
                kept = [*(k for k in there if _has(change.keywords, k)), *change.keywords]
                return int(change.flags), self._joined(kept)

    def _joined(self, keywords: Iterable[str]) -> str:
        """Each once, in the spelling that came first; in order, so that one set is one text."""
        once: dict[str, str] = {}
        for keyword in keywords:
            once.setdefault(keyword.casefold(), keyword)
        check_keywords(once.values(), self._options)
        return " ".join(sorted(once.values()))


def _has(keywords: Iterable[str], keyword: str) -> bool:
    return keyword.casefold() in {other.casefold() for other in keywords}


def joined(rows: Iterable[FlagsChanged]) -> FlagsChanged:
    """What the pieces of one command came to."""
    changed: list[tuple[int, Sequence[int]]] = []
    failed: list[int] = []
    for row in rows:
        changed += row.changed
        failed += row.failed
    return FlagsChanged(tuple(changed), tuple(failed))
