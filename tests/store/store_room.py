"""A store in a private database in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from postel import contents, store
from postel.contents import Contents, keep
from postel.database import SqliteDatabase, Transaction
from postel.store import MailboxName, MessageFacts, Quota, Store, StoredMessage, StoreOptions
from postel.testing import FakeClock, InlineWorkers


@dataclass
class Room:
    database: SqliteDatabase
    contents: Contents
    clock: FakeClock
    store: Store

    async def put(
        self, account_id: int, content: bytes, name: MailboxName = store.INBOX, **facts: Any
    ) -> int:
        """Store a message of its own and give its UID."""
        draft = self.contents.draft()
        await draft.write(content)
        sealed = await draft.seal()

        async def work(tx: Transaction) -> int:
            content_id = await keep(tx, sealed, holders=0)
            all_facts = {"content_size_bytes": len(content), "internal_date_at": 1000.0, **facts}
            return await self.store.append(
                tx, account_id, MessageFacts(content_id=content_id, **all_facts), name
            )

        return await self.database.write(work)

    async def text(self, message: StoredMessage) -> bytes:
        return b"".join([chunk async for chunk in self.store.read(message)])

    async def texts(self, account_id: int) -> list[bytes]:
        box = await self.store.mailbox(account_id)
        if box is None:
            return []
        return [await self.text(message) async for message in self.store.messages(box.id)]

    async def count(self, table: str) -> int:
        row = await self.database.read(lambda tx: tx.fetch_one(f"SELECT COUNT(*) FROM {table}"))
        assert row is not None
        return int(row[0])

    async def expunge(self, account_id: int, *uids: int) -> int:
        box = await self.store.mailbox(account_id)
        assert box is not None
        return await self.database.write(lambda tx: self.store.expunge(tx, box.id, uids))

    async def prune(self) -> None:
        """As if all that can be had back had waited long enough."""
        while await self.store.kept.bury_doomed():
            pass
        while await self.store.kept.prune(until=float("inf")):
            pass


async def open_room(options: StoreOptions | None = None, quota: Quota | None = None) -> Room:
    async def quota_of(tx: Transaction, account_id: int) -> Quota:
        return quota or Quota()

    database = await SqliteDatabase.open(None)
    await database.migrate([*contents.MIGRATIONS, *store.MIGRATIONS])
    all_contents = Contents(None, database, InlineWorkers())
    clock = FakeClock()
    kept = Store(database, all_contents, clock, InlineWorkers(), options, quota_of)
    return Room(database, all_contents, clock, kept)
