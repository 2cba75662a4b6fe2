import asyncio
from collections.abc import Callable
from ipaddress import ip_address
from typing import TypeVar

import pytest
from directory_kit import AWAY, CHEAP, FRITO, HOME, OPTIONS, directory

from postel.directory import Account, Directory, DirectoryOptions, PasswordOptions, Throttled, ThrottleOptions
from postel.testing import FakeClock, InlineWorkers

T = TypeVar("T")


class CountingWorkers(InlineWorkers):
    """Takes a second of fake time for each piece of work."""

    def __init__(self) -> None:
        self.runs = 0
        self.at_once = 0
        self.most_at_once = 0

    async def run(self, work: Callable[[], T]) -> T:
        self.runs += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(1)
        self.at_once -= 1
        return work()


async def test_the_right_password_gives_the_account() -> None:
    async with directory() as accounts:
        frito = await accounts.add(FRITO, "secret")
        assert await accounts.verify("Frito@drag.net", "secret", HOME) == frito
        assert await accounts.verify("frito@drag.net", "Secret", HOME) is None


@pytest.mark.parametrize(
    "login", ["", "frito", "@", "x" * 100_000, "a\0@b", "nobody@drag.net", "\ud800@drag.net"]
)
async def test_a_login_that_is_nobodys_is_refused(login: str) -> None:
    async with directory() as accounts:
        await accounts.add(FRITO, "secret")
        assert await accounts.verify(login, "secret", HOME) is None


async def test_a_login_without_a_domain_gets_the_configured_one() -> None:
    async with directory(DirectoryOptions(passwords=CHEAP, login_domain="drag.net")) as accounts:
        frito = await accounts.add(FRITO, "secret")
        assert await accounts.verify("frito", "secret", HOME) == frito


async def test_a_password_may_be_typed_composed_or_not() -> None:
    async with directory() as accounts:
        frito = await accounts.add(FRITO, "p\u00e4ss\u00a0word")
        assert await accounts.verify("frito@drag.net", "pa\u0308ss word", HOME) == frito


@pytest.mark.parametrize("password", ["", "\0", "x" * 5000, "\ud800"])
async def test_an_impossible_password_is_wrong_and_counts(password: str) -> None:
    options = DirectoryOptions(passwords=CHEAP, throttle=ThrottleOptions(network_failures=1))
    async with directory(options) as accounts:
        await accounts.add(FRITO, "secret")
        assert await accounts.verify("frito@drag.net", password, HOME) is None
        assert await accounts.verify("frito@drag.net", password, HOME) is None
        assert isinstance(await accounts.verify("frito@drag.net", password, HOME), Throttled)


async def test_a_changed_password_counts_at_once() -> None:
    async with directory() as accounts:
        frito = await accounts.add(FRITO, "old")
        assert await accounts.verify("frito@drag.net", "old", HOME) == frito
        await accounts.set_password(FRITO, "new")
        assert await accounts.verify("frito@drag.net", "old", HOME) is None
        assert await accounts.verify("frito@drag.net", "new", HOME) == frito


async def test_a_right_password_is_hashed_once_in_a_while() -> None:
    workers, clock = CountingWorkers(), FakeClock()
    async with directory(clock=clock, workers=workers) as accounts:
        await accounts.add(FRITO, "secret")
        for _ in range(5):
            await accounts.verify("frito@drag.net", "secret", HOME)
        assert workers.runs == 4  # one to make it, two for what SCRAM goes by
        clock.advance(OPTIONS.remember_for_s + 1)
        await accounts.verify("frito@drag.net", "secret", HOME)
        assert workers.runs == 5


async def test_many_logins_at_once_with_one_password_cost_one_hash_a_turn() -> None:
    workers = CountingWorkers()
    async with directory(workers=workers) as accounts:
        frito = await accounts.add(FRITO, "secret")
        results = await asyncio.gather(
            *(accounts.verify("frito@drag.net", "secret", HOME) for _ in range(20))
        )
        assert results == [frito] * 20
        assert workers.runs <= 3 + CHEAP.at_once


async def test_only_so_many_passwords_are_hashed_at_once() -> None:
    workers = CountingWorkers()
    async with directory(workers=workers) as accounts:
        await asyncio.gather(
            *(accounts.verify(f"user{n}@drag.net", "x", ip_address(f"192.0.2.{n}")) for n in range(30))
        )
        assert workers.most_at_once == CHEAP.at_once
        assert workers.runs == 30


