"""The snapshots of a process: loaded when first wanted, brought up to date by mod-sequence, dropped to make room.

Implements  RFC 7162 3.2.5 (what changed and what went since a mod-sequence).
Gives       Snapshots.

To be current costs one row when nothing has changed, else the rows that have. What other processes changed is seen
like what this one did: the rows say it. Rows are read in pages, between which others have their turn; a change
that comes in between has a mod-sequence beyond the one that the reading began with, and so is taken in after it.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

from postel.database import Database, Row, Transaction
from postel.store.expunging import GONE_SINCE
from postel.store.faults import NoSuchMailbox
from postel.store.records import StoredMailbox
from postel.store.rows import get_mailbox
from postel.store.runs import pieces
from postel.store.snapshot import COLUMNS, Snapshot

PAGE: Final = 1000  # rows that are read before others have their turn: about 2 ms

_LAST_UID: Final = 2**32 - 1
_LOAD: Final = f"""
SELECT {COLUMNS} FROM stored_message WHERE mailbox_id = ? AND uid > ? ORDER BY uid LIMIT {PAGE}"""
_CHANGED: Final = f"""
SELECT {COLUMNS} FROM stored_message WHERE mailbox_id = ? AND (modseq, uid) > (?, ?)
ORDER BY modseq, uid LIMIT {PAGE}"""


_Changes: TypeAlias = tuple[list[Row], StoredMailbox | None, list[tuple[int, int]]]


@dataclass(slots=True)
class _Entry:
    """A mailbox that somebody looks at."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class Snapshots:
    """By mailbox; the one that was not wanted for longest goes first."""

    def __init__(self, database: Database, limit_bytes: int) -> None:
        self._database = database
        self._limit_bytes = limit_bytes
        self._snapshots: OrderedDict[int, Snapshot] = OrderedDict()
        self._under_way: dict[int, _Entry] = {}
        self._size_bytes = 0

    async def current(self, mailbox_id: int) -> Snapshot:
        """The mailbox as it is now. Raises NoSuchMailbox, DatabaseTrouble.

        A snapshot that was got before may be this one, further on, or another.
        """
        entry = self._under_way.setdefault(mailbox_id, _Entry())
        entry.waiting += 1
        try:
            async with entry.lock:
                return await self._bring_up(mailbox_id)
        finally:
            entry.waiting -= 1
            if not entry.waiting:
                self._under_way.pop(mailbox_id, None)

    def forget(self, mailbox_id: int) -> None:
        """Drop a snapshot; who has it keeps it as it is."""
        snapshot = self._snapshots.pop(mailbox_id, None)
        if snapshot is not None:
            self._size_bytes -= snapshot.size_bytes

    async def _bring_up(self, mailbox_id: int) -> Snapshot:
        snapshot = self._snapshots.get(mailbox_id)
        since = None if snapshot is None else snapshot.modseq
        try:
            mailbox, changes = await self._database.read(partial(_look, mailbox_id, since))
        except NoSuchMailbox:
            self.forget(mailbox_id)
            raise
        if snapshot is not None and changes is None:
            snapshot.mailbox = mailbox  # it may have another name
        else:
            self.forget(mailbox_id)
            if snapshot is None or not await self._advance(snapshot, changes):
                snapshot = await self._load(mailbox)
            self._snapshots[mailbox_id] = snapshot
            self._size_bytes += snapshot.size_bytes
        self._snapshots.move_to_end(mailbox_id)
        self._make_room()
        return snapshot

    def _make_room(self) -> None:
        while self._size_bytes > self._limit_bytes and len(self._snapshots) > 1:
            self.forget(next(iter(self._snapshots)))

    async def _load(self, mailbox: StoredMailbox) -> Snapshot:
        """All rows of a mailbox, then what has changed while they were read."""
        while True:
            snapshot = Snapshot(mailbox)
            snapshot.modseq = mailbox.highest_modseq
            last_uid = 0
            while rows := await self._page(mailbox.id, last_uid):
                snapshot.extend(rows)
                last_uid = rows[-1][0]
                if len(rows) < PAGE:
                    break
                await asyncio.sleep(0)
            if await self._advance(snapshot):
                return snapshot
            mailbox, _ = await self._database.read(partial(_look, mailbox.id, None))

    async def _page(self, mailbox_id: int, after_uid: int) -> list[Row]:
        return await self._database.read(lambda tx: tx.fetch_all(_LOAD, (mailbox_id, after_uid)))

    async def _advance(self, snapshot: Snapshot, changes: _Changes | None = None) -> bool:
        """Take in what has changed, as of the last page: so no message is in between. Raises NoSuchMailbox.

        changes     the first page, where it has been read.

        False when it is not remembered any more what has gone.
        """
        mailbox_id, since = snapshot.mailbox.id, snapshot.modseq
        last_uid = snapshot.uids[-1] if snapshot.uids else 0
        new: dict[int, Row] = {}
        changed: set[int] = set()
        after = (since, _LAST_UID)
        while True:
            if changes is None:
                changes = await self._database.read(partial(_changes, mailbox_id, since, after))
            page, mailbox, gone = changes
            changes = None
            new.update((row[0], row) for row in page if row[0] > last_uid)
            snapshot.change(page)
            changed.update(row[0] for row in page)
            if mailbox is not None:
                break
            after = (page[-1][3], page[-1][0])
            await asyncio.sleep(0)
        if mailbox.pruned_modseq > since:
            return False
        there = [uid for uid in sorted(new) if not _is_in(uid, gone)]
        more = snapshot.begin_more()
        for some in pieces(there, PAGE):
            more.extend([new[uid] for uid in some])
            if len(there) > PAGE:
                await asyncio.sleep(0)
        snapshot.advance(mailbox, more, gone, sorted(changed))
        return True


async def _look(mailbox_id: int, since: int | None, tx: Transaction) -> tuple[StoredMailbox, _Changes | None]:
    """A mailbox; with the first page of what has changed since a mod-sequence, where anything has."""
    mailbox = await get_mailbox(tx, mailbox_id)
    if since is None or since == mailbox.highest_modseq:
        return mailbox, None
    return mailbox, await _page_of(mailbox, since, (since, _LAST_UID), tx)


async def _changes(mailbox_id: int, since: int, after: tuple[int, int], tx: Transaction) -> _Changes:
    return await _page_of(await get_mailbox(tx, mailbox_id), since, after, tx)


async def _page_of(mailbox: StoredMailbox, since: int, after: tuple[int, int], tx: Transaction) -> _Changes:
    """A page of changed rows; with the last one, the mailbox and what went since, as of the same instant."""
    page = await tx.fetch_all(_CHANGED, (mailbox.id, *after))
    if len(page) == PAGE:
        return page, None, []
    gone = await tx.fetch_all(GONE_SINCE, (mailbox.id, since))
    return page, mailbox, [(first, last) for first, last in gone]


def _is_in(uid: int, ranges: Sequence[tuple[int, int]]) -> bool:
    """Whether a UID lies in one of the ascending ranges."""
    at = bisect_right(ranges, (uid, _LAST_UID))
    return at > 0 and ranges[at - 1][1] >= uid
