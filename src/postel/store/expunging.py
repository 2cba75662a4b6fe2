"""Messages that go: for clients at once, from the disk when nobody can want them back.

Implements  RFC 9051 6.4.3 (EXPUNGE), RFC 7162 3.2.10 (what a client that comes back must hear of).
Gives       Removed, expunge, erase, deleted_page, expunged_since; KEEP, DELETE, UIDS, GONE_SINCE.
Not here    Having them back, and their end: kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from postel.database import Row, Transaction
from postel.store.records import Flags
from postel.store.rows import count, get_mailbox, total
from postel.store.runs import Stretch, find_stretches, ranges

KEEP: Final = """
INSERT INTO stored_kept (account_id, mailbox_name, letter_id, content_id, size_bytes, internal_date_at, saved_at,
    flags, keywords, expunged_at)
SELECT ?, ?, letter_id, content_id, size_bytes, internal_date_at, saved_at, flags, keywords, ?
FROM stored_message WHERE """  # and Stretch.where, as DELETE
DELETE: Final = "DELETE FROM stored_message WHERE "
_TOMBSTONE: Final = """
INSERT INTO stored_expunge (mailbox_id, first_uid, last_uid, modseq) VALUES (?, ?, ?, ?)"""
GONE_SINCE: Final = """
SELECT first_uid, last_uid FROM stored_expunge WHERE mailbox_id = ? AND modseq > ? ORDER BY first_uid"""
UIDS: Final = "SELECT uid FROM stored_message WHERE mailbox_id = ? ORDER BY uid"
_AT_ONCE: Final = 2000  # UIDs that are read before others have their turn
_DELETED: Final = f"""
SELECT uid FROM stored_message WHERE mailbox_id = ? AND uid > ? AND flags & {Flags.DELETED:d} <> 0
ORDER BY uid LIMIT {_AT_ONCE}"""
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


async def deleted_page(mailbox_id: int, after_uid: int, tx: Transaction) -> list[Row]:
    """The next messages that are marked \\Deleted: rows of a UID, ascending, some at a time."""
    return await tx.fetch_all(_DELETED, (mailbox_id, after_uid))


async def expunged_since(tx: Transaction, mailbox_id: int, modseq: int) -> list[tuple[int, int]]:
    """Ranges of UIDs that went after a mod-sequence; where that is forgotten, of all that are not there."""
    box = await get_mailbox(tx, mailbox_id)
    if modseq >= box.pruned_modseq:
        return [(first, last) for first, last in await tx.fetch_all(GONE_SINCE, (mailbox_id, modseq))]
    gone: list[tuple[int, int]] = []
    free = 1
    for (uid,) in [*await tx.fetch_all(UIDS, (mailbox_id,)), (box.uid_next,)]:
        if uid > free:
            gone.append((free, uid - 1))
        free = uid + 1
    return gone
