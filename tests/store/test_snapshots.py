"""Snapshots: one for all, right whatever happens, and cheap when little does."""

from __future__ import annotations

import asyncio
from array import array
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_room import Room, open_room

from postel.database import Transaction
from postel.proto.imap import MailboxView
from postel.store import (
    INBOX,
    FlagChange,
    Flags,
    How,
    MailboxName,
    NoSuchMailbox,
    Snapshot,
    StoredMailbox,
    StoreOptions,
)
from postel.testing import simulate

SEEN = FlagChange(How.ADD, Flags.SEEN)


async def box_of(room: Room, name: MailboxName = INBOX) -> StoredMailbox:
    box = await room.store.mailbox(7, name)
    assert box is not None
    return box


def facts_of(snapshot: Snapshot) -> list[tuple[Any, ...]]:
    sets = [snapshot.flag_set(place) for place in range(len(snapshot.uids))]
    columns = (
        snapshot.uids,
        [(one.flags, one.keywords) for one in sets],
        snapshot.modseqs,
        snapshot.sizes,
        snapshot.dates,
        snapshot.letters,
        snapshot.contents,
    )
    return list(zip(*columns, strict=True))


async def facts_in(room: Room, mailbox_id: int) -> list[tuple[Any, ...]]:
    return [
        (m.uid, (m.flags, m.keywords), m.modseq, m.size_bytes, m.internal_date_at, m.letter_id, m.content_id)
        async for m in room.store.messages(mailbox_id)
    ]


async def test_a_snapshot_says_what_the_messages_are() -> None:
    room = await open_room()
    await room.put(7, b"one", flags=Flags.SEEN, keywords=frozenset({"$Work", "Later"}))
    await room.put(7, b"three")
    box = await box_of(room)
    snapshot = await room.store.snapshots.current(box.id)
    assert facts_of(snapshot) == await facts_in(room, box.id)
    assert snapshot.flag_set(0).text == b"\\Seen $Work Later"
    assert snapshot.keywords() == ["$Work", "Later"]
    assert snapshot.mailbox == box


async def test_a_snapshot_is_one_for_all_and_goes_on_by_what_has_changed() -> None:
    room = await open_room()
    for _ in range(4):
        await room.put(7, b"x")
    box = await box_of(room)
    first = await room.store.snapshots.current(box.id)
    before = first.modseq
    await room.store.change_flags(box.id, [2], SEEN)
    await room.expunge(7, 3)
    await room.put(7, b"x")
    second = await room.store.snapshots.current(box.id)
    assert second is first
    change = second.change_since(before)
    assert (set(change.gone or ()), set(change.changed)) == ({3}, {2, 5})
    assert change.uids == array("I", [1, 2, 4, 5])
    assert facts_of(second) == await facts_in(room, box.id)
    assert second.change_since(second.modseq).changed == ()


async def test_what_was_there_is_not_changed_under_those_who_share_it() -> None:
    room = await open_room()
    for _ in range(3):
        await room.put(7, b"x")
    box = await box_of(room)
    uids = (await room.store.snapshots.current(box.id)).uids
    await room.expunge(7, 2)
    await room.put(7, b"x")
    await room.store.snapshots.current(box.id)
    assert uids == array("I", [1, 2, 3])


async def test_places_are_a_range_where_nothing_differs() -> None:
    room = await open_room()
    for _ in range(5):
        await room.put(7, b"x")
    await room.expunge(7, 3)
    snapshot = await room.store.snapshots.current((await box_of(room)).id)
    assert snapshot.places(array("I", [2, 4, 5])) == range(1, 4)
    assert list(snapshot.places([1, 3, 5])) == [0, -1, 3]
    assert snapshot.places([]) == range(0)
    assert snapshot.unchanged_since(4, [1, 2, 3, 4]) == [1, 2]


async def test_a_deleted_mailbox_has_no_snapshot() -> None:
    room = await open_room()
    box_id = await room.database.write(lambda tx: room.store.tree.create(tx, 7, "Work"))
    await room.store.snapshots.current(box_id)
    await room.database.write(lambda tx: room.store.tree.delete(tx, box_id))
    for _ in range(2):
        with pytest.raises(NoSuchMailbox):
            await room.store.snapshots.current(box_id)


