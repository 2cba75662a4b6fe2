"""What is known of contents: made once, kept, and gone with them. Threads."""

from __future__ import annotations

import asyncio

from store_room import Room, open_room

from postel.message import IndexedContent
from postel.store import StoredMailbox

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


async def test_letters_that_refer_to_each_other_are_one_thread_and_stay_so() -> None:
    room = await open_room()
    for content in (REPLY, FIRST, OTHER, b"no ids\r\n"):
        await room.put(7, content)
    box = await inbox(room)
    threads = await room.store.thread_ids(box.id, [1, 2, 3, 4])
    assert threads[1] == threads[2]
    assert len({threads[1], threads[3], threads[4]}) == 3
    assert 0 not in threads.values()
    await room.store.indexer.catch_up()
    assert await room.store.thread_ids(box.id, [1, 2, 3, 4]) == threads
    assert {uid: one.thread_id for uid, one in (await room.store.letters(box.id, [1, 2])).items()} == {
        1: threads[1],
        2: threads[2],
    }


async def test_threads_are_each_account_s_own() -> None:
    room = await open_room()
    await room.put(7, FIRST)
    await room.put(8, REPLY)
    await room.store.indexer.catch_up()
    other = await room.store.mailbox(8)
    assert other is not None
    mine = await room.store.thread_ids((await inbox(room)).id, [1])
    assert mine[1] != (await room.store.thread_ids(other.id, [1]))[1]


async def test_a_copy_is_the_same_letter_in_the_same_thread() -> None:
    room = await open_room()
    await room.put(7, FIRST)
    box = await inbox(room)
    target = await room.database.write(lambda tx: room.store.tree.create(tx, 7, "Work"))
    await room.store.copy(box.id, [1], target)
    await room.store.indexer.catch_up()
    assert await room.store.letters(box.id, [1]) == await room.store.letters(target, [1])
    assert await room.count("stored_index") == 1
