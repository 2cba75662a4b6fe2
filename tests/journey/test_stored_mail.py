"""What becomes of letters after they were delivered, in a whole server: indexed, kept a while, gone."""

from __future__ import annotations

from postel.mail import parse_mailbox
from postel.message import IndexedContent
from postel.store import INBOX
from postel.testing import MailNetwork, MailServer, a_message

NET = '[[domain]]\nname = "example.net"\n'


async def _delivered(net: MailNetwork) -> tuple[MailServer, int]:
    server = await net.start("mx.example.net", NET, accounts=["ann@example.net", "bob@example.net"])
    await server.submit(a_message(to="bob@example.net", subject="plans"))
    await net.settle()
    account = await server.postel.rooms.directory.find(parse_mailbox("bob@example.net").folded)
    assert account is not None
    return server, account.id


async def test_a_letter_is_indexed_soon_after_it_came() -> None:
    async with MailNetwork() as net:
        server, account_id = await _delivered(net)
        await net.pass_time(seconds=60)
        store = server.postel.rooms.store
        box = await store.mailbox(account_id)
        assert box is not None
        snapshot = await store.snapshots.current(box.id)
        (blob,) = (await store.index.known(list(snapshot.contents))).values()
        assert IndexedContent.read(blob).keys.subject == "plans"


async def test_an_expunged_letter_can_be_had_back_for_two_weeks_and_then_is_gone() -> None:
    async with MailNetwork() as net:
        server, account_id = await _delivered(net)
        store = server.postel.rooms.store
        box = await store.mailbox(account_id)
        assert box is not None
        await store.remove(box.id, [1])
        await net.pass_time(days=13)
        assert await store.undelete(account_id, INBOX) == 1
        await store.remove(box.id, [2])
        await net.pass_time(days=15)
        assert await store.undelete(account_id, INBOX) == 0
        count = await server.postel.rooms.database.read(
            lambda tx: tx.fetch_one(
                "SELECT (SELECT COUNT(*) FROM stored_letter), (SELECT COUNT(*) FROM content)"
            )
        )
        assert count == (0, 0)
