"""Who may do what with a mailbox (RFC 4314); annotations (RFC 5464); keys of URLs (RFC 4467)."""

from __future__ import annotations

import pytest
from store_room import Room, open_room

from postel.store import ALL_RIGHTS, BadRights, NoSuchMailbox, StoredMailbox, StoreOptions, TooMany

ANN, BOB = "ann@drag.net", "bob@drag.net"


async def a_mailbox(room: Room, name: str = "Work") -> StoredMailbox:
    mailbox_id = await room.database.write(lambda tx: room.store.tree.create(tx, 7, name))
    box = await room.store.mailbox_by_id(mailbox_id)
    assert box is not None
    return box


async def grant(room: Room, box: StoredMailbox, identifier: str, rights: str) -> None:
    await room.database.write(lambda tx: room.store.rights.set(tx, box.id, identifier, rights))


async def rights_of_bob(room: Room, box: StoredMailbox) -> str:
    return "".join(sorted(await room.store.rights.of(box, 8, BOB)))


async def test_the_owner_has_all_rights_and_others_none() -> None:
    room = await open_room()
    box = await a_mailbox(room)
    assert await room.store.rights.of(box, 7, ANN) == set(ALL_RIGHTS)
    assert await rights_of_bob(room, box) == ""
    await grant(room, box, f"-{ANN}", "lrs")
    assert await room.store.rights.of(box, 7, ANN) == set(ALL_RIGHTS)


async def test_rights_are_given_to_somebody_and_to_anyone_and_taken_away() -> None:
    room = await open_room()
    box = await a_mailbox(room)
    await grant(room, box, "Bob@Drag.net", "wrl")
    await grant(room, box, "anyone", "lp")
    assert await rights_of_bob(room, box) == "lprw"
    await grant(room, box, f"-{BOB}", "rp")
    assert await rights_of_bob(room, box) == "lw"
    assert await room.store.rights.granted(box.id) == {"-bob@drag.net": "rp", "anyone": "lp", BOB: "lrw"}
    await grant(room, box, BOB, "")
    assert await rights_of_bob(room, box) == "l"


async def test_the_rights_of_old_stand_for_those_of_today() -> None:
    room = await open_room()
    box = await a_mailbox(room)
    await grant(room, box, BOB, "cd")
    assert await rights_of_bob(room, box) == "ektx"


async def test_a_mailbox_below_another_begins_with_its_rights() -> None:
    room = await open_room()
    box = await a_mailbox(room)
    await grant(room, box, BOB, "lr")
    assert await rights_of_bob(room, await a_mailbox(room, "Work/Old/2024")) == "lr"


async def test_one_sees_what_others_share() -> None:
    room = await open_room()
    boxes = [await a_mailbox(room, name) for name in ("a", "b", "c", "d")]
    await grant(room, boxes[0], BOB, "lr")
    await grant(room, boxes[1], BOB, "r")
    await grant(room, boxes[2], "anyone", "lrs")
    await grant(room, boxes[3], "anyone", "l")
    await grant(room, boxes[3], f"-{BOB}", "l")
    assert [box.name for box in await room.store.rights.shared_with(8, BOB)] == ["a", "c"]
    assert await room.store.rights.shared_with(7, ANN) == []


async def test_what_is_no_right() -> None:
    room = await open_room(StoreOptions(rights=1))
    box = await a_mailbox(room)
    for identifier, rights in ((BOB, "lz"), ("", "l"), ("-", "l"), ("a\nb", "l")):
        with pytest.raises(BadRights):
            await grant(room, box, identifier, rights)
    await grant(room, box, BOB, "l")
    await grant(room, box, BOB, "lr")
    with pytest.raises(TooMany):
        await grant(room, box, "kitt@free.org", "l")
    await room.database.write(lambda tx: room.store.tree.delete(tx, box.id))
    assert await room.count("stored_right") == 0
    with pytest.raises(NoSuchMailbox):
        await grant(room, box, BOB, "l")


async def test_annotations_are_kept_by_place_and_owner() -> None:
    room = await open_room()
    box = await a_mailbox(room)
    notes = room.store.annotations

    async def set_notes(user_id: int, values: dict[str, bytes | None], mailbox_id: int = box.id) -> None:
        await room.database.write(lambda tx: notes.set(tx, 7, mailbox_id, user_id, values))

    await set_notes(0, {"/Comment": b"shared", "/x": b"\x00\xff"})
    await set_notes(7, {"/comment": b"mine"})
    await set_notes(7, {"/filters/values/one": b"SEEN"}, mailbox_id=0)
    assert await notes.of(7, box.id, 0) == {"/comment": b"shared", "/x": b"\x00\xff"}
    assert await notes.of(7, box.id, 7) == {"/comment": b"mine"}
    assert await notes.of(7, 0, 7) == {"/filters/values/one": b"SEEN"}
    await set_notes(0, {"/COMMENT": None, "/y": b""})
    assert await notes.of(7, box.id, 0) == {"/x": b"\x00\xff", "/y": b""}
    await room.database.write(lambda tx: room.store.tree.delete(tx, box.id))
    assert await room.count("stored_annotation") == 1


async def test_annotations_have_limits_and_are_set_all_or_none() -> None:
    room = await open_room(StoreOptions(annotations=2, annotation_bytes=4))
    notes = room.store.annotations
    for values in ({"/a": b"ok", "/b": b"12345"}, {"/a": b"1", "/b": b"2", "/c": b"3"}):
        with pytest.raises(TooMany):
            await room.database.write(lambda tx, values=values: notes.set(tx, 7, 0, 7, values))  # type: ignore[misc]
    assert await notes.of(7, 0, 7) == {}


async def test_keys_of_urls_are_made_once_and_void_when_they_are_reset() -> None:
    room = await open_room()
    keys = room.store.url_keys
    assert await keys.find(7, 1) is None
    key = await keys.of(7, 1)
    assert len(key) >= 16
    assert await keys.of(7, 1) == await keys.find(7, 1) == key
    other = await keys.of(7, 2)
    assert other != key
    await room.database.write(lambda tx: keys.reset(tx, 7, 1))
    assert await keys.of(7, 1) != key
    assert await keys.find(7, 2) == other
    await room.database.write(lambda tx: keys.reset(tx, 7))
    assert await keys.find(7, 2) is None
