"""Messages copied and moved, between mailboxes of one account or of two.

Implements  RFC 9051 6.4.7 (COPY: all or nothing), 6.4.8 and RFC 6851 3 (MOVE), RFC 4315 3 (COPYUID),
            RFC 8474 5.1 (a copy keeps its EMAILID), RFC 8514 (a copy is saved now), RFC 4314 4
            (which flags a user may set).
Gives       Copied, Carried, EVERYTHING, copy, move.

A copy is a row: octets, and what is known of them, are shared. A copy keeps flags, keywords and internal date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from postel.database import Row, Transaction
from postel.store.expunging import erase
from postel.store.faults import NoSuchMailbox
from postel.store.quota import QuotaOf, Usage, check_room
from postel.store.records import Flags
from postel.store.rows import Delta, count, get_mailbox, total
from postel.store.runs import Stretch, find_stretches

_TAKE_UIDS: Final = """
UPDATE stored_mailbox
SET uid_next = uid_next + ?, highest_modseq = highest_modseq + 1, message_count = message_count + ?,
    size_bytes = size_bytes + ?, unseen_count = unseen_count + ?, deleted_count = deleted_count + ?,
    deleted_bytes = deleted_bytes + ?
WHERE id = ? AND is_selectable = 1 RETURNING uid_validity, uid_next - ?, highest_modseq"""
INSERT: Final = """
INSERT INTO stored_message (mailbox_id, uid, letter_id, content_id, size_bytes, internal_date_at, saved_at, modseq,
    flags, keywords)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_COPY: Final = """
INSERT INTO stored_message (mailbox_id, uid, letter_id, content_id, size_bytes, internal_date_at, saved_at, modseq,
    flags, keywords)
SELECT ?, ? + ROW_NUMBER() OVER (ORDER BY uid), letter_id, content_id, size_bytes, internal_date_at, ?, ?, flags & ?,
    CASE WHEN ? = 1 THEN keywords ELSE '' END
FROM stored_message WHERE """  # and Stretch.where


@dataclass(frozen=True, slots=True)
class Copied:
    """Which UID became which (RFC 4315 3): the nth of the one the nth of the other."""

    uid_validity: int
    source_uids: tuple[int, ...]
    target_uids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """What a copy takes along of its message's flags (RFC 4314 4): these, and keywords or none."""

    flags: Flags
    has_keywords: bool

    def counted(self, delta: Delta) -> Delta:
        """What the copies of messages are in the counters of a mailbox."""
        unseen = delta.unseen if self.flags & Flags.SEEN else delta.messages
        if self.flags & Flags.DELETED:
            return Delta(delta.messages, delta.size_bytes, unseen, delta.deleted, delta.deleted_bytes)
        return Delta(delta.messages, delta.size_bytes, unseen)


EVERYTHING: Final = Carried(Flags(31), has_keywords=True)


async def copy(
    tx: Transaction,
    source_id: int,
    uids: Sequence[int],
    target_id: int,
    now: float,
    quota_of: QuotaOf | None = None,
    carried: Carried = EVERYTHING,
) -> Copied:
    """Copy messages (UIDs ascending), in the caller's transaction. Raises NoSuchMailbox, OverQuota."""
    stretches = await find_stretches(tx, source_id, uids)
    delta = await total(tx, stretches)
    if quota_of is not None and stretches:
        await _check(tx, delta, target_id, quota_of)
    return await _copy(tx, stretches, delta, target_id, now, carried)


async def move(
    tx: Transaction,
    source_id: int,
    uids: Sequence[int],
    target_id: int,
    now: float,
    quota_of: QuotaOf | None = None,
    carried: Carried = EVERYTHING,
) -> Copied:
    """Move messages (UIDs ascending), in the caller's transaction. Raises NoSuchMailbox, OverQuota.

    Within one account it needs no room, so that a full account can still be tidied up.
    """
    stretches = await find_stretches(tx, source_id, uids)
    delta = await total(tx, stretches)
    if quota_of is not None and stretches and await _account(tx, source_id) != await _account(tx, target_id):
        await _check(tx, delta, target_id, quota_of)
    copied = await _copy(tx, stretches, delta, target_id, now, carried)
    if stretches:
        await erase(tx, source_id, stretches, await count(tx, source_id, -delta))
    return copied


async def _copy(
    tx: Transaction,
    stretches: Sequence[Stretch],
    delta: Delta,
    target_id: int,
    now: float,
    carried: Carried,
) -> Copied:
    if not stretches:
        return Copied((await get_mailbox(tx, target_id)).uid_validity, (), ())
    uid_validity, first, modseq = await _take_uids(tx, target_id, carried.counted(delta))
    place = first
    for stretch in stretches:
        made = (target_id, place - 1, now, modseq, int(carried.flags), int(carried.has_keywords))
        await tx.execute(_COPY + stretch.where, (*made, *stretch.params))
        place += len(stretch.uids)
    source = tuple(chain.from_iterable(stretch.uids for stretch in stretches))
    return Copied(uid_validity, source, tuple(range(first, place)))


async def put(tx: Transaction, rows: Sequence[Row], target_id: int, now: float) -> Copied:
    """Messages into a mailbox, as rows of uid, flags, size, letter, content, internal date, keywords."""
    if not rows:
        return Copied((await get_mailbox(tx, target_id)).uid_validity, (), ())
    delta = Delta()
    for _, flags, size_bytes, *_ in rows:
        delta.add(flags, size_bytes)
    uid_validity, first, modseq = await _take_uids(tx, target_id, delta)
    await tx.execute_many(
        INSERT,
        [
            (target_id, uid, letter, content, size_bytes, date_at, now, modseq, flags, keywords)
            for uid, (_, flags, size_bytes, letter, content, date_at, keywords) in enumerate(rows, first)
        ],
    )
    return Copied(uid_validity, tuple(row[0] for row in rows), tuple(range(first, first + len(rows))))


async def _take_uids(tx: Transaction, mailbox_id: int, delta: Delta) -> tuple[int, int, int]:
    """UIDs for messages that come: UIDVALIDITY, the first UID, the mod-sequence of all. Raises NoSuchMailbox."""
    taken = await tx.fetch_one(_TAKE_UIDS, (delta.messages, *delta.columns, mailbox_id, delta.messages))
    if taken is None:
        raise NoSuchMailbox(f"no mailbox {mailbox_id}")
    uid_validity, first, modseq = taken
    return uid_validity, first, modseq


async def _check(tx: Transaction, delta: Delta, target_id: int, quota_of: QuotaOf) -> None:
    account_id = await _account(tx, target_id)
    more = Usage(delta.size_bytes, delta.messages)
    await check_room(tx, account_id, more, await quota_of(tx, account_id))


async def _account(tx: Transaction, mailbox_id: int) -> int:
    return (await get_mailbox(tx, mailbox_id)).account_id