async def test_an_unknown_account_costs_the_same_as_a_known_one() -> None:
    workers = CountingWorkers()
    async with directory(workers=workers) as accounts:
        await accounts.add(FRITO, "secret")
        workers.runs = 0
        for _ in range(3):
            assert await accounts.verify("frito@drag.net", "wrong", HOME) is None
        known, workers.runs = workers.runs, 0
        for _ in range(3):
            assert await accounts.verify("nobody@drag.net", "wrong", HOME) is None
        assert workers.runs == known


async def test_a_device_with_an_old_password_locks_nobody_out() -> None:
    async with directory() as accounts:
        frito = await accounts.add(FRITO, "secret")
        for _ in range(100):
            assert await accounts.verify("frito@drag.net", "old", HOME) is None
        assert await accounts.verify("frito@drag.net", "secret", HOME) == frito


async def test_guessing_is_slowed_down_for_the_network() -> None:
    clock = FakeClock()
    async with directory(clock=clock) as accounts:
        await accounts.add(FRITO, "secret")
        for n in range(11):
            assert await accounts.verify(f"user{n}@drag.net", f"guess{n}", HOME) is None
        assert await accounts.verify("frito@drag.net", "secret", HOME) == Throttled(
            2.0, "too many failures from 192.0.2.1"
        )
        assert isinstance(await accounts.verify("frito@drag.net", "secret", AWAY), Account)
        clock.advance(2)
        assert isinstance(await accounts.verify("frito@drag.net", "secret", HOME), Account)


async def test_guessing_at_one_account_from_everywhere_is_slowed_down() -> None:
    async with directory() as accounts:
        await accounts.add(FRITO, "secret")
        await accounts.verify("frito@drag.net", "secret", HOME)
        for n in range(11):
            await accounts.verify("frito@drag.net", f"guess{n}", ip_address(f"198.51.100.{n}"))
        throttled = await accounts.verify("frito@drag.net", "secret", ip_address("203.0.113.1"))
        assert throttled == Throttled(2.0, "too many failures for frito@drag.net")
        # The owner's own network is not held up.
        assert isinstance(await accounts.verify("frito@drag.net", "secret", HOME), Account)


async def test_guesses_that_come_all_at_once_are_slowed_down_too() -> None:
    workers = CountingWorkers()
    async with directory(workers=workers) as accounts:
        await accounts.add(FRITO, "guess99")
        results = await asyncio.gather(
            *(accounts.verify("frito@drag.net", f"guess{n}", HOME) for n in range(100))
        )
        assert sum(result is None for result in results) <= 10 + CHEAP.at_once
        assert isinstance(results[99], Throttled)


async def test_a_hash_of_another_cost_is_renewed_at_login() -> None:
    async with directory() as accounts:
        await accounts.add(FRITO, "secret")
        dearer = DirectoryOptions(passwords=PasswordOptions(memory_kib=16, passes=1))
        later = Directory(accounts._database, InlineWorkers(), FakeClock(), dearer)
        assert isinstance(await later.verify("frito@drag.net", "secret", HOME), Account)
        credentials = await later._credentials(FRITO.folded)
        assert credentials is not None
        assert "m=16," in credentials.password_hash
        assert isinstance(await later.verify("frito@drag.net", "secret", HOME), Account)


async def test_a_damaged_hash_fits_no_password() -> None:
    async with directory() as accounts:
        await accounts.add(FRITO, "secret")
        await accounts._set(FRITO, "password_hash", "!")
        assert await accounts.verify("frito@drag.net", "secret", HOME) is None


async def test_a_shared_secret_is_proven_and_guessing_it_is_slowed_down() -> None:
    clock = FakeClock()
    async with directory(clock=clock) as accounts:
        frito = await accounts.add(FRITO, "secret")

        async def prove(login: str, guess: str) -> Account | Throttled | None:
            return await accounts.verify_secret(login, lambda secret: secret == guess, HOME)

        assert await prove("frito@drag.net", "tanstaaf") is None  # none is stored yet
        await accounts.set_shared_secret(FRITO, "tanstaaf")
        assert await prove("frito@drag.net", "tanstaaf") == frito
        assert await accounts.verify_secret("nobody@drag.net", lambda _: True, HOME) is None
        for n in range(9):
            assert await prove("frito@drag.net", f"guess{n}") is None
        assert isinstance(await prove("frito@drag.net", "tanstaaf"), Throttled)
        clock.advance(2)
        assert await prove("frito@drag.net", "tanstaaf") == frito
