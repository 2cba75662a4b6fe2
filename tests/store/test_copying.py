"""Messages copied and moved (RFC 9051 6.4.7, 6.4.8), come in together, and replaced."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_room import Room, open_room

from postel.contents import keep
from postel.database import Transaction
from postel.store import (
    Copied,
    FlagChange,
    Flags,
    How,
    MailboxName,
    MessageFacts,
    NoSuchMailbox,
    OverQuota,
    Quota,
    StoredMailbox,
    StoredMessage,
    StoreOptions,
)
from postel.testing import simulate

WORK = MailboxName("Work")


async def boxes_of(room: Room, messages: int, account_id: int = 7) -> tuple[StoredMailbox, StoredMailbox]:
    for number in range(messages):
        await room.put(7, b"message %d\r\n" % number, internal_date_at=100.0 + number)
    await room.database.write(lambda tx: room.store.tree.create(tx, account_id, WORK))
    inbox, work = await room.store.mailbox(7), await room.store.mailbox(account_id, WORK)
    assert inbox is not None
    assert work is not None
    return inbox, work


async def messages_in(room: Room, box: StoredMailbox) -> list[StoredMessage]:
    return [message async for message in room.store.messages(box.id)]


async def test_a_copy_keeps_what_the_message_is_and_is_saved_now() -> None:
    room = await open_room()
    inbox, work = await boxes_of(room, 3)
    await room.store.change_flags(inbox.id, [2], FlagChange(How.ADD, Flags.SEEN, frozenset({"k"})))
    room.clock.advance(50)
    copied = await room.store.copy(inbox.id, [1, 2], work.id)
    assert copied == Copied(work.uid_validity, (1, 2), (1, 2))
    first, second = await messages_in(room, work)
    original = (await messages_in(room, inbox))[1]
    assert (second.flags, second.keywords, second.internal_date_at) == (Flags.SEEN, {"k"}, 101.0)
    assert (second.letter_id, second.content_id) == (original.letter_id, original.content_id)
    assert second.saved_at == original.saved_at + 50
    assert await room.text(first) == b"message 0\r\n"


async def test_a_copy_outlives_its_original() -> None:
    room = await open_room()
    inbox, work = await boxes_of(room, 1)
    await room.store.copy(inbox.id, [1], work.id)
    await room.store.remove(inbox.id, [1])
    await room.prune()
    assert await room.text((await messages_in(room, work))[0]) == b"message 0\r\n"
    await room.store.remove(work.id, [1])
    await room.prune()
    assert await room.count("content") == 0


async def test_a_copy_into_its_own_mailbox_is_a_new_message() -> None:
    room = await open_room()
    inbox, _ = await boxes_of(room, 2)
    assert (await room.store.copy(inbox.id, [1, 2], inbox.id)).target_uids == (3, 4)
    assert len(await messages_in(room, inbox)) == 4


async def test_a_move_leaves_the_numbers_of_what_went() -> None:
    room = await open_room(StoreOptions(piece=2))
    inbox, work = await boxes_of(room, 5)
    moved = await room.store.move(inbox.id, [1, 2, 4, 5, 77], work.id)
    assert moved == Copied(work.uid_validity, (1, 2, 4, 5), (1, 2, 3, 4))
    assert [m.uid for m in await messages_in(room, inbox)] == [3]
    assert await room.store.expunged_since(inbox.id, inbox.highest_modseq) == [(1, 2), (4, 5)]
    assert await room.store.kept.summary(7) == []  # it is not gone, so there is nothing to have back


async def test_nothing_to_move_still_names_the_target() -> None:
    room = await open_room()
    inbox, work = await boxes_of(room, 1)
    nothing = Copied(work.uid_validity, (), ())
    assert await room.store.move(inbox.id, [], work.id) == nothing
    assert await room.store.move(inbox.id, [9], work.id) == nothing
    assert await room.store.copy(inbox.id, [9], work.id) == nothing


async def test_a_copy_is_all_or_nothing() -> None:
    room = await open_room(quota=Quota(messages=5))
    inbox, work = await boxes_of(room, 3)
    with pytest.raises(OverQuota) as full:
        await room.store.copy(inbox.id, [1, 2, 3], work.id)
    assert (full.value.what, full.value.limit, full.value.wanted) == ("messages", 5, 6)
    assert await messages_in(room, work) == []
    await room.store.copy(inbox.id, [1, 2], work.id)
    await room.store.move(inbox.id, [1, 2, 3], work.id)  # a full account can be tidied up
    assert len(await messages_in(room, work)) == 5


async def test_the_owner_of_the_target_pays_for_what_comes_from_another_account() -> None:
    room = await open_room(quota=Quota(size_bytes=20))
    inbox, theirs = await boxes_of(room, 1, account_id=8)
    assert (await room.store.move(inbox.id, [1], theirs.id)).target_uids == (1,)
    await room.put(7, b"x" * 15)
    with pytest.raises(OverQuota):
        await room.store.move(inbox.id, [2], theirs.id)
    assert [m.uid for m in await messages_in(room, inbox)] == [2]


async def test_where_there_is_no_mailbox_nothing_is_copied() -> None:
    room = await open_room()
    inbox, work = await boxes_of(room, 1)
    for source, target in ((99, work.id), (inbox.id, 99)):
        with pytest.raises(NoSuchMailbox):
            await room.store.copy(source, [1], target)
        with pytest.raises(NoSuchMailbox):
            await room.store.move(source, [1], target)


async def facts(room: Room, tx: Transaction, content: bytes) -> MessageFacts:
    draft = room.contents.draft()
    await draft.write(content)
    content_id = await keep(tx, await draft.seal(), holders=0)
    return MessageFacts(content_id=content_id, content_size_bytes=len(content), internal_date_at=1.0)


async def test_several_messages_come_in_together_or_not_at_all() -> None:
    room = await open_room(quota=Quota(messages=3))
    _, work = await boxes_of(room, 1)

    async def append(tx: Transaction, number: int) -> list[int]:
        put = room.store.append_to
        return [(await put(tx, work.id, await facts(room, tx, b"a"))).uid for _ in range(number)]

    with pytest.raises(OverQuota):
        await room.database.write(lambda tx: append(tx, 3))
    assert await messages_in(room, work) == []
    assert await room.database.write(lambda tx: append(tx, 2)) == [1, 2]
    with pytest.raises(OverQuota):
        await room.put(7, b"one more")
    with pytest.raises(NoSuchMailbox):
        await room.database.write(
            lambda tx: room.store.append_to(
                tx, 99, MessageFacts(content_id=1, content_size_bytes=1, internal_date_at=1.0)
            )
        )


async def test_a_message_is_replaced_in_one_step() -> None:
    room = await open_room()
    _, work = await boxes_of(room, 1)

    async def replace(tx: Transaction, old: int) -> int:  # RFC 8508
        appended = await room.store.append_to(tx, work.id, await facts(room, tx, b"new"))
        await room.store.expunge(tx, work.id, [old])
        return appended.uid

    first = await room.database.write(lambda tx: replace(tx, 0))
    assert await room.database.write(lambda tx: replace(tx, first)) == 2
    assert [m.uid for m in await messages_in(room, work)] == [2]


@settings(max_examples=30)
@given(st.sets(st.integers(1, 80)), st.sets(st.integers(1, 90)), st.booleans())
def test_exactly_what_was_named_is_copied_or_moved(gone: set[int], named: set[int], moves: bool) -> None:
    async def play() -> None:
        room = await open_room(StoreOptions(piece=11))
        inbox, work = await boxes_of(room, 80)
        await room.store.remove(inbox.id, sorted(gone))
        there = set(range(1, 81)) - gone
        act = room.store.move if moves else room.store.copy
        done = await act(inbox.id, sorted(named), work.id)
        assert done.source_uids == tuple(sorted(named & there))
        assert done.target_uids == tuple(range(1, len(named & there) + 1))
        dates = [m.internal_date_at for m in await messages_in(room, work)]
        assert dates == [99.0 + uid for uid in done.source_uids]
        left = there - named if moves else there
        assert [m.uid for m in await messages_in(room, inbox)] == sorted(left)
        ranges = await room.store.expunged_since(inbox.id, 0)
        told = {uid for first, last in ranges for uid in range(first, last + 1)}
        assert told == set(range(1, 81)) - left

    simulate(play)
