"""Messages from elsewhere."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_room import open_room

from postel.store import Flags, LineEnds, MailboxName, import_message


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_an_imported_message_is_stored_with_right_line_ends() -> None:
    room = await open_room()
    uid = await import_message(
        room.store,
        room.database,
        room.contents,
        7,
        pieces(b"Subject: x\n\nbo", b"dy\r", b"\nlast"),
        internal_date_at=5.0,
        flags=Flags.SEEN,
    )
    assert uid == 1
    assert await room.texts(7) == [b"Subject: x\r\n\r\nbody\r\nlast\r\n"]
    box = await room.store.mailbox(7)
    assert box is not None
    message = await room.store.message(box.id, 1)
    assert (message.flags, message.internal_date_at) == (Flags.SEEN, 5.0)
    await room.expunge(7, 1)
    await room.prune()
    assert await room.count("content") == 0


async def test_an_import_that_fails_leaves_nothing() -> None:
    room = await open_room()

    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise OSError("the file ends here")

    with pytest.raises(OSError, match="ends here"):
        await import_message(room.store, room.database, room.contents, 7, broken(), internal_date_at=0.0)
    with pytest.raises(LookupError):
        await import_message(
            room.store,
            room.database,
            room.contents,
            7,
            pieces(b"x"),
            internal_date_at=0.0,
            name=MailboxName("No"),
        )
    assert await room.count("content") == 0
    assert await room.store.mailboxes(7) == []


def whole(chunks: list[bytes]) -> bytes:
    ends = LineEnds()
    return b"".join(ends.feed(chunk) for chunk in chunks) + ends.end()


@given(st.lists(st.text("ab\r\n", max_size=5)))
def test_line_ends_come_out_right_however_the_message_was_cut(texts: list[str]) -> None:
    chunks = [text.encode() for text in texts]
    made = whole(chunks)
    assert made == whole([b"".join(chunks)])
    assert made == b"".join(line + b"\r\n" for line in b"".join(chunks).splitlines())
    assert whole([made]) == made
