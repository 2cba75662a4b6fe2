"""PLAIN and LOGIN as the client plays them, against our server side and against nonsense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import BadSyntax, LocalFault
from postel.proto.sasl import (
    ClientExchange,
    Credentials,
    ExchangeFault,
    Mechanism,
    choose_mechanism,
    find_mechanism,
    prepare,
)

FRITO = Credentials("frito@drag.net", "sauron")


def named(name: str) -> Mechanism:
    mechanism = find_mechanism(name)
    assert mechanism is not None
    return mechanism


identities = st.text(st.characters(blacklist_categories=("Cc", "Cs")), min_size=1, max_size=60)


def test_plain_says_all_at_once() -> None:
    assert ClientExchange(named("PLAIN"), FRITO).start() == b"\0frito@drag.net\0sauron"


def test_plain_sends_the_authorization_identity_where_one_is_wanted() -> None:
    exchange = ClientExchange(named("PLAIN"), Credentials("frito", "sauron", authzid="kitt"))
    assert exchange.start() == b"kitt\0frito\0sauron"


def test_a_challenge_too_many_is_a_fault_of_the_server() -> None:
    exchange = ClientExchange(named("PLAIN"), FRITO)
    exchange.start()
    with pytest.raises(ExchangeFault):
        exchange.respond(b"and?")


def test_a_yes_too_early_is_a_fault_of_the_server() -> None:
    exchange = ClientExchange(named("LOGIN"), FRITO)
    assert exchange.start() is None
    exchange.respond(b"Username:")
    with pytest.raises(ExchangeFault):
        exchange.finish()


def test_credentials_that_nobody_could_have_are_our_own_fault() -> None:
    with pytest.raises(LocalFault):
        ClientExchange(named("PLAIN"), Credentials("", "x"))


def test_credentials_never_show_the_password() -> None:
    assert "sauron" not in repr(FRITO)


def test_the_strongest_common_mechanism_is_chosen() -> None:
    assert choose_mechanism(["login", "plain", "GSSAPI"], is_private=True) is named("PLAIN")
    assert choose_mechanism(["LOGIN"], is_private=True) is named("LOGIN")
    assert choose_mechanism(["GSSAPI"], is_private=True) is None


def test_a_password_is_not_shown_to_a_network_that_listens() -> None:
    assert choose_mechanism(["PLAIN", "LOGIN"], is_private=False) is None


def test_names_of_mechanisms_have_no_case() -> None:
    assert find_mechanism("Plain") is find_mechanism("PLAIN")
    assert find_mechanism("ROT13") is None


def test_two_spellings_of_one_text_are_prepared_alike() -> None:
    assert prepare("cafe\u0301") == prepare("caf\u00e9")
    assert prepare("a\u00a0b") == "a b"


@pytest.mark.parametrize("text", ["", "a\0b", "a\x7f", "a\u0085", "x" * 1025, "é" * 513, "\ud800"])
def test_what_cannot_be_an_identity_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        prepare(text)


@given(identities)
def test_preparing_twice_changes_nothing(text: str) -> None:
    assert prepare(prepare(text)) == prepare(text)
