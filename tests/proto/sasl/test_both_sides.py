"""Our client against our server, mechanism by mechanism."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sasl_kit import BINDING, FRITO, Shell, as_prepared, meet, named, next_step

from postel.mail import BadSyntax
from postel.proto.sasl import (
    DEFAULT_MECHANISMS,
    MECHANISMS,
    Anonymous,
    Authenticated,
    Challenge,
    Credentials,
    Denied,
    Proof,
    ServerExchange,
    Stored,
    choose_mechanism,
    saslprep,
)

PASSWORD_MECHANISMS = [row.name for row in MECHANISMS if row.proof is Proof.PASSWORD]
SAURON = Credentials(FRITO, "sauron", nonce="client/nonce", binding=BINDING, host="mx.drag.net")


def bound(name: str) -> Shell:
    """A shell whose TLS session can be bound to, if that is what the mechanism does."""
    return Shell(binding=BINDING if named(name).binds else None)


@pytest.mark.parametrize("name", PASSWORD_MECHANISMS)
def test_the_right_password_lets_in(name: str) -> None:
    assert meet(name, SAURON, bound(name)) == Authenticated(FRITO, FRITO)


@pytest.mark.parametrize("name", PASSWORD_MECHANISMS)
@pytest.mark.parametrize("wrong", [("frito@drag.net", "gandalf"), ("nobody@drag.net", "sauron")])
def test_a_wrong_password_and_an_unknown_name_are_denied_alike(name: str, wrong: tuple[str, str]) -> None:
    credentials = Credentials(*wrong, nonce="client/nonce", binding=BINDING)
    verdict = meet(name, credentials, bound(name))
    assert isinstance(verdict, Denied)
    assert verdict.kind.value == "credentials"


def is_preparable(text: str) -> bool:
    try:
        return bool(saslprep(text))
    except BadSyntax:
        return False


identities = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=40)


@given(
    st.sampled_from(PASSWORD_MECHANISMS), identities.filter(is_preparable), identities.filter(is_preparable)
)
def test_any_name_and_password_that_can_be_typed_can_be_proven(name: str, who: str, password: str) -> None:
    if named(name).stored is Stored.VERIFIER:
        who = saslprep(who)  # RFC 5802 5.1 has the client prepare it so
    shell = bound(name)
    expected = as_prepared(who)
    shell.passwords = {expected.authcid: as_prepared(password).authcid}
    assert meet(name, Credentials(who, password, nonce="n0nce", binding=BINDING), shell) == expected


@pytest.mark.parametrize("name", ["SCRAM-SHA-1", "SCRAM-SHA-256", "DIGEST-MD5", "PLAIN"])
def test_an_authorization_identity_is_carried(name: str) -> None:
    acting = Credentials(FRITO, "sauron", authzid=FRITO, nonce="x")
    assert meet(name, acting, Shell()) == Authenticated(FRITO, FRITO)
    acting = Credentials(FRITO, "sauron", authzid="kitt@free.org", nonce="x")
    assert isinstance(meet(name, acting, Shell()), Denied)


@pytest.mark.parametrize("name", ["OAUTHBEARER", "XOAUTH2"])
def test_a_token_speaks_for_its_holder_and_nobody_else(name: str) -> None:
    assert meet(name, Credentials(FRITO, token="good.token", host="mx", port=587), Shell()) == Authenticated(
        FRITO, FRITO
    )
    assert isinstance(meet(name, Credentials(FRITO, token="bad.token"), Shell()), Denied)
    assert isinstance(meet(name, Credentials("kitt@free.org", token="good.token"), Shell()), Denied)


def test_a_certificate_speaks_for_whom_it_names() -> None:
    certified = Shell(certificate=FRITO)
    assert meet("EXTERNAL", Credentials("", has_certificate=True), certified) == Authenticated(FRITO, FRITO)
    assert meet("EXTERNAL", Credentials(FRITO, has_certificate=True), certified) == Authenticated(
        FRITO, FRITO
    )
    assert isinstance(meet("EXTERNAL", Credentials("kitt", has_certificate=True), certified), Denied)
    assert isinstance(meet("EXTERNAL", Credentials("", has_certificate=True), Shell()), Denied)


def test_nobody_in_particular_leaves_a_trace() -> None:
    assert meet("ANONYMOUS", Credentials("sirhc", "x"), Shell()) == Anonymous("sirhc")


# -- the table ---------------------------------------------------------------------------------------------


def test_by_default_nothing_is_offered_that_needs_a_readable_secret_or_proves_nothing() -> None:
    assert set(DEFAULT_MECHANISMS).isdisjoint({"CRAM-MD5", "DIGEST-MD5", "ANONYMOUS"})
    assert len(DEFAULT_MECHANISMS) == len(MECHANISMS) - 3


@pytest.mark.parametrize(
    ("offered", "private", "may_bind", "chosen"),
    [
        ("PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS", True, True, "SCRAM-SHA-256-PLUS"),
        ("PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS", True, False, "SCRAM-SHA-256"),
        ("PLAIN SCRAM-SHA-1 CRAM-MD5", False, False, "SCRAM-SHA-1"),
        ("PLAIN LOGIN CRAM-MD5 DIGEST-MD5", False, False, "DIGEST-MD5"),
        ("PLAIN LOGIN OAUTHBEARER EXTERNAL ANONYMOUS", True, True, "PLAIN"),
        ("PLAIN LOGIN", False, False, None),
        ("ANONYMOUS", True, False, None),
    ],
)
def test_the_strongest_mechanism_that_may_be_used_is_chosen(
    offered: str, private: bool, may_bind: bool, chosen: str | None
) -> None:
    found = choose_mechanism(offered.split(), is_private=private, may_bind=may_bind)
    assert (found.name if found else None) == chosen


def test_what_was_refused_is_not_chosen_again() -> None:
    names = ["SCRAM-SHA-256", "PLAIN"]
    first = choose_mechanism(names, is_private=True)
    assert first is not None
    second = choose_mechanism(names, is_private=True, refused=[first])
    assert second is named("PLAIN")


def test_a_token_and_a_certificate_choose_their_own() -> None:
    names = ["PLAIN", "XOAUTH2", "OAUTHBEARER", "EXTERNAL"]
    assert choose_mechanism(names, is_private=True, proofs=[Proof.TOKEN]) is named("OAUTHBEARER")
    assert choose_mechanism(names, is_private=True, proofs=[Proof.CERTIFICATE]) is named("EXTERNAL")
    assert choose_mechanism(names, is_private=False, proofs=[Proof.TOKEN]) is None


# -- whatever comes ----------------------------------------------------------------------------------------


@given(
    st.sampled_from(MECHANISMS),
    st.none() | st.binary(max_size=64) | st.text("n,=ar1pyc\x01auth=Bearer", max_size=40).map(str.encode),
    st.lists(st.binary(max_size=64) | st.text('c=r,p"\\x', max_size=40).map(str.encode), min_size=4),
)
def test_no_response_whatever_escapes_the_contract(
    mechanism: object, initial: bytes | None, responses: list[bytes]
) -> None:
    assert mechanism in MECHANISMS
    shell = Shell(passwords={}, tokens={})
    exchange = ServerExchange(mechanism, initial)  # type: ignore[arg-type]
    step = next_step(exchange, shell, exchange.start())
    while isinstance(step, Challenge):
        step = next_step(exchange, shell, exchange.answer(responses.pop()))
    assert isinstance(step, Denied | Anonymous)
