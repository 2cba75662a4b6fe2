"""An account that is removed while somebody is logged in: nothing new is kept under its name."""

import pytest
from imap_world import PASSWORD, World, world

from postel.database import Transaction
from postel.directory import Account
from postel.mail import parse_mailbox

KITT = parse_mailbox("kitt@example.org")


async def remove(w: World) -> None:
    async def forget(tx: Transaction, account: Account) -> None:
        await w.parts.store.forget_account(tx, account.id)

    await w.parts.directory.remove(KITT, also=forget)


@pytest.mark.parametrize(
    "command",
    [
        "CREATE Zombie",
        "APPEND INBOX {5+}\r\nhello",
        "SUBSCRIBE Zombie",
        'SETMETADATA "" (/private/comment "x")',
        'LIST "" *',
        "SELECT INBOX",
    ],
)
async def test_the_next_command_of_its_session_is_the_last(command: str) -> None:
    async with world() as w:
        client = await w.login(mailbox=None)
        await remove(w)
        assert (await client.last_words(command)).tagged == "BYE [NONEXISTENT] The account is gone"
        assert not await w.parts.store.mailboxes(w.kitt.id)
        assert not await w.parts.store.tree.subscriptions(w.kitt.id)


async def test_an_account_of_the_same_name_is_another_one() -> None:
    async with world() as w:
        client = await w.login(mailbox=None)
        await remove(w)
        await w.parts.directory.add(KITT, PASSWORD)
        assert (await client.last_words("CREATE Zombie")).tagged.startswith("BYE")
        assert (await (await w.login()).ok('LIST "" Zombie')).lines == []


async def test_what_happens_to_other_accounts_ends_nothing() -> None:
    async with world() as w:
        client = await w.login("ann@example.org", mailbox=None)
        await remove(w)
        await w.parts.directory.set_password(parse_mailbox("ann@example.org"), "another")
        await client.ok("CREATE Plans")
