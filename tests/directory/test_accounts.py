import asyncio
from pathlib import Path

import pytest
from directory_kit import CHEAP, FRITO, KITT, directory

from postel.database import SqliteDatabase, Transaction
from postel.directory import MIGRATIONS, Account, AccountExists, Directory, DirectoryOptions, NoAccount
from postel.mail import BadSyntax, parse_mailbox
from postel.testing import FakeClock, InlineWorkers


async def test_an_account_is_found_however_its_address_is_written() -> None:
    async with directory() as accounts:
        added = await accounts.add(parse_mailbox("Frito@Drag.NET"), "secret")
        assert await accounts.find("frito@drag.net") == added
        assert str(added) == "Frito@Drag.NET"


async def test_a_letter_has_one_spelling() -> None:
    async with directory() as accounts:
        added = await accounts.add(parse_mailbox("bjo\u0308rn@drag.net"), "secret")
        assert await accounts.find(parse_mailbox("BJ\u00d6RN@drag.net").folded) == added


async def test_an_address_has_one_account() -> None:
    async with directory() as accounts:
        await accounts.add(FRITO, "secret")
        with pytest.raises(AccountExists):
            await accounts.add(parse_mailbox("FRITO@drag.net"), "other")


async def test_accounts_are_listed_by_address() -> None:
    async with directory() as accounts:
        kitt = await accounts.add(KITT, "secret", quota_bytes=1000)
        frito = await accounts.add(FRITO, "secret")
        assert await accounts.list() == (frito, kitt)
        assert kitt.quota_bytes == 1000


async def test_the_first_account_is_that_of_the_domain_or_else_of_all() -> None:
    async with directory() as accounts:
        assert await accounts.first("free.org") is None
        frito = await accounts.add(FRITO, "secret")
        assert await accounts.first("free.org") == frito
        kitt = await accounts.add(KITT, "secret")
        await accounts.add(parse_mailbox("aaron@free.org"), "secret")
        assert await accounts.first("free.org") == kitt
        assert await accounts.first("drag.net") == await accounts.first("org") == frito
        await accounts.remove(KITT)
        assert str(await accounts.first("free.org")) == "aaron@free.org"


async def test_a_removed_account_is_gone_at_once() -> None:
    async with directory() as accounts:
        await accounts.add(FRITO, "secret")
        assert await accounts.find(FRITO.folded) is not None
        await accounts.remove(FRITO)
        assert await accounts.find(FRITO.folded) is None
        assert await accounts.verify("frito@drag.net", "secret", None) is None


async def test_an_account_that_was_looked_for_in_vain_is_found_once_it_is_there() -> None:
    async with directory() as accounts:
        assert await accounts.find(FRITO.folded) is None
        await accounts.add(FRITO, "secret")
        assert await accounts.find(FRITO.folded) is not None


async def test_the_id_of_a_removed_account_never_comes_back() -> None:
    async with directory() as accounts:
        first = await accounts.add(FRITO, "secret")
        await accounts.remove(FRITO)
        assert (await accounts.add(FRITO, "secret")).id != first.id


async def test_nothing_can_be_done_to_an_account_that_is_not_there() -> None:
    async with directory() as accounts:
        for act in (
            accounts.remove(FRITO),
            accounts.set_password(FRITO, "x"),
            accounts.set_quota(FRITO, 1),
            accounts.set_shared_secret(FRITO, "x"),
        ):
            with pytest.raises(NoAccount):
                await act


async def test_what_belongs_to_an_account_comes_and_goes_with_it() -> None:
    seen = []

    async def also(tx: Transaction, account: Account) -> None:
        seen.append(account.mailbox)

    async def fails(tx: Transaction, account: Account) -> None:
        raise ZeroDivisionError

    async with directory() as accounts:
        await accounts.add(FRITO, "secret", also=also)
        with pytest.raises(ZeroDivisionError):
            await accounts.remove(FRITO, also=fails)
        assert await accounts.find(FRITO.folded) is not None
        await accounts.remove(FRITO, also=also)
        with pytest.raises(ZeroDivisionError):
            await accounts.add(KITT, "secret", also=fails)
        assert await accounts.list() == ()
    assert seen == [FRITO, FRITO]


@pytest.mark.parametrize("password", ["", "a\0b", "a\nb", "x" * 1025, "\ud800", "o\u0308" * 600])
async def test_some_passwords_are_not_taken(password: str) -> None:
    async with directory() as accounts:
        with pytest.raises(BadSyntax):
            await accounts.add(FRITO, password)
        assert await accounts.list() == ()


async def test_a_quota_can_be_changed() -> None:
    async with directory() as accounts:
        await accounts.add(FRITO, "secret")
        await accounts.set_quota(FRITO, 5000)
        found = await accounts.find(FRITO.folded)
        assert found is not None
        assert found.quota_bytes == 5000


async def test_a_shared_secret_is_there_only_when_it_was_set() -> None:
    async with directory() as accounts:
        frito = await accounts.add(FRITO, "secret")
        assert await accounts.shared_secret(frito) is None
        await accounts.set_shared_secret(FRITO, "tanstaaf")
        assert await accounts.shared_secret(frito) == "tanstaaf"
        await accounts.remove(FRITO)
        assert await accounts.shared_secret(frito) is None


async def test_only_so_many_accounts_are_remembered() -> None:
    options = DirectoryOptions(passwords=CHEAP, accounts_kept=2)
    async with directory(options) as accounts:
        await accounts.add(FRITO, "secret")
        for name in ("a@x.org", "b@x.org", "c@x.org"):
            assert await accounts.find(name) is None
        assert len(accounts._found) == 2
        assert await accounts.find(FRITO.folded) is not None


async def test_no_secret_shows_when_something_is_printed() -> None:
    async with directory() as accounts:
        await accounts.add(FRITO, "secret")
        credentials = await accounts._credentials(FRITO.folded)
        assert repr(credentials) == "Credentials(frito@drag.net)"


async def test_another_process_that_changes_an_account_is_noticed(tmp_path: Path) -> None:
    async with directory(data=tmp_path) as accounts:
        assert await accounts.find(FRITO.folded) is None
        other = await SqliteDatabase.open(tmp_path, threaded=False)
        await other.migrate(MIGRATIONS)
        await Directory(other, InlineWorkers(), FakeClock(), DirectoryOptions(passwords=CHEAP)).add(
            FRITO, "secret"
        )
        await other.close()
        await asyncio.sleep(1.5)
        assert await accounts.find(FRITO.folded) is not None
