"""A store that several processes share: what one does, the others see, and hear of."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from postel import contents, store
from postel.contents import Contents, keep
from postel.database import SqliteDatabase, Transaction
from postel.proto.imap import MailboxView
from postel.store import FlagChange, Flags, How, MessageFacts, Store
from postel.testing import FakeClock, InlineWorkers


async def open_store(folder: Path) -> tuple[SqliteDatabase, Contents, Store]:
    database = await SqliteDatabase.open(folder)
    await database.migrate([*contents.MIGRATIONS, *store.MIGRATIONS])
    kept = Contents(None, database, InlineWorkers())
    return database, kept, Store(database, kept, FakeClock(), InlineWorkers())


async def put(database: SqliteDatabase, kept: Contents, there: Store) -> None:
    draft = kept.draft()
    await draft.write(b"Subject: x\r\n\r\n")
    sealed = await draft.seal()

    async def work(tx: Transaction) -> None:
        content_id = await keep(tx, sealed, holders=0)
        facts = MessageFacts(
            content_id=content_id, content_size_bytes=sealed.size_bytes, internal_date_at=1.0
        )
        await there.append(tx, 7, facts)

    await database.write(work)


@pytest.mark.real_time
async def test_what_another_process_does_is_seen_and_heard(tmp_path: Path) -> None:
    mine, my_contents, my_store = await open_store(tmp_path)
    theirs, their_contents, their_store = await open_store(tmp_path)
    for _ in range(3):
        await put(mine, my_contents, my_store)
    box = await my_store.mailbox(7)
    assert box is not None
    view = MailboxView((await my_store.snapshots.current(box.id)).change_since(None))
    heard = asyncio.Event()
    my_store.changes.watch_mailbox(box.id, heard.set)
    await put(theirs, their_contents, their_store)
    await asyncio.wait_for(heard.wait(), 30)
    await their_store.remove(box.id, [2])
    await their_store.change_flags(box.id, [3], FlagChange(How.ADD, Flags.SEEN))
    view.advance((await my_store.snapshots.current(box.id)).change_since(view.modseq))
    updates = view.sync(may_expunge=True)
    assert updates.expunged == ((2, 2),)
    assert (updates.exists, list(updates.fresh), updates.changed) == (3, [4], ((2, 3),))
    for database in (mine, theirs):
        await database.close()


@pytest.mark.real_time
async def test_the_indexer_follows_deliveries_of_other_processes(tmp_path: Path) -> None:
    mine, _, my_store = await open_store(tmp_path)
    theirs, their_contents, their_store = await open_store(tmp_path)
    my_store.start()
    await put(theirs, their_contents, their_store)
    for _ in range(3000):
        row = await mine.read(lambda tx: tx.fetch_one("SELECT COUNT(*) FROM stored_index"))
        if row == (1,):
            break
        await asyncio.sleep(0.01)
    else:
        raise AssertionError("nothing was indexed")
    await my_store.stop()
    for database in (mine, theirs):
        await database.close()
