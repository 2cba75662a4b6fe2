"""Letters and threads have ids that never change (RFC 8474)."""

import pytest
from imap_world import LETTER, World, world

from postel.contents import keep
from postel.database import Transaction
from postel.store import MessageFacts


async def put_unread(w: World) -> None:
    """A letter as a large one comes: what is in it is read when there is time."""
    draft = w.parts.contents.draft()
    await draft.write(LETTER)
    sealed = await draft.seal()

    async def work(tx: Transaction) -> None:
        content_id = await keep(tx, sealed, holders=0)
        facts = MessageFacts(content_id=content_id, content_size_bytes=len(LETTER), internal_date_at=0.0)
        await w.parts.store.append(tx, w.kitt.id, facts)

    await w.parts.database.write(work)


@pytest.mark.parametrize("items", ["THREADID", "(THREADID BODY.PEEK[1]<0.1>)"])
async def test_a_letter_has_its_thread_before_anything_has_read_it(items: str) -> None:
    async with world() as w:
        await put_unread(w)
        client = await w.login()
        assert any("THREADID (T1)" in line for line in (await client.ok(f"FETCH 1 {items}")).lines)


async def test_a_letter_is_found_by_its_ids_and_by_no_others() -> None:
    async with world() as w:
        await put_unread(w)
        client = await w.login()
        for key in ("THREADID T1", "EMAILID L1"):
            assert (await client.ok(f"SEARCH {key}")).only("SEARCH") == "SEARCH 1"
        for key in ("THREADID L1", "EMAILID T1", "THREADID 1", "EMAILID L1x", "EMAILID M1"):
            assert (await client.ok(f"SEARCH {key}")).only("SEARCH") == "SEARCH"
