"""What is known of contents: made once, kept, and gone with them. Threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from store_room import Room, open_room

from postel.contents import Contents
from postel.database import DatabaseTrouble
from postel.message import IndexedContent, index_content
from postel.store import StoredMailbox, letters_after, reach, reached, uids_with_prefix
from postel.store.index import ContentIndex
from postel.testing import InlineWorkers

T = TypeVar("T")

FIRST = b"Subject: plans\r\nMessage-ID: <1@x>\r\n\r\nhello\r\n"
REPLY = b"Subject: Re: plans\r\nMessage-ID: <2@x>\r\nReferences: <1@x>\r\n\r\nyes\r\n"
OTHER = b"Subject: lunch\r\nMessage-ID: <3@x>\r\nReferences: <1@x>\r\n\r\nnow\r\n"


async def inbox(room: Room) -> StoredMailbox:
    box = await room.store.mailbox(7)
    assert box is not None
    return box


async def contents_of(room: Room) -> list[int]:
    return list((await room.store.snapshots.current((await inbox(room)).id)).contents)


async def test_what_is_asked_for_is_indexed_and_kept() -> None:
    room = await open_room()
    await room.put(7, FIRST)
    (content_id,) = await contents_of(room)
    assert await room.store.index.known([content_id]) == {}
    blob = await room.store.index.blob(content_id)
    assert blob is not None
    assert IndexedContent.read(blob).keys.subject == "plans"
    assert await room.store.index.known([content_id]) == {content_id: blob}


async def test_what_cannot_be_kept_now_can_be_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    room = await open_room()
    await room.put(7, FIRST)
    (content_id,) = await contents_of(room)

    async def full(work: object) -> None:
        raise DatabaseTrouble("the disk is full", is_full=True)

    with monkeypatch.context() as trouble:
        trouble.setattr(room.database, "write", full)
        assert await room.store.index.blob(content_id) == index_content(FIRST)
    assert await room.store.index.known([content_id]) == {}


async def test_several_who_ask_at_once_share_the_work() -> None:
    room = await open_room()
    for number in range(10):
        await room.put(7, b"Subject: %d\r\n\r\n" % number)
    ids = await contents_of(room)
    first, second = await asyncio.gather(room.store.index.blobs(ids), room.store.index.blobs(ids))
    assert first == second
    assert list(first) == ids


async def test_a_content_that_is_gone_has_no_blob_and_leaves_none() -> None:
    room = await open_room()
    await room.put(7, FIRST)
    (content_id,) = await contents_of(room)
    await room.store.index.blob(content_id)
    await room.expunge(7, 1)
    await room.prune()
    assert await room.count("stored_index") == 0
    assert await room.store.index.blob(content_id) is None


async def test_the_indexer_takes_up_where_it_ended() -> None:
    room = await open_room()
    for number in range(70):
        await room.put(7, b"Subject: %d\r\n\r\n" % number)
    await room.store.indexer.catch_up()
    assert await room.count("stored_index") == 70
    await room.put(7, b"Subject: one more\r\n\r\n")
    await room.store.indexer.catch_up()
    assert await room.count("stored_index") == 71


async def test_the_indexer_hears_of_new_letters() -> None:
    room = await open_room()
    room.store.indexer.start()
    await asyncio.sleep(0)
    await room.put(7, FIRST)
    await asyncio.sleep(60)  # by the fake clock
    assert await room.count("stored_index") == 1
    await room.put(7, REPLY)
    await asyncio.sleep(60)
    assert await room.count("stored_index") == 2
    await room.store.indexer.close()


async def threads_of(room: Room, mailbox_id: int, uids: list[int]) -> dict[int, int]:
    letters = await room.store.threaded(mailbox_id, uids)
    return {uid: letter.thread_id for uid, letter in letters.items()}


async def test_letters_that_refer_to_each_other_are_one_thread_and_stay_so() -> None:
    room = await open_room()
    for content in (REPLY, FIRST, OTHER, b"no ids\r\n"):
        await room.put(7, content)
    box = await inbox(room)
    threads = await threads_of(room, box.id, [1, 2, 3, 4])
    assert threads[1] == threads[2]
    assert len({threads[1], threads[3], threads[4]}) == 3
    assert 0 not in threads.values()
    await room.store.indexer.catch_up()
    assert await threads_of(room, box.id, [1, 2, 3, 4]) == threads
    assert {uid: one.thread_id for uid, one in (await room.store.letters(box.id, [1, 2])).items()} == {
        1: threads[1],
        2: threads[2],
    }


async def put_read(room: Room, account_id: int, content: bytes) -> int:
    draft = room.contents.draft()
    await draft.write(content)
    return await room.put(account_id, content, read=await room.store.index.of(await draft.seal()))


@pytest.mark.parametrize("padding", [0, 20_000])
async def test_a_letter_that_was_read_before_it_came_is_known_with_its_thread_at_once(padding: int) -> None:
    room = await open_room()
    contents = [content + b"x" * padding for content in (REPLY, FIRST, OTHER, b"no ids\r\n")]
    for content in contents:
        await put_read(room, 7, content)
    box = await inbox(room)
    known = await room.store.index.known(await contents_of(room))
    assert list(known.values()) == [index_content(content) for content in contents]
    letters = await room.store.letters(box.id, [1, 2, 3, 4])
    assert letters[1].thread_id == letters[2].thread_id == letters[1].letter_id
    assert [letters[uid].thread_id for uid in (3, 4)] == [letters[uid].letter_id for uid in (3, 4)]
    assert await threads_of(room, box.id, [1, 2, 3, 4]) == {
        uid: one.thread_id for uid, one in letters.items()
    }


async def test_letters_that_were_read_and_others_are_one_thread() -> None:
    room = await open_room()
    await room.put(7, FIRST)
    await put_read(room, 7, REPLY)
    await put_read(room, 8, REPLY)
    await room.store.indexer.catch_up()
    threads = await threads_of(room, (await inbox(room)).id, [1, 2])
    assert threads[1] == threads[2]
    assert await room.count("stored_index") == 3


async def test_what_lies_in_a_file_is_read_after_it_came(tmp_path: Path) -> None:
    room = await open_room()
    files = Contents(tmp_path, room.database, InlineWorkers(), inline_limit=10)
    draft = files.draft()
    await draft.write(FIRST)
    assert await room.store.index.of(await draft.seal()) is None
    await draft.discard()


async def test_threads_are_each_account_s_own() -> None:
    room = await open_room()
    await room.put(7, FIRST)
    await room.put(8, REPLY)
    await room.store.indexer.catch_up()
    other = await room.store.mailbox(8)
    assert other is not None
    mine = await threads_of(room, (await inbox(room)).id, [1])
    assert mine[1] != (await threads_of(room, other.id, [1]))[1]


async def test_a_copy_is_the_same_letter_in_the_same_thread() -> None:
    room = await open_room()
    await room.put(7, FIRST)
    box = await inbox(room)
    target = await room.database.write(lambda tx: room.store.tree.create(tx, 7, "Work"))
    await room.store.copy(box.id, [1], target)
    await room.store.indexer.catch_up()
    assert await room.store.letters(box.id, [1]) == await room.store.letters(target, [1])
    assert await room.count("stored_index") == 1


async def test_what_another_version_made_is_made_anew() -> None:
    room = await open_room()
    await room.put(7, FIRST)
    ids = await contents_of(room)
    made = await room.store.index.blobs(ids)
    await room.database.write(lambda tx: tx.execute("UPDATE stored_index SET data = ?", (b"\x00old",)))
    assert await room.store.index.fresh(ids) == made
    assert await room.store.index.known(ids) == made
    await room.database.write(lambda tx: tx.execute("UPDATE stored_index SET data = ?", (b"",)))
    await room.store.indexer.catch_up()
    assert await room.store.index.known(ids) == made


async def test_a_large_content_is_read_in_pieces() -> None:
    room = await open_room()
    content = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 64 * 1024
    await room.put(7, content)
    (content_id,) = await contents_of(room)
    blob = await room.store.index.blob(content_id)
    assert blob is not None
    assert IndexedContent.read(blob).size_bytes == len(content)


async def test_the_indexer_waits_when_the_database_is_in_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    room = await open_room()
    await room.put(7, FIRST)
    real, troubles = room.store.index.known, [DatabaseTrouble("not now")]

    async def known(content_ids: Sequence[int]) -> dict[int, bytes]:
        if troubles:
            raise troubles.pop()
        return await real(content_ids)

    monkeypatch.setattr(room.store.index, "known", known)
    room.store.start()
    await asyncio.sleep(1)
    assert await room.count("stored_index") == 0
    await asyncio.sleep(60)
    assert await room.count("stored_index") == 1
    await room.store.stop()


async def test_letters_are_walked_in_the_order_they_came() -> None:
    room = await open_room()
    for account_id in (7, 8, 7):
        await room.put(account_id, b"x", prefix=b"Delivered-To: Ann@drag.net\r\n" if account_id == 7 else b"")
    await room.expunge(7, 2)
    walked = await room.database.read(lambda tx: letters_after(tx, 0, 10))
    assert [(letter.letter_id, letter.account_id) for letter in walked] == [(1, 7), (2, 8), (3, None)]
    assert await room.database.read(lambda tx: letters_after(tx, 1, 1)) == walked[1:2]
    assert await room.database.read(lambda tx: reached(tx, "work")) == 0
    for letter_id in (2, 3):
        await room.database.write(lambda tx, at=letter_id: reach(tx, "work", at))  # type: ignore[misc]
    assert await room.database.read(lambda tx: reached(tx, "work")) == 3
    box = await inbox(room)
    assert await room.database.read(lambda tx: uids_with_prefix(tx, box.id, "ann@drag")) == [1]
    assert await room.database.read(lambda tx: uids_with_prefix(tx, box.id, "kitt")) == []


class CountingWorkers(InlineWorkers):
    """Workers who know how often they were asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def run(self, work: Callable[[], T]) -> T:
        self.asked += 1
        return await super().run(work)


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        (FIRST, 0),
        (FIRST + b"hello\r\n" * 9_000, 0),
        (FIRST + b"hello\r\n" * 10_000, 1),
        (b"To: " + b"ann@x, " * 1_000 + b"kitt@x\r\n\r\n", 0),
        (b"To: " + b"ann@x, " * 1_300 + b"kitt@x\r\n\r\n", 1),
        (b"Content-Type: message/rfc822\r\n\r\nTo: " + b"ann@x, " * 1_300 + b"kitt@x\r\n\r\n", 1),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 20, 0),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 60, 1),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 5_000, 1),
        (
            FIRST + b"hello\r\n" * 40_000,
            2,
        ),  # some of it is there already: what is left may be dear though it is short
    ],
)
async def test_only_what_is_soon_read_is_read_on_the_loop(content: bytes, asked: int) -> None:
    room = await open_room()
    await room.put(7, content)
    workers = CountingWorkers()
    index = ContentIndex(room.database, room.contents, workers)
    (content_id,) = await contents_of(room)
    assert await index.make(content_id) == index_content(content)
    assert workers.asked == asked
