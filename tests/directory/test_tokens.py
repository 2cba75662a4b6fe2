"""OAuth tokens: whose are believed, and for whom."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from directory_kit import AWAY, CHEAP, HOME, directory
from joserfc import jwt
from joserfc.jwk import OctKey

from postel.directory import (
    Account,
    BadToken,
    DirectoryOptions,
    Throttled,
    ThrottleOptions,
    TokenOptions,
    TokenTrouble,
)
from postel.directory.tokens import Tokens, open_tokens
from postel.mail import parse_mailbox
from postel.testing import FakeClock, InlineWorkers
from token_kit import AUDIENCE, ISSUER, claims, endpoint, key, key_file, key_set, token

ANN = parse_mailbox("ann@example.org")


def signed(keys: Path | str, clock: FakeClock, **changes: Any) -> Tokens:
    options: dict[str, Any] = {"issuer": ISSUER, "audience": AUDIENCE, "keys": keys} | changes
    return open_tokens(TokenOptions(**options), InlineWorkers(), clock)


# Signed tokens


async def test_a_signed_token_names_its_account(tmp_path: Path) -> None:
    clock = FakeClock()
    tokens = signed(key_file(tmp_path), clock)
    assert await tokens.login(token(clock.now())) == "ann@example.org"
    assert await tokens.login(token(clock.now(), aud=["other", AUDIENCE])) == "ann@example.org"


async def test_another_claim_may_name_the_account(tmp_path: Path) -> None:
    clock = FakeClock()
    tokens = signed(key_file(tmp_path), clock, claim="upn")
    assert await tokens.login(token(clock.now(), email=None, upn="bob@example.org")) == "bob@example.org"


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "shop.example.org"}, "somebody else"),
        ({"aud": None}, "somebody else"),
        ({"aud": {"mail.example.org": 1}}, "somebody else"),
        ({"exp": None}, "never expires"),
        ({"exp": 1}, "expired"),
        ({"exp": "tomorrow"}, "no date"),
        ({"exp": True}, "no date"),
        ({"exp": float("nan")}, "expired"),
        ({"nbf": 4_000_000_000}, "not valid yet"),
        ({"email": None}, "no claim email"),
        ({"email": ["ann@example.org"]}, "no claim email"),
        ({"email_verified": False}, "not verified"),
    ],
)
async def test_a_token_that_says_too_little_is_refused(
    tmp_path: Path, changes: dict[str, Any], because: str
) -> None:
    # RFC 7519 4.1
    clock = FakeClock()
    with pytest.raises(BadToken, match=because):
        await signed(key_file(tmp_path), clock).login(token(clock.now(), **changes))


async def test_a_token_expires_by_our_clock(tmp_path: Path) -> None:
    clock = FakeClock()
    tokens, given = signed(key_file(tmp_path), clock), token(clock.now())
    clock.advance(299)
    assert await tokens.login(given)
    clock.advance(60)
    with pytest.raises(BadToken, match="expired"):
        await tokens.login(given)


async def test_a_token_signed_by_nobody_we_know_is_refused(tmp_path: Path) -> None:
    # RFC 8725 3.1: neither none, nor the public key taken for a shared secret
    clock = FakeClock()
    tokens = signed(key_file(tmp_path), clock)
    said = claims(clock.now())
    octets = base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    secret = OctKey.import_key(key().as_pem(private=False).hex())
    head, _, signature = token(clock.now()).rsplit(".", 2)
    for bad in (
        f"eyJhbGciOiJub25lIn0.{octets}.",
        jwt.encode({"alg": "HS256", "kid": "one"}, said, secret),
        jwt.encode({"alg": "ES256", "kid": "one"}, said, key("forged"), algorithms=["ES256"]),
        token(clock.now(), "unknown"),
        f"{head}.{octets}.{signature}",
        "x",
        "..",
        "e30.e30.e30",
        "W10.W10.W10",
        f"{'W10' * 2000}..",
    ):
        with pytest.raises(BadToken):
            await tokens.login(bad)


async def test_keys_are_read_again_when_the_issuer_has_changed_them(tmp_path: Path) -> None:
    clock = FakeClock()
    tokens = signed(key_file(tmp_path), clock)
    assert await tokens.login(token(clock.now()))
    key_file(tmp_path, "two")
    with pytest.raises(BadToken):
        await tokens.login(token(clock.now(), "two"))  # read a moment ago
    clock.advance(31)
    assert await tokens.login(token(clock.now(), "two"))
    with pytest.raises(BadToken):
        await tokens.login(token(clock.now(), "one"))


async def test_the_last_keys_do_for_a_day_when_they_cannot_be_read(tmp_path: Path) -> None:
    clock = FakeClock()
    file = key_file(tmp_path)
    tokens = signed(file, clock)
    assert await tokens.login(token(clock.now()))
    file.unlink()
    clock.advance(3600)
    assert await tokens.login(token(clock.now()))
    clock.advance(86400)
    with pytest.raises(TokenTrouble):
        await tokens.login(token(clock.now()))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": 1}', "[" * 100_000, " " * 300_000])
async def test_a_file_that_holds_no_keys_is_trouble_of_ours(tmp_path: Path, text: str) -> None:
    clock = FakeClock()
    file = tmp_path / "keys.json"
    file.write_text(text)
    with pytest.raises(TokenTrouble):
        await signed(file, clock).login(token(clock.now()))


async def test_keys_of_other_kinds_are_passed_over(tmp_path: Path) -> None:
    clock = FakeClock()
    file = tmp_path / "keys.json"
    odd = [1, {}, {"kty": "oct", "k": "AA"}, {"kty": "RSA"}, key("e").as_dict(private=False) | {"use": "enc"}]
    file.write_text(json.dumps({"keys": odd + key_set()["keys"]}))
    assert await signed(file, clock).login(token(clock.now()))


async def test_keys_come_from_a_url_too_and_redirections_are_not_followed() -> None:
    clock = FakeClock()
    with endpoint() as issuer:
        issuer.answers = {"/keys": key_set(), "/moved": 302, "/elsewhere": key_set()}
        assert await signed(f"{issuer.url}/keys", clock).login(token(clock.now()))
        with pytest.raises(TokenTrouble, match="302"):
            await signed(f"{issuer.url}/moved", clock).login(token(clock.now()))


# Introspection


def asking(url: str, clock: FakeClock, **changes: Any) -> Tokens:
    options: dict[str, Any] = {"introspection": url, "client": "post:el", "secret": "s%cret"} | changes
    return open_tokens(TokenOptions(**options), InlineWorkers(), clock)


async def test_the_issuer_is_asked_once_a_minute() -> None:
    # RFC 7662 2.1; RFC 6749 2.3.1: both halves of the login are encoded first
    clock = FakeClock()
    with endpoint() as issuer:
        issuer.answers["opaque"] = {"active": True, "email": "ann@example.org"}
        tokens = asking(issuer.url, clock)
        for _ in range(3):
            assert await tokens.login("opaque") == "ann@example.org"
        login = base64.b64encode(b"post%3Ael:s%25cret").decode()
        assert issuer.asked == [(f"Basic {login}", "opaque")]
        issuer.answers["opaque"] = {"active": False}
        clock.advance(61)
        with pytest.raises(BadToken, match="not active"):
            await tokens.login("opaque")


async def test_a_remembered_answer_expires_with_its_token() -> None:
    clock = FakeClock()
    with endpoint() as issuer:
        issuer.answers["opaque"] = claims(clock.now(), exp=int(clock.now()) - 10) | {"active": True}
        tokens = asking(issuer.url, clock)
        assert await tokens.login("opaque")
        clock.advance(40)
        with pytest.raises(BadToken, match="expired"):
            await tokens.login("opaque")
        assert len(issuer.asked) == 1


async def test_what_is_asked_about_a_token_is_compared_where_it_is_configured() -> None:
    clock = FakeClock()
    with endpoint() as issuer:
        issuer.answers["opaque"] = {"active": True, "email": "ann@example.org", "aud": "shop"}
        with pytest.raises(BadToken, match="somebody else"):
            await asking(issuer.url, clock, audience=AUDIENCE).login("opaque")
        with pytest.raises(BadToken, match="another issuer"):
            await asking(issuer.url, clock, issuer=ISSUER).login("opaque")


@pytest.mark.parametrize("answer", [500, 401, 302, [], "yes", None])
async def test_an_endpoint_that_does_not_answer_is_trouble_of_ours(answer: Any) -> None:
    clock = FakeClock()
    with endpoint() as issuer:
        issuer.answers["opaque"] = answer
        with pytest.raises(TokenTrouble):
            await asking(issuer.url, clock).login("opaque")


async def test_active_means_true_and_nothing_like_it() -> None:
    clock = FakeClock()
    with endpoint() as issuer:
        issuer.answers["opaque"] = {"active": "true", "email": "ann@example.org"}
        with pytest.raises(BadToken):
            await asking(issuer.url, clock).login("opaque")


async def test_answers_are_remembered_in_bounded_number() -> None:
    clock = FakeClock()
    with endpoint() as issuer:
        tokens = asking(issuer.url, clock, remembered=2)
        for name in ("a", "b", "c", "c", "a"):
            with pytest.raises(BadToken):
                await tokens.login(name)
        assert [asked for _, asked in issuer.asked] == ["a", "b", "c", "a"]


# The directory


async def test_a_token_opens_its_account_and_no_other(tmp_path: Path) -> None:
    clock = FakeClock()
    options = TokenOptions(issuer=ISSUER, audience=AUDIENCE, keys=key_file(tmp_path))
    async with directory(clock=clock) as accounts:
        with pytest.raises(BadToken):
            await accounts.verify_token(token(clock.now()), HOME)
        await accounts.add(ANN, "correct horse")
        accounts.believe_tokens(options)
        login, found = await accounts.verify_token(token(clock.now()), HOME)
        assert login == "ann@example.org"
        assert isinstance(found, Account)
        assert found.mailbox == ANN
        stranger = token(clock.now(), email="nobody@example.org")
        assert await accounts.verify_token(stranger, HOME) == ("nobody@example.org", None)


async def test_guessing_tokens_counts(tmp_path: Path) -> None:
    clock = FakeClock()
    options = DirectoryOptions(passwords=CHEAP, throttle=ThrottleOptions(network_failures=3))
    async with directory(options, clock) as accounts:
        await accounts.add(ANN, "correct horse")
        accounts.believe_tokens(TokenOptions(issuer=ISSUER, audience=AUDIENCE, keys=key_file(tmp_path)))
        for _ in range(4):
            with pytest.raises(BadToken):
                await accounts.verify_token("guess", AWAY)
        _, found = await accounts.verify_token(token(clock.now()), AWAY)
        assert isinstance(found, Throttled)
        assert isinstance(await accounts.verify("ann@example.org", "correct horse", AWAY), Throttled)
        assert isinstance((await accounts.verify_token(token(clock.now()), HOME))[1], Account)
