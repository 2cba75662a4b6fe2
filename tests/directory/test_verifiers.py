"""What SCRAM goes by: made with a password, looked for without telling who is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from directory_kit import OPTIONS, directory

from postel.database import Transaction
from postel.directory import Account, Directory, DirectoryOptions, ScramOptions
from postel.mail import parse_mailbox
from postel.proto.sasl import Verifier, make_verifier

FRITO = parse_mailbox("frito@drag.net")


async def test_a_password_and_its_verifier_are_set_together() -> None:
    async with directory() as accounts:
        await accounts.add(FRITO, "sauron")
        for password in ("sauron", "saruman"):
            await accounts.set_password(FRITO, password)
            found = await accounts.find_verifier("Frito@Drag.net", "sha256", None)
            assert isinstance(found, Verifier)
            assert found == make_verifier("sha256", password, found.salt, found.iterations)


async def test_who_is_unknown_has_a_salt_too_and_always_the_same() -> None:
    async with directory() as accounts:
        found = [await accounts.find_verifier("nobody@drag.net", "sha1", None) for _ in range(2)]
        assert found[0] == found[1]
        other = await accounts.find_verifier("somebody@drag.net", "sha1", None)
        assert isinstance(other, Verifier)
        assert isinstance(found[0], Verifier)
        assert other.salt != found[0].salt


async def test_making_an_account_changes_nothing_that_a_stranger_sees() -> None:
    async with directory() as accounts:
        before = await accounts.find_verifier("frito@drag.net", "sha256", None)
        await accounts.add(FRITO, "sauron")
        after = await accounts.find_verifier("frito@drag.net", "sha256", None)
        assert isinstance(before, Verifier)
        assert isinstance(after, Verifier)
        assert (before.salt, before.iterations) == (after.salt, after.iterations)
        assert before.stored_key != after.stored_key


async def test_an_account_from_before_gets_its_verifier_with_its_next_login() -> None:
    async with directory() as accounts:
        await accounts.add(FRITO, "sauron")

        async def forget(tx: Transaction) -> None:
            await tx.execute("DELETE FROM account_verifier")

        await accounts._database.write(forget)
        assert await accounts.verify("frito@drag.net", "wrong", None) is None
        found = await accounts.find_verifier("frito@drag.net", "sha256", None)
        assert isinstance(found, Verifier)
        assert found != make_verifier("sha256", "sauron", found.salt, found.iterations)
        assert isinstance(await accounts.verify("frito@drag.net", "sauron", None), Account)
        found = await accounts.find_verifier("frito@drag.net", "sha256", None)
        assert isinstance(found, Verifier)
        assert found == make_verifier("sha256", "sauron", found.salt, found.iterations)


@pytest.mark.parametrize("before", [100_000, 4096])
async def test_what_was_made_with_other_iterations_is_made_anew_at_the_next_login(
    before: int, tmp_path: Path
) -> None:
    async with directory(with_iterations(before), data=tmp_path) as accounts:
        await accounts.add(FRITO, "sauron")
    async with directory(with_iterations(5000), data=tmp_path) as accounts:
        assert await accounts.verify("frito@drag.net", "wrong", None) is None
        assert await iterations_of(accounts) == {before}
        assert isinstance(await accounts.verify("frito@drag.net", "sauron", None), Account)
        assert await iterations_of(accounts) == {5000}
        found = await accounts.find_verifier("frito@drag.net", "sha256", None)
        assert isinstance(found, Verifier)
        assert found == make_verifier("sha256", "sauron", found.salt, 5000)


def with_iterations(number: int) -> DirectoryOptions:
    return replace(OPTIONS, scram=ScramOptions(iterations=number))


async def iterations_of(accounts: Directory) -> set[int]:
    found = [await accounts.find_verifier("frito@drag.net", name, None) for name in ("sha1", "sha256")]
    return {one.iterations for one in found if isinstance(one, Verifier)}


async def test_a_password_that_saslprep_refuses_works_without_scram() -> None:
    async with directory() as accounts:
        await accounts.add(FRITO, "\ue000 private use")
        assert isinstance(await accounts.verify("frito@drag.net", "\ue000 private use", None), Account)
