"""A database of the first version is brought up to date with all that is in it."""

from __future__ import annotations

from postel import contents, store
from postel.contents import Contents, keep
from postel.database import SqliteDatabase, Transaction
from postel.store import Flags, SpecialUse, Store
from postel.testing import FakeClock, InlineWorkers

ROW = "INSERT INTO stored_message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
BOX = "INSERT INTO stored_mailbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


async def test_mail_of_the_first_version_is_all_there() -> None:
    database = await SqliteDatabase.open(None)
    await database.migrate([*contents.MIGRATIONS, *store.MIGRATIONS[:1]])
    all_contents = Contents(None, database, InlineWorkers())
    draft = all_contents.draft()
    await draft.write(b"body\r\n")
    sealed = await draft.seal()

    async def fill(tx: Transaction) -> None:
        content_id = await keep(tx, sealed, holders=3)
        await tx.execute(BOX, (3, 7, "INBOX", "", 1000, 9, 20, 2, 20))
        await tx.execute(BOX, (5, 7, "Sent", "\\Sent", 2000, 2, 3, 1, 6))
        await tx.execute(ROW, (3, 4, content_id, b"P: 1\r\n", 12, 50.5, 15, 1, "$Work b", 1))
        await tx.execute(ROW, (3, 8, content_id, b"", 8, 60.0, 20, 8, "", 0))
        await tx.execute(ROW, (5, 1, content_id, b"", 6, 70.0, 3, 0, "", 0))
        await tx.execute("INSERT INTO stored_expunge VALUES (3, 1, 3, 10)")

    await database.write(fill)
    await database.migrate([*contents.MIGRATIONS, *store.MIGRATIONS])
    kept = Store(database, all_contents, FakeClock(), InlineWorkers())
    inbox, sent = await kept.mailboxes(7)
    assert (inbox.id, inbox.name, inbox.uid_validity, inbox.uid_next, inbox.highest_modseq) == (
        3,
        "INBOX",
        1000,
        9,
        20,
    )
    assert (inbox.message_count, inbox.unseen_count, inbox.deleted_count, inbox.deleted_bytes) == (2, 1, 1, 8)
    assert (sent.special_uses, sent.unseen_count) == ({SpecialUse.SENT}, 1)
    message = await kept.message(3, 4)
    assert (message.flags, message.keywords, message.modseq) == (Flags.SEEN, {"$Work", "b"}, 15)
    assert (message.internal_date_at, message.needs_utf8, message.size_bytes) == (50.5, True, 12)
    assert b"".join([chunk async for chunk in kept.read(message)]) == b"P: 1\r\nbody\r\n"
    assert await kept.expunged_since(3, 1) == [(1, 3)]
    await database.write(lambda tx: kept.tree.make_defaults(tx, 7))
    assert len(await kept.mailboxes(7)) == 6
    new = [box.uid_validity for box in await kept.mailboxes(7) if box.id not in (3, 5)]
    assert min(new) > 2000
    for box_id, uids in ((3, [4, 8]), (5, [1])):
        await kept.remove(box_id, uids)
    while await kept.kept.prune(float("inf")):
        pass
    row = await database.read(lambda tx: tx.fetch_one("SELECT COUNT(*) FROM content"))
    assert row == (0,)
