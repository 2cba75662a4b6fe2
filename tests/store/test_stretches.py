"""Many messages are copied, moved and removed by few statements: exactly those, whatever lies between them."""

from __future__ import annotations

from random import Random

import pytest
from store_room import Room, open_room

from postel.database import Transaction
from postel.store import INBOX, Carried, Flags, MailboxName, NoSuchMailbox, OverQuota, Quota, StoreOptions

ANN = 7
WORK = MailboxName("Work")
_KEYS = ("", "a", "a b")
_ROW = "INSERT INTO stored_message VALUES (?, ?, ?, 1, ?, ?, 5.0, 1, ?, ?)"
_COUNTERS = """
SELECT message_count, size_bytes, unseen_count, deleted_count, deleted_bytes FROM stored_mailbox WHERE id = ?"""
_COUNTED = """
SELECT COUNT(*), COALESCE(SUM(size_bytes), 0), COALESCE(SUM(flags & 1 = 0), 0), COALESCE(SUM(flags & 8 <> 0), 0),
    COALESCE(SUM(CASE WHEN flags & 8 THEN size_bytes ELSE 0 END), 0) FROM stored_message WHERE mailbox_id = ?"""


async def filled(room: Room, random: Random, uids: list[int]) -> tuple[int, int]:
    """INBOX with messages of all kinds, and Work with one."""

    async def work(tx: Transaction) -> tuple[int, int]:
        inbox = await room.store.tree.create(tx, ANN, INBOX)
        target = await room.store.tree.create(tx, ANN, WORK)
        rows = [
            (inbox, uid, uid, random.randrange(9), 1.0 * uid, random.randrange(32), random.choice(_KEYS))
            for uid in uids
        ]
        await tx.execute_many(_ROW, [*rows, (target, 3, 3, 4, 3.0, 0, "")])
        for box in (inbox, target):
            counted = await tx.fetch_one(_COUNTED, (box,))
            assert counted is not None
            sql = "message_count = ?, size_bytes = ?, unseen_count = ?, deleted_count = ?, deleted_bytes = ?"
            await tx.execute(
                f"UPDATE stored_mailbox SET uid_next = 2000, {sql} WHERE id = ?", (*counted, box)
            )
        return inbox, target

    return await room.database.write(work)


async def rows_of(room: Room, mailbox_id: int) -> dict[int, tuple[object, ...]]:
    sql = "SELECT uid, letter_id, size_bytes, internal_date_at, flags, keywords FROM stored_message"
    rows = await room.database.read(
        lambda tx: tx.fetch_all(f"{sql} WHERE mailbox_id = ? ORDER BY uid", (mailbox_id,))
    )
    return {row[0]: row[1:] for row in rows}


async def check_counters(room: Room, *mailbox_ids: int) -> None:
    for mailbox_id in mailbox_ids:
        told = await room.database.read(lambda tx, id_=mailbox_id: tx.fetch_one(_COUNTERS, (id_,)))  # type: ignore[misc]
        counted = await room.database.read(lambda tx, id_=mailbox_id: tx.fetch_one(_COUNTED, (id_,)))  # type: ignore[misc]
        assert told == counted


def some(random: Random) -> list[int]:
    """UIDs side by side, far apart, and each second one; some are of nobody."""
    uids: set[int] = set()
    for _ in range(random.randint(1, 5)):
        first, length = random.randrange(1, 1500), random.choice((1, 10, 63, 64, 65, 66, 400))
        uids.update(range(first, first + length, random.choice((1, 1, 2, 30))))
    return sorted(uids)


@pytest.mark.parametrize("seed", range(40))
async def test_just_those_that_are_named_and_there_are_copied_moved_or_removed(seed: int) -> None:
    random = Random(seed)
    room = await open_room(StoreOptions(piece=random.choice((97, 5000))))
    inbox, work = await filled(room, random, sorted({*some(random), *some(random)}))
    before, named = await rows_of(room, inbox), some(random)
    there = [uid for uid in named if uid in before]
    carried = Carried(Flags(random.choice((31, 31, 0, 1, 8, 30))), has_keywords=random.random() < 0.7)
    how = random.choice(("copy", "move", "remove"))
    if how == "remove":
        assert (await room.store.remove(inbox, named)).uids == tuple(there)
    else:
        done = await getattr(room.store, how)(inbox, named, work, carried)
        assert done.source_uids == tuple(there)
        assert done.target_uids == tuple(range(2000, 2000 + len(there)))
        made = await rows_of(room, work)
        for uid, new in zip(done.source_uids, done.target_uids, strict=True):
            *rest, flags, keywords = before[uid]
            kept = (int(carried.flags) & flags, keywords if carried.has_keywords else "")
            assert made[new] == (*rest, *kept)
        assert len(made) == 1 + len(there)
    left = before if how == "copy" else {uid: row for uid, row in before.items() if uid not in set(there)}
    assert await rows_of(room, inbox) == left
    await check_counters(room, inbox, work)
    gone = {
        uid for first, last in await room.store.expunged_since(inbox, 0) for uid in range(first, last + 1)
    }
    assert gone == set(() if how == "copy" else there)


async def test_a_large_copy_into_the_same_mailbox_doubles_it() -> None:
    room = await open_room()
    inbox, _ = await filled(room, Random(1), list(range(1, 201)))
    before = await rows_of(room, inbox)
    done = await room.store.copy(inbox, list(range(1, 201)), inbox)
    assert done.target_uids == tuple(range(2000, 2200))
    after = await rows_of(room, inbox)
    assert {uid - 1999: row for uid, row in after.items() if uid >= 2000} == before
    await check_counters(room, inbox)


async def test_a_large_copy_for_which_there_is_no_room_leaves_nothing() -> None:
    room = await open_room(quota=Quota(messages=300))
    inbox, work = await filled(room, Random(1), list(range(1, 201)))
    with pytest.raises(OverQuota):
        await room.store.copy(inbox, list(range(1, 201)), work)
    assert len(await rows_of(room, work)) == 1
    await check_counters(room, inbox, work)


async def test_a_large_copy_to_a_mailbox_that_is_gone_is_refused() -> None:
    room = await open_room()
    inbox, work = await filled(room, Random(1), list(range(1, 201)))
    await room.database.write(lambda tx: room.store.tree.delete(tx, work))
    for way in (room.store.copy, room.store.move):
        with pytest.raises(NoSuchMailbox):
            await way(inbox, list(range(1, 201)), work)
    assert len(await rows_of(room, inbox)) == 200
