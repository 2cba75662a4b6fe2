"""Flags of messages (RFC 9051 6.4.6, RFC 7162 3.1.3)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_room import Room, open_room

from postel.store import FlagChange, Flags, How, NoSuchMailbox, StoreOptions, TooMany
from postel.testing import simulate

SEEN = FlagChange(How.ADD, Flags.SEEN)


async def a_mailbox(room: Room, messages: int) -> int:
    for _ in range(messages):
        await room.put(7, b"x")
    box = await room.store.mailbox(7)
    assert box is not None
    return box.id


async def flags_of(room: Room, box_id: int) -> list[tuple[Flags, frozenset[str]]]:
    return [(m.flags, m.keywords) async for m in room.store.messages(box_id)]


async def test_flags_and_keywords_are_added_removed_and_replaced() -> None:
    room = await open_room()
    box_id = await a_mailbox(room, 1)

    async def change(how: How, flags: Flags, *keywords: str) -> tuple[Flags, frozenset[str]]:
        await room.store.change_flags(box_id, [1], FlagChange(how, flags, frozenset(keywords)))
        return (await flags_of(room, box_id))[0]

    assert await change(How.ADD, Flags.SEEN, "$Work") == (Flags.SEEN, {"$Work"})
    assert await change(How.ADD, Flags.DRAFT, "b") == (Flags.SEEN | Flags.DRAFT, {"$Work", "b"})
    assert await change(How.REMOVE, Flags.SEEN, "B") == (Flags.DRAFT, {"$Work"})
    assert await change(How.REPLACE, Flags.FLAGGED, "$WORK", "c") == (Flags.FLAGGED, {"$Work", "c"})
    assert await change(How.REPLACE, Flags.NONE) == (Flags.NONE, frozenset())


async def test_one_command_takes_one_mod_sequence_and_says_who_got_it() -> None:
    room = await open_room()
    box_id = await a_mailbox(room, 4)
    changed = await room.store.change_flags(box_id, [1, 3, 4, 9], SEEN)
    assert [(modseq, list(uids)) for modseq, uids in changed.changed] == [(6, [1, 3, 4])]
    assert [m.modseq async for m in room.store.messages(box_id)] == [6, 3, 6, 6]


async def test_what_stays_as_it_was_gets_no_mod_sequence() -> None:
    room = await open_room()
    box_id = await a_mailbox(room, 3)
    await room.store.change_flags(box_id, [2], SEEN)
    before = await room.store.mailbox_by_id(box_id)
    assert (await room.store.change_flags(box_id, [2], SEEN)).changed == ()
    assert await room.store.mailbox_by_id(box_id) == before
    changed = await room.store.change_flags(box_id, [1, 2, 3], SEEN)
    assert [list(uids) for _, uids in changed.changed] == [[1, 3]]


async def test_what_others_have_changed_since_is_left_alone() -> None:
    room = await open_room()
    box_id = await a_mailbox(room, 3)
    box = await room.store.mailbox_by_id(box_id)
    assert box is not None
    await room.store.change_flags(box_id, [2], FlagChange(How.ADD, Flags.ANSWERED))
    changed = await room.store.change_flags(box_id, [1, 2, 3], SEEN, unchanged_since=box.highest_modseq)
    assert changed.failed == (2,)
    assert [list(uids) for _, uids in changed.changed] == [[1, 3]]
    assert (await flags_of(room, box_id))[1] == (Flags.ANSWERED, frozenset())


async def test_long_work_is_done_in_pieces() -> None:
    room = await open_room(StoreOptions(piece=2))
    box_id = await a_mailbox(room, 5)
    changed = await room.store.change_flags(box_id, range(1, 6), SEEN)
    assert [list(uids) for _, uids in changed.changed] == [[1, 2], [3, 4], [5]]
    assert all(flags == Flags.SEEN for flags, _ in await flags_of(room, box_id))


async def test_keywords_have_limits() -> None:
    room = await open_room(StoreOptions(keywords=2, keyword_bytes=5))
    box_id = await a_mailbox(room, 1)
    for bad in ({"a", "b", "c"}, {"abcdef"}):
        with pytest.raises(TooMany):
            await room.store.change_flags(box_id, [1], FlagChange(How.ADD, Flags.NONE, frozenset(bad)))
    await room.store.change_flags(box_id, [1], FlagChange(How.ADD, Flags.NONE, frozenset({"a", "b"})))
    with pytest.raises(TooMany):
        await room.store.change_flags(box_id, [1], FlagChange(How.ADD, Flags.NONE, frozenset({"c"})))
    with pytest.raises(TooMany):
        await room.put(7, b"x", keywords=frozenset({"a", "b", "c"}))


async def test_a_mailbox_that_is_gone_has_no_flags_to_change() -> None:
    room = await open_room()
    assert (await room.store.change_flags(99, [1], SEEN)).changed == ()
    with pytest.raises(NoSuchMailbox):
        await room.store.expunged_since(99, 1)


async def test_recent_mail_is_recent_to_one_session() -> None:
    room = await open_room()
    box_id = await a_mailbox(room, 2)
    assert await room.store.claim_recent(box_id) == range(1, 3)
    assert not await room.store.claim_recent(box_id)
    await room.put(7, b"x")
    assert await room.store.claim_recent(box_id) == range(3, 4)
    assert not await room.store.claim_recent(box_id)
    assert not await room.store.claim_recent(99)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(How),
        st.sets(st.integers(1, 60), max_size=40),
        st.sets(st.sampled_from(["\\Seen", "\\Deleted", "a", "b"])),
    ),
    max_size=8,
)
NAMED = {"\\Seen": Flags.SEEN, "\\Deleted": Flags.DELETED}


@settings(max_examples=40)
@given(CHANGES, st.sets(st.integers(1, 60), max_size=30))
def test_flags_behave_as_sets(changes: list[tuple[How, set[int], set[str]]], gone: set[int]) -> None:
    async def play() -> None:
        room = await open_room(StoreOptions(piece=7))
        box_id = await a_mailbox(room, 60)
        await room.expunge(7, *gone)
        model: dict[int, set[str]] = {uid: set() for uid in range(1, 61) if uid not in gone}
        for how, uids, names in changes:
            flags = Flags.NONE
            for name in names & NAMED.keys():
                flags |= NAMED[name]
            change = FlagChange(how, flags, frozenset(names - NAMED.keys()))
            await room.store.change_flags(box_id, sorted(uids), change)
            for uid in uids & model.keys():
                match how:
                    case How.ADD:
                        model[uid] |= names
                    case How.REMOVE:
                        model[uid] -= names
                    case How.REPLACE:
                        model[uid] = set(names)
        found = {
            m.uid: m.keywords | {name for name, flag in NAMED.items() if flag in m.flags}
            async for m in room.store.messages(box_id)
        }
        assert found == model
        deleted = await room.store.deleted_uids(box_id)
        assert deleted == [uid for uid, names in model.items() if "\\Deleted" in names]

    simulate(play)
