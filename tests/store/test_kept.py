"""Expunged mail: kept for a time, had back, or gone for good; and what is counted."""

from __future__ import annotations

import asyncio

import pytest
from store_room import Room, open_room

from postel.database import DatabaseTrouble
from postel.store import (
    INBOX,
    Fill,
    Flags,
    MailboxName,
    OverQuota,
    Quota,
    StoredMailbox,
    StoreOptions,
    Usage,
)

DAY_S = 86400.0


async def inbox(room: Room) -> StoredMailbox:
    box = await room.store.mailbox(7)
    assert box is not None
    return box


async def test_what_was_expunged_comes_back_as_it_was_with_a_new_uid() -> None:
    room = await open_room()
    flags = Flags.SEEN | Flags.DELETED
    await room.put(7, b"one", flags=flags, keywords=frozenset({"k"}), internal_date_at=5.0, prefix=b"p")
    await room.put(7, b"two")
    before = await room.store.message((await inbox(room)).id, 1)
    assert await room.expunge(7, 1) == 1
    assert (await room.store.usage(7)) == Usage(3, 1)
    assert await room.store.undelete(7, INBOX) == 1
    after = await room.store.message((await inbox(room)).id, 3)
    assert (after.flags, after.keywords, after.internal_date_at) == (Flags.SEEN, {"k"}, 5.0)
    assert (after.letter_id, after.prefix, await room.text(after)) == (before.letter_id, b"p", b"pone")
    assert await room.store.undelete(7, INBOX) == 0
    assert await room.texts(7) == [b"two", b"pone"]


async def test_only_what_was_expunged_since_comes_back() -> None:
    room = await open_room()
    for _ in range(2):
        await room.put(7, b"x")
    await room.expunge(7, 1)
    room.clock.advance(100)
    await room.expunge(7, 2)
    assert await room.store.undelete(7, INBOX, since=room.clock.now() - 50) == 1
    assert [kept.messages for kept in await room.store.kept.summary(7)] == [1]
    assert await room.store.kept.summary(7, room.clock.now()) == []
    assert await room.store.undelete(7, MailboxName("Elsewhere")) == 0


async def test_many_come_back_page_by_page() -> None:
    room = await open_room()
    for _ in range(250):
        await room.put(7, b"x")
    await room.expunge(7, *range(1, 251))
    assert await room.store.undelete(7, INBOX) == 250
    assert (await inbox(room)).message_count == 250


async def test_kept_mail_goes_when_its_time_is_over() -> None:
    room = await open_room(StoreOptions(keep_s=14 * DAY_S))
    for _ in range(2):
        await room.put(7, b"x")
    await room.expunge(7, 1)
    room.clock.advance(13 * DAY_S)
    await room.expunge(7, 2)
    await room.store.housekeeping.tidy()
    assert await room.count("content") == 2
    room.clock.advance(1 * DAY_S)
    await room.store.housekeeping.tidy()
    assert await room.count("content") == 1
    room.store.reload(StoreOptions(keep_s=0.0))
    await room.store.housekeeping.tidy()
    assert [await room.count(table) for table in ("content", "stored_letter", "stored_kept")] == [0, 0, 0]


async def test_housekeeping_goes_on_by_itself_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    room = await open_room(StoreOptions(keep_s=0.0))
    await room.put(7, b"x")
    await room.expunge(7, 1)
    real = room.store.kept.bury_doomed
    troubles = [DatabaseTrouble("not now")]

    async def bury() -> bool:
        if troubles:
            raise troubles.pop()
        return await real()

    monkeypatch.setattr(room.store.kept, "bury_doomed", bury)
    room.store.start()
    await asyncio.sleep(1)
    assert await room.count("content") == 1
    await asyncio.sleep(100)
    assert await room.count("content") == 0
    await room.store.stop()
    await room.store.stop()


async def test_undeleting_does_not_go_beyond_the_quota() -> None:
    room = await open_room(quota=Quota(messages=2))
    for _ in range(2):
        await room.put(7, b"x")
    await room.expunge(7, 1, 2)
    await room.put(7, b"y")
    with pytest.raises(OverQuota):
        await room.store.undelete(7, INBOX)
    assert [kept.messages for kept in await room.store.kept.summary(7)] == [2]


async def test_a_quota_counts_what_is_stored_and_never_overshoots() -> None:
    room = await open_room(quota=Quota(size_bytes=10))
    assert await room.store.quota(7) == Quota(10)
    await room.put(7, b"123456")
    with pytest.raises(OverQuota) as full:
        await room.put(7, b"12345")
    assert (full.value.what, full.value.limit, full.value.wanted) == ("octets", 10, 11)
    await room.put(7, b"1234")
    done = await asyncio.gather(
        room.expunge(7, 1), room.put(7, b"x" * 6), room.put(7, b"y"), return_exceptions=True
    )
    assert (await room.store.usage(7)).size_bytes <= 10
    assert any(isinstance(one, OverQuota) for one in done)


def test_how_full_an_account_is() -> None:
    fill = Fill(Quota(100, 3), Usage(90, 2))
    assert fill.never_fits(101)
    assert not fill.never_fits(100)
    assert fill.has_room(10)
    assert not fill.has_room(11)
    assert not Fill(Quota(None, 3), Usage(0, 3)).has_room(0)
    assert Fill(Quota(), Usage(9, 9)).has_room(10**12)
    assert not Fill(Quota(None, 3), Usage(0, 3)).never_fits(10**12)
    assert str(fill) == "90 of 100 octets and 2 of 3 messages"
    assert str(Fill(Quota(100), Usage(1, 1))) == "1 of 100 octets"
