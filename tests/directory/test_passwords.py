import pytest
from directory_kit import CHEAP, FRITO, HOME, directory
from hypothesis import given
from hypothesis import strategies as st

from postel.database import DatabaseTrouble
from postel.directory import Account, DirectoryOptions, PasswordOptions
from postel.directory.answers import Answers
from postel.directory.passwords import PASSWORD_LIMIT, PasswordHasher, prepare_password
from postel.mail import BadSyntax
from postel.net import ThreadWorkers
from postel.testing import FakeClock

IMPOSSIBLE = 2**32 - 1  # KiB of memory


@given(st.text(max_size=1100))
def test_a_password_is_prepared_once_and_for_all_or_refused(text: str) -> None:
    try:
        octets = prepare_password(text)
    except BadSyntax:
        return
    assert 0 < len(octets) <= PASSWORD_LIMIT
    assert prepare_password(octets.decode()) == octets


@pytest.mark.parametrize("text", ["x" * PASSWORD_LIMIT, " ", "\u3000\u00e4\U0001f511"])
def test_any_text_that_can_be_typed_is_a_password(text: str) -> None:
    assert prepare_password(text)


@pytest.mark.parametrize("text", ["\u00e4" * 600, "\u0344" * 512])
def test_the_limit_counts_octets(text: str) -> None:
    with pytest.raises(BadSyntax):
        prepare_password(text)


def test_a_hash_is_argon2id_of_the_configured_cost_and_never_the_same_twice() -> None:
    hasher = PasswordHasher(CHEAP)
    hashes = {hasher.hash(b"secret") for _ in range(3)}
    assert len(hashes) == 3
    assert all(stored.startswith("$argon2id$v=19$m=8,t=1,p=1$") for stored in hashes)
    assert all(
        hasher.is_right(stored, b"secret") and not hasher.is_right(stored, b"Secret") for stored in hashes
    )


def test_nobodys_hash_has_no_password_and_todays_cost() -> None:
    hasher = PasswordHasher(CHEAP)
    assert not hasher.is_right(hasher.nobodys_hash, b"")
    assert not hasher.is_outdated(hasher.nobodys_hash)
    assert len(hasher.nobodys_hash) == len(hasher.hash(b"secret"))
    assert PasswordHasher(CHEAP).nobodys_hash != hasher.nobodys_hash


def test_a_machine_without_memory_for_it_cannot_tell() -> None:
    hasher = PasswordHasher(PasswordOptions(memory_kib=IMPOSSIBLE))
    with pytest.raises(DatabaseTrouble):
        hasher.hash(b"secret")
    with pytest.raises(DatabaseTrouble):
        hasher.is_right(hasher.nobodys_hash, b"secret")


async def test_a_renewal_that_fails_does_not_fail_the_login() -> None:
    async with directory() as accounts:
        await accounts.add(FRITO, "secret")
        accounts._hasher._argon2 = PasswordHasher(PasswordOptions(memory_kib=IMPOSSIBLE))._argon2
        assert isinstance(await accounts.verify("frito@drag.net", "secret", HOME), Account)


def test_answers_are_bounded_and_forgotten_in_time() -> None:
    clock = FakeClock()
    answers = Answers(clock, keep_for_s=10, limit=3)
    for n in range(6):
        answers.remember(answers.digest("hash", b"%d" % n), is_right=True)
    assert [answers.find(answers.digest("hash", b"%d" % n)) for n in range(6)] == [None] * 3 + [True] * 3
    clock.advance(11)
    assert answers.find(answers.digest("hash", b"5")) is None
    answers.remember(answers.digest("hash", b"5"), is_right=False)
    assert answers.find(answers.digest("hash", b"5")) is False
    clock.advance(-5)  # a clock set back: better asked again
    assert answers.find(answers.digest("hash", b"5")) is None


@given(st.text(), st.binary(), st.text(), st.binary())
def test_no_two_questions_have_one_digest(hash_: str, password: bytes, other: str, guess: bytes) -> None:
    answers = Answers(FakeClock(), 10, 10)
    is_same = answers.digest(hash_, password) == answers.digest(other, guess)
    assert is_same == ((hash_, password) == (other, guess))


def test_wrong_answers_do_not_push_out_right_ones() -> None:
    answers = Answers(FakeClock(), 10, 3)
    right = answers.digest("hash", b"right")
    answers.remember(right, is_right=True)
    for n in range(100):
        answers.remember(answers.digest("hash", b"%d" % n), is_right=False)
    assert answers.find(right) is True


@pytest.mark.real_time
async def test_real_threads_hash_too() -> None:
    workers = ThreadWorkers(2)
    async with directory(DirectoryOptions(passwords=CHEAP), workers=workers) as accounts:
        await accounts.add(FRITO, "secret")
        assert isinstance(await accounts.verify("frito@drag.net", "secret", HOME), Account)
    workers.close()
