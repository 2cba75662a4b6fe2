"""Mailboxes made, renamed, deleted, subscribed (RFC 9051 6.3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_room import Room, open_room

from postel.store import (
    DEFAULTS,
    INBOX,
    BadMailboxName,
    MailboxExists,
    MailboxHasChildren,
    MailboxIsInbox,
    MailboxName,
    NoSuchMailbox,
    SpecialUse,
    StoredMailbox,
    StoreOptions,
    TooMany,
    UseTaken,
    checked_name,
)
from postel.testing import simulate


async def make(room: Room, name: str, *uses: SpecialUse) -> int:
    return await room.database.write(lambda tx: room.store.tree.create(tx, 7, name, uses))


async def delete(room: Room, mailbox_id: int) -> None:
    await room.database.write(lambda tx: room.store.tree.delete(tx, mailbox_id))


async def rename(room: Room, mailbox_id: int, name: str) -> None:
    await room.database.write(lambda tx: room.store.tree.rename(tx, mailbox_id, name))


async def names(room: Room) -> list[str]:
    return [box.name for box in await room.store.mailboxes(7)]


async def get(room: Room, name: str) -> StoredMailbox:
    box = await room.store.mailbox(7, MailboxName(name))
    assert box is not None
    return box


async def test_an_account_gets_what_people_expect_once() -> None:
    room = await open_room()
    await room.put(7, b"x")
    await room.database.write(lambda tx: room.store.create(tx, 7, MailboxName("Sent")))
    for _ in range(2):
        await room.database.write(lambda tx: room.store.tree.make_defaults(tx, 7))
    boxes = await room.store.mailboxes(7)
    assert {box.name: box.special_uses for box in boxes} == {
        name: frozenset({use} if use else ()) for name, use in DEFAULTS.items()
    }
    assert await room.store.tree.subscriptions(7) == set(DEFAULTS)
    await delete(room, (await get(room, "Trash")).id)
    await room.database.write(lambda tx: room.store.tree.make_defaults(tx, 7))
    assert "Trash" not in await names(room)


async def test_a_use_that_somebody_gave_to_another_mailbox_stays_there() -> None:
    room = await open_room()
    await make(room, "Entwürfe", SpecialUse.DRAFTS)
    await room.database.write(lambda tx: room.store.tree.make_defaults(tx, 7))
    assert (await get(room, "Drafts")).special_uses == frozenset()
    assert (await get(room, "Entwürfe")).special_uses == {SpecialUse.DRAFTS}


async def test_what_is_missing_above_a_mailbox_is_made() -> None:
    room = await open_room()
    await make(room, "a/b/c/")
    assert await names(room) == ["a", "a/b", "a/b/c"]
    with pytest.raises(MailboxExists):
        await make(room, "a/b")


async def test_a_mailbox_above_others_leaves_its_name() -> None:
    room = await open_room()
    await make(room, "a/b")
    await room.put(7, b"x", MailboxName("a"))
    old = await get(room, "a")
    await delete(room, old.id)
    left = await get(room, "a")
    assert not left.is_selectable
    with pytest.raises(MailboxHasChildren):
        await delete(room, left.id)
    with pytest.raises(NoSuchMailbox):
        await room.put(7, b"x", MailboxName("a"))
    new = await make(room, "a")
    again = await get(room, "a")
    assert again.is_selectable
    assert (again.message_count, again.id) == (0, new)
    assert new not in (old.id, left.id)
    assert again.uid_validity > left.uid_validity > old.uid_validity
    await delete(room, (await get(room, "a/b")).id)
    await delete(room, new)
    assert await names(room) == []


async def test_a_name_without_messages_goes_when_nothing_is_below() -> None:
    room = await open_room()
    await make(room, "a/b")
    await delete(room, (await get(room, "a")).id)
    await delete(room, (await get(room, "a/b")).id)
    await delete(room, (await get(room, "a")).id)
    assert await names(room) == []


async def test_no_uid_validity_and_no_id_is_ever_given_again() -> None:
    room = await open_room()
    seen: set[tuple[str, int]] = set()
    for step in range(6):
        mailbox_id = await make(room, "a")
        box = await get(room, "a")
        fresh = {("id", mailbox_id), ("validity", box.uid_validity)}
        assert not fresh & seen
        seen |= fresh
        await delete(room, mailbox_id)
        room.clock.advance(-1000 if step == 2 else 0)  # a clock that is set back


async def test_a_tree_is_renamed_whole_and_keeps_its_mail() -> None:
    room = await open_room()
    for name in ("a/b", "a/c/d", "ab", "z"):
        await make(room, name)
    await room.put(7, b"x", MailboxName("a/c/d"))
    before = await get(room, "a/c/d")
    await rename(room, (await get(room, "a")).id, "new/place")
    assert await names(room) == ["ab", "new", "new/place", "new/place/b", "new/place/c", "new/place/c/d", "z"]
    after = await get(room, "new/place/c/d")
    assert (after.id, after.uid_validity, after.message_count) == (before.id, before.uid_validity, 1)


async def test_what_cannot_be_renamed_stays() -> None:
    room = await open_room(StoreOptions(name_bytes=12))
    await room.put(7, b"x")
    for name in ("a/b", "c", "d/b"):
        await make(room, name)
    await delete(room, (await get(room, "d")).id)
    a = (await get(room, "a")).id
    before = await names(room)
    for name, fault in (
        ("c", MailboxExists),
        ("a/x", BadMailboxName),
        ("INBOX", MailboxIsInbox),
        ("0123456789x", BadMailboxName),  # its child's name would be too long
        ("a//b", BadMailboxName),
    ):
        with pytest.raises(fault):
            await rename(room, a, name)
        assert await names(room) == before
    with pytest.raises(NoSuchMailbox):
        await rename(room, 99, "x")
    with pytest.raises(MailboxIsInbox):
        await rename(room, (await get(room, INBOX)).id, "x")


async def test_a_renamed_inbox_stays_and_its_mail_moves() -> None:
    room = await open_room(StoreOptions(piece=2))
    for _ in range(5):
        await room.put(7, b"x")
    await make(room, "INBOX/child")
    before = await get(room, INBOX)
    await room.store.rename_inbox(7, "Old/Mail")
    assert await names(room) == ["INBOX", "INBOX/child", "Old", "Old/Mail"]
    after = await get(room, INBOX)
    assert (after.id, after.message_count, after.uid_next) == (before.id, 0, before.uid_next)
    assert (await get(room, "Old/Mail")).message_count == 5
    with pytest.raises(NoSuchMailbox):
        await room.store.rename_inbox(8, "Old")


async def test_inbox_is_not_deleted() -> None:
    room = await open_room()
    await room.put(7, b"x")
    with pytest.raises(MailboxIsInbox):
        await delete(room, (await get(room, INBOX)).id)
    with pytest.raises(NoSuchMailbox):
        await delete(room, 99)


async def test_deleted_mail_is_out_of_sight_at_once_and_can_be_had_back() -> None:
    room = await open_room()
    await make(room, "Work")
    for _ in range(600):
        await room.put(7, b"x", MailboxName("Work"))
    await delete(room, (await get(room, "Work")).id)
    assert (await room.store.usage(7)).messages == 0
    await room.store.housekeeping.tidy()
    assert [(k.mailbox_name, k.messages) for k in await room.store.kept.summary(7)] == [("Work", 600)]
    assert await room.store.undelete(7, MailboxName("Work")) == 600
    assert (await get(room, "Work")).message_count == 600


async def test_a_use_is_one_mailbox_s() -> None:
    room = await open_room()
    work = await make(room, "Work", SpecialUse.ARCHIVE, SpecialUse.SENT)
    with pytest.raises(UseTaken):
        await make(room, "Other", SpecialUse.SENT)
    await delete(room, work)
    await make(room, "Other", SpecialUse.SENT)
    assert (await get(room, "Other")).special_uses == {SpecialUse.SENT}


async def test_names_are_subscribed_whether_or_not_there_is_a_mailbox() -> None:
    room = await open_room(StoreOptions(subscriptions=2))
    tree = room.store.tree
    for name in ("a", "b", "a"):
        if name not in await tree.subscriptions(7):
            await room.database.write(lambda tx, name=name: tree.subscribe(tx, 7, name))  # type: ignore[misc]
    assert await tree.subscriptions(7) == {"a", "b"}
    with pytest.raises(TooMany):
        await room.database.write(lambda tx: tree.subscribe(tx, 7, "c"))
    assert await room.database.write(lambda tx: tree.unsubscribe(tx, 7, "a"))
    assert not await room.database.write(lambda tx: tree.unsubscribe(tx, 7, "a"))
    assert await tree.subscriptions(7) == {"b"}
    assert await tree.subscriptions(8) == set()


async def test_an_account_has_so_many_mailboxes() -> None:
    room = await open_room(StoreOptions(mailboxes=2))
    await make(room, "a")
    await make(room, "b")
    with pytest.raises(TooMany):
        await make(room, "c")


@pytest.mark.parametrize(
    "name", ["", "/", "a//b", "/a", " ", "a/ /b", "a\nb", "a\x7fb", "a\u2028b", "x" * 1001, "a/" * 40 + "a",
             "Other Users", "other users/ann@drag.net/x", "\ud800"]
)  # fmt: skip
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(BadMailboxName):
        checked_name(name, StoreOptions())


@pytest.mark.parametrize(
    ("name", "kept"),
    [("inbox", "INBOX"), ("InBox/x", "INBOX/x"), ("x/inbox", "x/inbox"), ("a/b/", "a/b"), ("e\u0301", "é")],
)
def test_names_are_kept_in_one_form(name: str, kept: str) -> None:
    assert checked_name(name, StoreOptions()) == kept


async def test_who_watches_the_tree_hears_of_it() -> None:
    room = await open_room()
    heard: list[int] = []
    end = room.store.changes.watch_tree(7, lambda: heard.append(7))
    mailbox_id = await make(room, "a")
    assert heard == [7]
    acts: list[Callable[[Any], Awaitable[Any]]] = [
        lambda tx: room.store.tree.subscribe(tx, 7, "a"),
        lambda tx: room.store.tree.rename(tx, mailbox_id, "b"),
        lambda tx: room.store.rights.set(tx, mailbox_id, "anyone", "lr"),
        lambda tx: room.store.annotations.set(tx, 7, mailbox_id, 0, {"/comment": b"x"}),
        lambda tx: room.store.tree.delete(tx, mailbox_id),
    ]
    for count, act in enumerate(acts, 2):
        await room.database.write(act)
        assert len(heard) == count
    end()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "delete", "rename"]),
        st.sampled_from(["a", "b", "a/b", "a/b/c", "b/c", "INBOX", "INBOX/a"]),
        st.sampled_from(["a", "b", "c", "a/b", "c/d", "INBOX/x"]),
    ),
    max_size=15,
)


@settings(max_examples=60)
@given(STEPS)
def test_whatever_is_done_every_mailbox_has_those_above_it(steps: list[tuple[str, str, str]]) -> None:
    async def play() -> None:
        room = await open_room()
        await room.put(7, b"x")
        validities: set[int] = set()
        for step, name, other in steps:
            box = await room.store.mailbox(7, MailboxName(name))
            try:
                if step == "create":
                    await make(room, name)
                elif box is not None and step == "delete":
                    await delete(room, box.id)
                elif box is not None:
                    await rename(room, box.id, other)
            except (MailboxExists, MailboxHasChildren, MailboxIsInbox, BadMailboxName):
                pass
            there = set(await names(room))
            assert INBOX in there
            assert all(name.rpartition("/")[0] in there | {""} for name in there)
            boxes = await room.store.mailboxes(7)
            assert len({box.uid_validity for box in boxes}) == len(boxes)
            validities |= {box.uid_validity for box in boxes}

    simulate(play)
