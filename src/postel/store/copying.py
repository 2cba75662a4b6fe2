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
from typing import Final

from postel.database import Row, Transaction
from postel.store.expunging import DELETE, bury
from postel.store.faults import NoSuchMailbox
from postel.store.quota import QuotaOf, Usage, check_room
from postel.store.records import Flags
from postel.store.rows import Delta, get_mailbox
from postel.store.runs import Run, read_runs

_COLUMNS: Final = "uid, flags, size_bytes, letter_id, content_id, internal_date_at, keywords"
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

    def of(self, rows: list[Row]) -> list[Row]:
        """The rows without the rest."""
        if self == EVERYTHING:
            return rows
        mask, has_keywords = int(self.flags), self.has_keywords
        return [(row[0], row[1] & mask, *row[2:6], row[6] if has_keywords else "") for row in rows]


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
    rows = carried.of(_flat(await read_runs(tx, source_id, uids, _COLUMNS)))
    if quota_of is not None and rows:
        await _check(tx, rows, target_id, quota_of)
    return await put(tx, rows, target_id, now)


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
    runs = await read_runs(tx, source_id, uids, _COLUMNS)
    rows = _flat(runs)
    if not rows:
        return await put(tx, rows, target_id, now)
    if quota_of is not None and await _account(tx, source_id) != await _account(tx, target_id):
        await _check(tx, rows, target_id, quota_of)
    copied = await put(tx, carried.of(rows), target_id, now)
    await bury(tx, source_id, [[row[:3] for row in run] for run in runs])
    await tx.execute_many(DELETE, [(source_id, run[0][0], run[-1][0]) for run in runs])
    return copied


async def put(tx: Transaction, rows: Sequence[Row], target_id: int, now: float) -> Copied:
    """Messages into a mailbox, as rows of uid, flags, size, letter, content, internal date, keywords."""
    if not rows:
        return Copied((await get_mailbox(tx, target_id)).uid_validity, (), ())
    delta = Delta()
    for _, flags, size_bytes, *_ in rows:
        delta.add(flags, size_bytes)
    number = len(rows)
    more = (number, delta.size_bytes, delta.unseen, delta.deleted, delta.deleted_bytes)
    taken = await tx.fetch_one(_TAKE_UIDS, (number, *more, target_id, number))
    if taken is None:
        raise NoSuchMailbox(f"no mailbox {target_id}")
    uid_validity, first, modseq = taken
    await tx.execute_many(
        INSERT,
        [
            (target_id, uid, letter, content, size_bytes, date_at, now, modseq, flags, keywords)
            for uid, (_, flags, size_bytes, letter, content, date_at, keywords) in enumerate(rows, first)
        ],
    )
    return Copied(uid_validity, tuple(row[0] for row in rows), tuple(range(first, first + number)))


async def _check(tx: Transaction, rows: Sequence[Row], target_id: int, quota_of: QuotaOf) -> None:
    account_id = await _account(tx, target_id)
    more = Usage(sum(row[2] for row in rows), len(rows))
    await check_room(tx, account_id, more, await quota_of(tx, account_id))


async def _account(tx: Transaction, mailbox_id: int) -> int:
    return (await get_mailbox(tx, mailbox_id)).account_id


def _flat(runs: Sequence[Run]) -> list[Row]:
    return [row for run in runs for row in run]
