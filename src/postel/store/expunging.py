"""Messages that go: for clients at once, from the disk when nobody can want them back.

Implements  RFC 9051 6.4.3 (EXPUNGE), RFC 7162 3.2.10 (what a client that comes back must hear of).
Gives       Removed, expunge, erase, KEEP, DELETE.
Not here    Having them back, and their end: kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from postel.database import Transaction
from postel.store.rows import count, total
from postel.store.runs import Stretch, find_stretches, ranges

KEEP: Final = """
INSERT INTO stored_kept (account_id, mailbox_name, letter_id, content_id, size_bytes, internal_date_at, saved_at,
    flags, keywords, expunged_at)
SELECT ?, ?, letter_id, content_id, size_bytes, internal_date_at, saved_at, flags, keywords, ?
FROM stored_message WHERE """  # and Stretch.where, as DELETE
DELETE: Final = "DELETE FROM stored_message WHERE "
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
    stretches = await find_stretches(tx, mailbox_id, uids)
    if not stretches:
        return Removed((), 0)
    modseq = await count(tx, mailbox_id, -await total(tx, stretches))
    box = await tx.fetch_one(_NAME, (mailbox_id,))
    assert box is not None  # it was counted there
    for stretch in stretches:
        await tx.execute(KEEP + stretch.where, (*box, now, *stretch.params))
    await erase(tx, mailbox_id, stretches, modseq)
    return Removed(tuple(chain.from_iterable(stretch.uids for stretch in stretches)), modseq)


async def erase(tx: Transaction, mailbox_id: int, stretches: Sequence[Stretch], modseq: int) -> None:
    """Take away messages that are counted as gone, and note that they are."""
    for stretch in stretches:
        await tx.execute(DELETE + stretch.where, stretch.params)
        gone = ranges(stretch.uids)
        await tx.execute_many(_TOMBSTONE, [(mailbox_id, first, last, modseq) for first, last in gone])
