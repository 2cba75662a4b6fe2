"""A queue of an older release goes on under this one."""

from __future__ import annotations

from queue_kit import World, settle

from postel import contents as contents_room
from postel.contents import Contents
from postel.database import SqliteDatabase, Transaction
from postel.mail import parse_mailbox
from postel.queue import MIGRATIONS, QueueOptions
from postel.testing import InlineWorkers

_OLD = """
INSERT INTO queue_message VALUES (1, 'ann@example.net', '', 1, 4, {at}, '{{"protocol":"SMTP"}}', 0, 1);
INSERT INTO queue_recipient VALUES (1, 'mx:example.org', 0, 'bob@example.org', 'example.org', 'bob@example.org', '',
    0, {at}, 0, '', 0, NULL, '', NULL, '');
INSERT INTO queue_errand VALUES (1, 'mx:example.org', {at});
"""


async def test_what_was_queued_before_wishes_were_known_is_delivered() -> None:
    database = await SqliteDatabase.open(None)
    await database.migrate((*contents_room.MIGRATIONS, MIGRATIONS[0]))
    contents = Contents(None, database, InlineWorkers())
    world = World(database, contents, QueueOptions())
    draft = contents.draft()
    await draft.write(b"x\r\n\r\n")
    sealed = await draft.seal()

    async def work(tx: Transaction) -> None:
        assert await contents_room.keep(tx, sealed) == 1
        await tx.execute(_OLD.format(at=world.clock.now()))

    await database.write(work)
    await database.migrate((*contents_room.MIGRATIONS, *MIGRATIONS))
    await world.started()
    await settle()
    assert world.delivered_to(str(parse_mailbox("bob@example.org"))) == [b"x\r\n\r\n"]
    assert await world.is_empty()
