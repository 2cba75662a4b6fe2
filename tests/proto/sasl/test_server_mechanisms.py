"""PLAIN and LOGIN as the server sees them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from postel.asks import Asks
from postel.mail import LocalFault
from postel.proto.sasl import (
    MECHANISMS,
    Authenticated,
    Challenge,
    CheckPassword,
    Denial,
    Denied,
    ServerExchange,
    find_mechanism,
)

PASSWORDS = {"frito@drag.net": "sauron"}
THROTTLED = Denied("too many guesses", Denial.LATER)


def run(name: str, *responses: bytes | None, throttled: bool = False) -> tuple[Any, list[bytes]]:
    """Play an exchange; the first response is the initial one. Gives the verdict and the challenges."""
    mechanism = find_mechanism(name)
    assert mechanism is not None
    exchange = ServerExchange(mechanism, responses[0])
    rest = list(responses[1:])
    challenges = []
    step = exchange.start()
    while not isinstance(step, Authenticated | Denied):
        match step:
            case Challenge(data):
                challenges.append(data)
                step = exchange.answer(rest.pop(0))
            case CheckPassword(authcid, password, authzid):
                if throttled:
                    step = exchange.answer(THROTTLED)
                else:
                    may_act = authzid in ("", authcid)
                    step = exchange.answer(PASSWORDS.get(authcid) == password and may_act)
    return step, challenges


def test_plain_with_an_initial_response_takes_no_challenge() -> None:
    assert run("PLAIN", b"\0frito@drag.net\0sauron") == (
        Authenticated("frito@drag.net", "frito@drag.net"),
        [],
    )


def test_plain_without_an_initial_response_is_asked_by_an_empty_challenge() -> None:
    verdict, challenges = run("PLAIN", None, b"\0frito@drag.net\0sauron")
    assert isinstance(verdict, Authenticated)
    assert challenges == [b""]


def test_plain_keeps_the_authorization_identity() -> None:
    verdict, _ = run("PLAIN", b"frito@drag.net\0frito@drag.net\0sauron")
    assert verdict == Authenticated("frito@drag.net", "frito@drag.net")


def test_plain_refuses_to_act_as_somebody_else() -> None:
    verdict, _ = run("PLAIN", b"kitt@free.org\0frito@drag.net\0sauron")
    assert isinstance(verdict, Denied)
    assert verdict.kind is Denial.CREDENTIALS


@pytest.mark.parametrize("message", [b"", b"x", b"a\0b", b"a\0b\0c\0d", b"\0\0\0"])
def test_plain_wants_exactly_two_nuls(message: bytes) -> None:
    verdict, _ = run("PLAIN", message)
    assert isinstance(verdict, Denied)
    assert verdict.kind is Denial.MALFORMED


@pytest.mark.parametrize(
    "message", [b"\0\0", b"\0x\0", b"\0\0x", b"\0\xff\0x", b"\0a\nb\0x", b"\0" + b"a" * 1025 + b"\0x"]
)
def test_an_identity_that_cannot_be_prepared_is_no_identity(message: bytes) -> None:
    verdict, _ = run("PLAIN", message)
    assert isinstance(verdict, Denied)
    assert verdict.kind is Denial.CREDENTIALS


def test_login_asks_for_name_and_password() -> None:
    verdict, challenges = run("LOGIN", None, b"frito@drag.net", b"sauron")
    assert verdict == Authenticated("frito@drag.net", "frito@drag.net")
    assert challenges == [b"Username:", b"Password:"]


def test_login_takes_an_initial_response_as_the_name() -> None:
    verdict, challenges = run("LOGIN", b"frito@drag.net", b"sauron")
    assert isinstance(verdict, Authenticated)
    assert challenges == [b"Password:"]


def test_login_with_a_control_character_is_denied() -> None:
    verdict, _ = run("LOGIN", b"frito\0", b"sauron")
    assert isinstance(verdict, Denied)


@pytest.mark.parametrize("responses", [(b"\0frito@drag.net\0wrong",), (b"\0nobody@drag.net\0sauron",)])
def test_a_wrong_password_and_an_unknown_name_are_denied_alike(responses: tuple[bytes, ...]) -> None:
    verdict, _ = run("PLAIN", *responses)
    assert isinstance(verdict, Denied)
    assert verdict.kind is Denial.CREDENTIALS


def test_a_check_may_say_more_than_no() -> None:
    assert run("PLAIN", b"\0frito@drag.net\0sauron", throttled=True)[0] is THROTTLED


def test_a_question_never_shows_the_password() -> None:
    assert "sauron" not in repr(CheckPassword("frito", "sauron", ""))


def test_a_verdict_ends_the_exchange() -> None:
    mechanism = find_mechanism("plain")
    assert mechanism is not None
    exchange = ServerExchange(mechanism, b"nonsense")
    assert isinstance(exchange.start(), Denied)
    with pytest.raises(LocalFault):
        exchange.answer(b"")


def count_to_three(initial: bytes | None) -> Asks[Authenticated | Denied]:
    """A mechanism of several steps in which the server begins, as CRAM-MD5 and GSSAPI do."""
    for step in (b"one", b"two", b"three"):
        answer = yield Challenge(step)
        if answer != step:
            return Denied("miscounted")
    return Authenticated("anybody", "anybody")


SERVER_FIRST = replace(MECHANISMS[0], name="COUNT", takes_initial_response=False, server=count_to_three)


def test_mechanisms_of_several_steps_fit_the_contract() -> None:
    exchange = ServerExchange(SERVER_FIRST, None)
    step = exchange.start()
    while isinstance(step, Challenge):
        step = exchange.answer(step.data)
    assert step == Authenticated("anybody", "anybody")


def test_an_initial_response_where_the_server_begins_is_malformed() -> None:
    # RFC 4954 4: MUST reject with 501
    verdict = ServerExchange(SERVER_FIRST, b"").start()
    assert isinstance(verdict, Denied)
    assert verdict.kind is Denial.MALFORMED
