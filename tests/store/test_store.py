"""Stored mailboxes: UIDs, mod-sequences, contents held and released."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_room import open_room

from postel.database import Transaction
from postel.store import INBOX, Flags, MailboxName, MessageFacts, NoSuchMessage, Quota, SpecialUse, Store
from postel.testing import EPOCH_AT, InlineWorkers, simulate


async def test_inbox_appears_with_its_first_message() -> None:
    room = await open_room()
    assert await room.store.mailbox(7) is None
    assert (await room.store.maildrop(7)).messages == ()
    assert await room.put(7, b"one\r\n") == 1
    box = await room.store.mailbox(7)
    assert box is not None
    assert (box.name, box.uid_validity, box.uid_next) == (INBOX, int(EPOCH_AT), 2)


async def test_a_message_is_its_prefix_and_its_content() -> None:
    room = await open_room()
    uid = await room.put(7, b"Subject: x\r\n\r\nbody\r\n", prefix=b"Return-Path: <a@b.c>\r\n")
    box = await room.store.mailbox(7)
    assert box is not None
    message = await room.store.message(box.id, uid)
    whole = b"Return-Path: <a@b.c>\r\nSubject: x\r\n\r\nbody\r\n"
    assert await room.text(message) == whole
    assert message.size_bytes == len(whole)


async def test_flags_keywords_and_dates_come_back_as_they_went_in() -> None:
    room = await open_room()
    facts = {
        "flags": Flags.SEEN | Flags.DRAFT,
        "keywords": frozenset({"$Phishing", "work"}),
        "internal_date_at": 12.5,
        "needs_utf8": True,
    }
    uid = await room.put(7, b"x\r\n", **facts)
    box = await room.store.mailbox(7)
    assert box is not None
    message = await room.store.message(box.id, uid)
    assert {name: getattr(message, name) for name in facts} == facts
    assert (await room.store.maildrop(7)).messages[0].needs_utf8


async def test_uids_and_modseqs_grow_in_each_mailbox_by_itself() -> None:
    room = await open_room()
    await room.database.write(
        lambda tx: room.store.create(tx, 7, MailboxName("Sent"), SpecialUse.SENT),
    )
    assert [await room.put(7, b"x") for _ in range(3)] == [1, 2, 3]
    assert await room.put(7, b"x", MailboxName("Sent")) == 1
    assert await room.put(8, b"x") == 1
    boxes = await room.store.mailboxes(7)
    assert [(box.name, box.uid_next, box.special_uses) for box in boxes] == [
        ("INBOX", 4, frozenset()),
        ("Sent", 2, {SpecialUse.SENT}),
    ]
    messages = [message async for message in room.store.messages(boxes[0].id)]
    assert [message.modseq for message in messages] == [2, 3, 4]
    assert boxes[0].highest_modseq == 4


async def test_a_mailbox_that_does_not_exist_takes_nothing() -> None:
    room = await open_room()
    with pytest.raises(LookupError):
        await room.put(7, b"x", MailboxName("Nowhere"))
    assert await room.count("content") == 0


async def test_creating_a_mailbox_twice_changes_nothing() -> None:
    room = await open_room()
    await room.put(7, b"x")
    room.clock.advance(100)
    await room.database.write(lambda tx: room.store.create(tx, 7, INBOX))
    box = await room.store.mailbox(7)
    assert box is not None
    assert (box.uid_validity, box.uid_next) == (int(EPOCH_AT), 2)


async def test_an_append_that_is_taken_back_leaves_nothing() -> None:
    room = await open_room()
    await room.put(7, b"first")

    async def work(tx: Transaction) -> None:
        row = await tx.fetch_one("SELECT id FROM content")
        assert row is not None
        await room.store.append(
            tx, 8, MessageFacts(content_id=row[0], content_size_bytes=5, internal_date_at=0.0)
        )
        raise RuntimeError("something else failed")

    with pytest.raises(RuntimeError):
        await room.database.write(work)
    assert await room.store.mailbox(8) is None
    assert await room.count("stored_message") == 1


async def test_expunged_uids_are_never_given_again() -> None:
    room = await open_room()
    for _ in range(3):
        await room.put(7, b"x")
    assert await room.expunge(7, 1, 2, 3, 99) == 3
    assert await room.put(7, b"x") == 4


async def test_expunging_leaves_ranges_behind_and_a_modseq() -> None:
    room = await open_room()
    for _ in range(6):
        await room.put(7, b"x")
    before = await room.store.mailbox(7)
    assert before is not None
    await room.expunge(7, 1, 2, 3, 5)
    after = await room.store.mailbox(7)
    assert after is not None
    assert after.highest_modseq == before.highest_modseq + 1
    assert await room.store.expunged_since(after.id, before.highest_modseq) == [(1, 3), (5, 5)]
    assert await room.store.expunged_since(after.id, after.highest_modseq) == []
    with pytest.raises(NoSuchMessage):
        await room.store.message(after.id, 5)


async def test_expunging_what_is_not_there_changes_nothing() -> None:
    room = await open_room()
    await room.put(7, b"x")
    before = await room.store.mailbox(7)
    assert await room.expunge(7, 2, 3) == 0
    assert await room.store.mailbox(7) == before


async def test_content_goes_with_its_last_message() -> None:
    room = await open_room()
    await room.put(7, b"shared")

    async def share(tx: Transaction) -> int:
        row = await tx.fetch_one("SELECT id FROM content")
        assert row is not None
        facts = MessageFacts(content_id=row[0], content_size_bytes=6, internal_date_at=0.0)
        return await room.store.append(tx, 8, facts)

    await room.database.write(share)
    await room.expunge(7, 1)
    assert await room.texts(8) == [b"shared"]
    await room.expunge(8, 1)
    await room.prune()
    assert await room.count("content") == 0
    assert await room.count("stored_letter") == 0


async def test_a_forgotten_account_leaves_no_trace_and_takes_nobody_elses_mail() -> None:
    room = await open_room()
    for account_id in (7, 7, 8):
        await room.put(account_id, b"x")
    await room.expunge(7, 1)
    await room.database.write(lambda tx: room.store.forget_account(tx, 7))
    assert await room.store.mailboxes(7) == []
    assert await room.store.kept.summary(7) == []
    await room.prune()
    assert await room.texts(8) == [b"x"]
    assert await room.count("stored_expunge") == 0
    assert await room.count("content") == 1


async def test_the_uidl_is_stable_unique_and_short() -> None:
    room = await open_room()
    for _ in range(3):
        await room.put(7, b"x")
    first = [message.uidl for message in (await room.store.maildrop(7)).messages]
    await room.expunge(7, 2)
    second = [message.uidl for message in (await room.store.maildrop(7)).messages]
    assert second == [first[0], first[2]]
    assert len(set(first)) == 3
    assert all(0 < len(uidl) <= 70 and uidl.isprintable() and " " not in uidl for uidl in first)


async def test_a_large_maildrop_is_listed_and_expunged_whole() -> None:
    room = await open_room()
    content = await room.put(7, b"x")

    async def fill(tx: Transaction) -> None:
        columns = "mailbox_id, letter_id, content_id, size_bytes, internal_date_at, saved_at, modseq, flags, keywords"
        await tx.execute_many(
            f"INSERT INTO stored_message (uid, {columns}) SELECT ?, {columns} FROM stored_message WHERE uid = 1",
            [(uid,) for uid in range(2, 2501)],
        )
        await tx.execute(
            "UPDATE stored_mailbox SET uid_next = 2501, message_count = 2500, size_bytes = 2500, unseen_count = 2500"
        )

    assert content == 1
    await room.database.write(fill)
    drop = await room.store.maildrop(7)
    assert [message.uid for message in drop.messages] == list(range(1, 2501))
    assert len([1 async for _ in room.store.messages(drop.mailbox_id)]) == 2500
    assert await room.expunge(7, *range(1, 2501)) == 2500
    await room.prune()
    assert await room.count("content") == 0
    assert await room.count("stored_expunge") == 1


async def test_who_watches_a_mailbox_hears_of_its_changes_once_they_are_durable() -> None:
    room = await open_room()
    await room.put(7, b"x")
    await room.put(8, b"x")
    heard: list[int] = []
    boxes = [await room.store.mailbox(account_id) for account_id in (7, 8)]
    unwatch, _ = (
        room.store.changes.watch_mailbox(box.id, lambda box=box: heard.append(box.account_id))  # type: ignore[misc]
        for box in boxes
        if box is not None
    )
    await room.put(7, b"x")
    assert heard == [7]
    await room.expunge(7, 1)
    assert heard == [7, 7]
    unwatch()
    await room.put(7, b"x")
    assert heard == [7, 7]
    room.store.changes.close()


async def test_a_crowd_that_watches_is_told_some_at_a_time_and_nobody_is_left_out() -> None:
    room = await open_room()
    await room.put(7, b"x")
    box = await room.store.mailbox(7)
    assert box is not None
    heard: list[int] = []
    ends = [room.store.changes.watch_mailbox(box.id, lambda n=n: heard.append(n)) for n in range(1000)]  # type: ignore[misc]
    await room.put(7, b"x")
    assert 0 < len(heard) < 500
    ends.pop()()
    await room.put(7, b"x")
    for _ in range(100):
        await asyncio.sleep(0)
    assert set(heard) == set(range(999)), "all but the one whose watch ended before its turn"
    for end in ends:
        end()
        end()
    assert not room.store.changes.is_watched


async def test_one_who_watches_and_raises_keeps_no_other_from_being_told() -> None:
    room = await open_room()
    await room.put(7, b"x")
    box = await room.store.mailbox(7)
    assert box is not None
    heard, faults = asyncio.Event(), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context["exception"]))

    def fail() -> None:
        raise ValueError("no")

    room.store.changes.watch_mailbox(box.id, fail)
    room.store.changes.watch_mailbox(box.id, heard.set)
    await room.put(7, b"x")
    assert heard.is_set()
    assert len(faults) == 1


async def test_concurrent_appends_get_a_uid_each() -> None:
    room = await open_room()
    uids = await asyncio.gather(*(room.put(7, b"x") for _ in range(20)))
    assert sorted(uids) == list(range(1, 21))


async def test_a_store_that_nobody_told_of_quotas_has_none() -> None:
    room = await open_room()
    plain = Store(room.database, room.contents, room.clock, InlineWorkers())
    assert await plain.quota(7) == Quota()
    await room.put(7, b"x")
    box = await plain.mailbox(7)
    assert box is not None
    facts = MessageFacts(content_id=1, content_size_bytes=1, internal_date_at=0.0)
    assert (await room.database.write(lambda tx: plain.append_to(tx, box.id, facts))).uid == 2
    assert (await plain.usage(7)).size_bytes == 2
    assert await plain.letters(box.id, []) == {}
    assert list(await plain.letters(box.id, [1, 500])) == [1]
    await room.expunge(7, 1)
    assert await plain.undelete(7, INBOX) == 1


STEPS = st.lists(st.one_of(st.just("append"), st.sets(st.integers(1, 12), min_size=1)), max_size=12)


@settings(max_examples=40)
@given(STEPS)
def test_a_mailbox_behaves_as_a_dict_whose_keys_are_never_used_again(steps: list[str | set[int]]) -> None:
    async def play() -> None:
        room = await open_room()
        model: dict[int, bytes] = {}
        count = 0
        gone: set[int] = set()
        for step in steps:
            if step == "append":
                count += 1
                text = b"message %d\r\n" % count
                assert await room.put(7, text) == count
                model[count] = text
            elif count:
                assert isinstance(step, set)
                gone |= step & model.keys()
                assert await room.expunge(7, *step) == len(step & model.keys())
                model = {uid: text for uid, text in model.items() if uid not in step}
        assert await room.texts(7) == list(model.values())
        await room.prune()
        assert await room.count("content") == len(model)
        if count:
            box = await room.store.mailbox(7)
            assert box is not None
            assert (box.message_count, box.uid_next) == (len(model), count + 1)
            assert box.size_bytes == sum(map(len, model.values()))
            ranges = await room.store.expunged_since(box.id, 0)
            assert {uid for first, last in ranges for uid in range(first, last + 1)} == gone

    simulate(play)