async def test_snapshots_that_nobody_wanted_for_long_make_room() -> None:
    room = await open_room(StoreOptions(snapshot_bytes=5000))
    for account_id in (7, 8, 9):
        await room.put(account_id, b"x")
    boxes = [box.id for account_id in (7, 8, 9) for box in await room.store.mailboxes(account_id)]
    first = await room.store.snapshots.current(boxes[0])
    for box_id in boxes[1:]:
        await room.store.snapshots.current(box_id)
    await room.put(7, b"x")
    again = await room.store.snapshots.current(boxes[0])
    assert again is not first
    change = again.change_since(first.modseq)
    assert (change.gone, list(change.changed)) == (None, [2])


async def test_expunges_that_are_not_remembered_any_more_are_found_by_comparing() -> None:
    room = await open_room(StoreOptions(tombstones=4))
    for _ in range(30):
        await room.put(7, b"x")
    box = await box_of(room)
    snapshot = await room.store.snapshots.current(box.id)
    view = MailboxView(snapshot.change_since(None))
    for uid in range(1, 20, 2):
        await room.expunge(7, uid)
    await room.store.housekeeping.tidy()
    pruned = await box_of(room)
    assert box.highest_modseq < pruned.pruned_modseq < pruned.highest_modseq
    assert await room.count("stored_expunge") < 6
    snapshot = await room.store.snapshots.current(box.id)
    assert facts_of(snapshot) == await facts_in(room, box.id)
    view.advance(snapshot.change_since(view.modseq))
    assert [uid for _, uid in view.sync(may_expunge=True).expunged] == list(range(19, 0, -2))
    # RFC 7162 3.2.5.2: a client that comes back is told of all that is not there, or of just what went
    assert await room.store.expunged_since(box.id, 1) == [(uid, uid) for uid in range(1, 20, 2)]
    late = await room.store.expunged_since(box.id, pruned.highest_modseq - 1)
    assert late == [(19, 19)]


async def test_a_large_mailbox_is_read_in_pages_while_it_changes() -> None:
    room = await open_room()
    await room.put(7, b"x")
    box = await box_of(room)

    async def fill(tx: Transaction) -> None:
        columns = "mailbox_id, letter_id, content_id, size_bytes, internal_date_at, saved_at, modseq, flags, keywords"
        await tx.execute_many(
            f"INSERT INTO stored_message (uid, {columns}) SELECT ?, {columns} FROM stored_message WHERE uid = 1",
            [(uid,) for uid in range(2, 3501)],
        )
        await tx.execute(
            "UPDATE stored_mailbox SET uid_next = 3501, message_count = 3500, unseen_count = 3500"
        )

    await room.database.write(fill)

    async def meddle() -> None:
        await room.expunge(7, 5, 3400)
        await room.store.change_flags(box.id, [6, 3300], SEEN)
        await room.put(7, b"y")
        await room.store.change_flags(box.id, [3501], SEEN)

    snapshot, _, same = await asyncio.gather(
        room.store.snapshots.current(box.id), meddle(), room.store.snapshots.current(box.id)
    )
    assert snapshot is same
    again = await room.store.snapshots.current(box.id)
    assert facts_of(again) == await facts_in(room, box.id)
    await room.store.change_flags(box.id, list(again.uids), SEEN)
    assert facts_of(await room.store.snapshots.current(box.id)) == await facts_in(room, box.id)


async def test_who_is_far_behind_compares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postel.store.snapshot._JOURNAL", 3)
    room = await open_room()
    for _ in range(3):
        await room.put(7, b"x")
    box = await box_of(room)
    first = (await room.store.snapshots.current(box.id)).modseq
    for uid in (1, 2, 3):
        await room.store.change_flags(box.id, [uid], SEEN)
        await room.store.snapshots.current(box.id)
    await room.expunge(7, 2)
    change = (await room.store.snapshots.current(box.id)).change_since(first)
    assert (change.gone, list(change.changed)) == (None, [1, 3])


async def test_somebody_who_plays_with_keywords_costs_no_memory_for_ever() -> None:
    room = await open_room()
    await room.put(7, b"x")
    box = await box_of(room)
    for number in range(1100):
        change = FlagChange(How.REPLACE, Flags.NONE, frozenset({f"k{number}"}))
        await room.store.change_flags(box.id, [1], change)
        snapshot = await room.store.snapshots.current(box.id)
    assert len(snapshot.flag_sets) < 200
    assert snapshot.keywords() == ["k1099"]


