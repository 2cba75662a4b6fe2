"""Pages of letters say what is said of each alone."""

from __future__ import annotations

import pytest
from store_room import Room, open_room

from postel.contents import INLINE_LIMIT

LETTER = b"Subject: %d\r\n\r\nhello\r\n"


async def _filled(room: Room, count: int) -> int:
    for number in range(count):
        await room.put(7, LETTER % number, prefix=b"X-Copy: %d\r\n" % number)
    box = await room.store.mailbox(7)
    assert box is not None
    return box.id


@pytest.mark.parametrize("uids", [[1, 2, 3, 4], [2, 4], [1, 400], [3], [5, 6, 9], []])
async def test_a_page_is_its_letters_their_indexes_and_their_contents(uids: list[int]) -> None:
    room = await open_room()
    box = await _filled(room, 6)
    await room.expunge(7, 3)
    page = await room.store.page(box, uids, contents=True)
    assert page.letters == await room.store.letters(box, uids)
    assert sorted(page.letters) == [uid for uid in uids if uid <= 6 and uid != 3]
    for uid, letter in page.letters.items():
        assert page.blobs[letter.content_id] == await room.store.index.blob(letter.content_id)
        assert page.contents[letter.content_id] == LETTER % (uid - 1)
    prefixes = await room.store.prefixes(box, uids)
    assert prefixes == {uid: letter.prefix for uid, letter in page.letters.items()}


async def test_a_small_message_is_had_at_once_and_a_large_one_in_pieces() -> None:
    room = await open_room()
    box = await _filled(room, 1)
    assert await room.store.small(box, [1, 2]) == {1: b"X-Copy: 0\r\n" + LETTER % 0}
    await room.put(7, b"Subject: large\r\n\r\n" + b"x" * (INLINE_LIMIT + 1))
    message = await room.store.message(box, 2)
    small = await room.store.small(box, [1, 2])
    assert small.get(2) in (None, b"".join([piece async for piece in room.store.read(message)]))
