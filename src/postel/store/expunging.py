"""Messages that go: for clients at once, from the disk when nobody can want them back.

Implements  RFC 9051 6.4.3 (EXPUNGE), RFC 7162 3.2.10 (what a client that comes back must hear of).
Gives       Removed, expunge, bury.
Not here    Having them back, and their end: kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from postel.database import Transaction
from postel.store.rows import Delta, count
from postel.store.runs import Run, ranges, read_runs

KEEP: Final = """
INSERT INTO stored_kept (account_id, mailbox_name, letter_id, content_id, size_bytes, internal_date_at, saved_at,
    flags, keywords, expunged_at)
SELECT ?, ?, letter_id, content_id, size_bytes, internal_date_at, saved_at, flags, keywords, ?
FROM stored_message WHERE mailbox_id = ? AND uid BETWEEN ? AND ?"""
DELETE: Final = "DELETE FROM stored_message WHERE mailbox_id = ? AND uid BETWEEN ? AND ?"
_TOMBSTONE: Final = """
INSERT INTO stored_expunge (mailbox_id, first_uid, last_uid, modseq) VALUES (?, ?, ?, ?)"""
_NAME: Final = "SELECT account_id, name FROM stored_mailbox WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Removed:
    """What was expunged: the UIDs that were there, and the mod-sequence at which they went; 0 for none."""

    uids: tuple[int, ...]
    modseq: int


async def expunge(tx: Transaction, mailbox_id: int, uids: Sequence[int], now: float) -> Removed:
    """Remove messages (UIDs ascending), in the caller's transaction; they can be had back for a time."""
    runs = await read_runs(tx, mailbox_id, uids, "uid, flags, size_bytes")
    if not runs:
        return Removed((), 0)
    modseq = await bury(tx, mailbox_id, runs)
    box = await tx.fetch_one(_NAME, (mailbox_id,))
    assert box is not None  # bury has counted there
    between = [(mailbox_id, run[0][0], run[-1][0]) for run in runs]
    await tx.execute_many(KEEP, [(*box, now, *span) for span in between])
    await tx.execute_many(DELETE, between)
    return Removed(tuple(row[0] for run in runs for row in run), modseq)


async def bury(tx: Transaction, mailbox_id: int, runs: Sequence[Run]) -> int:
    """Count messages (uid, flags, size) as gone, and note that they are: the mod-sequence. Raises NoSuchMailbox."""
    delta = Delta()
    for run in runs:
        for _, flags, size_bytes in run:
            delta.add(flags, size_bytes, -1)
    modseq = await count(tx, mailbox_id, delta)
    uids = [row[0] for run in runs for row in run]
    await tx.execute_many(_TOMBSTONE, [(mailbox_id, first, last, modseq) for first, last in ranges(uids)])
    return modseq