async def test_a_snapshot_that_is_read_while_expunges_are_forgotten_is_read_again() -> None:
    room = await open_room(StoreOptions(tombstones=2))
    await room.put(7, b"x")
    box = await box_of(room)

    async def fill(tx: Transaction) -> None:
        columns = "mailbox_id, letter_id, content_id, size_bytes, internal_date_at, saved_at, modseq, flags, keywords"
        await tx.execute_many(
            f"INSERT INTO stored_message (uid, {columns}) SELECT ?, {columns} FROM stored_message WHERE uid = 1",
            [(uid,) for uid in range(2, 2501)],
        )
        await tx.execute(
            "UPDATE stored_mailbox SET uid_next = 2501, message_count = 2500, unseen_count = 2500"
        )

    await room.database.write(fill)

    async def meddle() -> None:
        for uid in (3, 5, 7, 9, 11, 13):
            await room.expunge(7, uid)
        await room.store.housekeeping.tidy()

    snapshot, _ = await asyncio.gather(room.store.snapshots.current(box.id), meddle())
    assert facts_of(await room.store.snapshots.current(box.id)) == await facts_in(room, box.id)
    assert snapshot.mailbox.id == box.id


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "expunge", "flag", "copy", "move in", "look", "tell", "forget", "tidy"]),
        st.sets(st.integers(1, 25), min_size=1, max_size=6),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(STEPS)
def test_a_snapshot_that_goes_on_is_one_that_is_read_anew(steps: list[tuple[str, set[int]]]) -> None:
    async def play() -> None:
        room = await open_room(StoreOptions(tombstones=3, piece=4))
        await room.put(7, b"x")
        other = await room.database.write(lambda tx: room.store.tree.create(tx, 7, "Other"))
        box = await box_of(room)
        view = MailboxView((await room.store.snapshots.current(box.id)).change_since(None))
        for step, uids in steps:
            await _do(room, box.id, other, step, sorted(uids), view)
        snapshot = await room.store.snapshots.current(box.id)
        assert facts_of(snapshot) == await facts_in(room, box.id)
        view.advance(snapshot.change_since(view.modseq))
        view.sync(may_expunge=True)
        assert view.uids == snapshot.uids
        row = await box_of(room)
        sets = [snapshot.flag_set(place).flags for place in range(len(snapshot.uids))]
        assert row.message_count == len(sets)
        assert row.size_bytes == sum(snapshot.sizes)
        assert row.unseen_count == sum(Flags.SEEN not in flags for flags in sets)
        assert row.deleted_count == sum(Flags.DELETED in flags for flags in sets)
        assert row.highest_modseq == snapshot.modseq

    simulate(play)


async def _do(room: Room, box_id: int, other: int, step: str, uids: list[int], view: MailboxView) -> None:
    flags = [Flags.SEEN, Flags.DELETED, Flags.SEEN | Flags.FLAGGED]
    match step:
        case "append":
            await room.put(7, b"x" * len(uids), flags=flags[uids[0] % 3])
        case "expunge":
            await room.store.remove(box_id, uids)
        case "flag":
            change = FlagChange(list(How)[uids[0] % 3], flags[uids[-1] % 3], frozenset({f"k{uids[0] % 4}"}))
            await room.store.change_flags(box_id, uids, change)
        case "copy":
            await room.store.copy(box_id, uids, other if uids[0] % 2 else box_id)
        case "move in":
            await room.store.move(other, uids, box_id)
        case "look":
            snapshot = await room.store.snapshots.current(box_id)
            view.advance(snapshot.change_since(view.modseq))
        case "tell":
            view.sync(may_expunge=bool(uids[0] % 2))
        case "forget":
            room.store.snapshots.forget(box_id)
        case "tidy":
            await room.store.housekeeping.tidy()


async def test_the_last_messages_to_go_are_remembered_as_they_were() -> None:
    """RFC 2180 4.1.1: a session that has not been told of it reads them still."""
    room = await open_room()
    await room.put(7, b"one")
    box = await box_of(room)
    for power in range(11):
        await room.store.copy(box.id, range(1, 2**power + 1), box.id)
    change = FlagChange(How.ADD, Flags.FLAGGED, frozenset({"b", "a"}))
    await room.store.change_flags(box.id, [5, 1900], change)
    was = {facts[0]: facts for facts in facts_of(await room.store.snapshots.current(box.id))}
    await room.store.remove(box.id, range(1, 2001))
    snapshot = await room.store.snapshots.current(box.id)
    left = snapshot.departed([5, 1001, 1900, 2000, 2001])
    assert facts_of(left) == [was[1001], was[1900], was[2000]]
    assert sorted((await room.store.departed(left)).letters) == [1001, 1900, 2000]
    await room.store.remove(box.id, range(2001, 2049))
    await room.prune()
    assert not (await room.store.departed(left)).letters
