"""OAUTHBEARER and XOAUTH2 over SMTP and POP3: a token of the issuer against the real session and directory."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pop3_world
import pytest
from smtp_world import PLAIN_ANN, SUBMISSION, SUBMISSIONS, world

from postel.directory import Directory, TokenOptions
from postel.net import Stream
from postel.proto.sasl import DEFAULT_MECHANISMS
from postel.servers import TOKEN_MECHANISMS
from token_kit import AUDIENCE, ISSUER, endpoint, key_file, token

BELIEVING = replace(SUBMISSIONS, mechanisms=("PLAIN", *TOKEN_MECHANISMS))
REFUSED = "535 5.7.8 Authentication credentials invalid"
CHALLENGES = {
    "OAUTHBEARER": base64.b64encode(b'{"status":"invalid_token"}').decode(),
    "XOAUTH2": base64.b64encode(b'{"status":"401","schemes":"bearer","scope":""}').decode(),
}
LAST_WORDS = {"OAUTHBEARER": "AQ==", "XOAUTH2": ""}


def believe(accounts: Directory, folder: Path) -> None:
    accounts.believe_tokens(TokenOptions(issuer=ISSUER, audience=AUDIENCE, keys=key_file(folder)))


def said(mechanism: str, bearer: str, name: str = "ann@example.org") -> str:
    head = {"OAUTHBEARER": f"n,a={name},\x01host=mx.example.org\x01port=465", "XOAUTH2": f"user={name}"}
    return base64.b64encode(f"{head[mechanism]}\x01auth=Bearer {bearer}\x01\x01".encode()).decode()


async def exchange(stream: Stream, *lines: str) -> str:
    """Say EHLO and these lines, one after the other; the last reply."""
    reply = b""
    for line in ("EHLO client.example.net", *lines):
        await stream.write(line.encode() + b"\r\n")
        reply = await stream.read()
    return reply.decode().rstrip()


async def greeted(stream: Stream) -> Stream:
    await stream.read()
    return stream


@pytest.mark.parametrize("mechanism", TOKEN_MECHANISMS)
async def test_a_token_logs_in_to_submission(tmp_path: Path, mechanism: str) -> None:
    async with world(BELIEVING, tls=True) as w:
        believe(w.parts.directory, tmp_path)
        bearer = token(w.parts.clock.now())
        stream = await greeted(await w.dial_tls())
        assert (await exchange(stream, f"AUTH {mechanism} {said(mechanism, bearer)}")).startswith("235 2.7.0")
        assert w.log.only("login_ok")["mechanism"] == mechanism
        assert str(w.log.only("login_ok")["account"]) == "ann@example.org"


@pytest.mark.parametrize("mechanism", TOKEN_MECHANISMS)
async def test_a_refusal_is_said_in_a_challenge_first(tmp_path: Path, mechanism: str) -> None:
    # RFC 7628 3.2.2, 3.2.3
    async with world(BELIEVING, tls=True) as w:
        believe(w.parts.directory, tmp_path)
        stale = token(w.parts.clock.now() - 3600)
        stream = await greeted(await w.dial_tls())
        line = f"AUTH {mechanism} {said(mechanism, stale)}"
        assert await exchange(stream, line) == f"334 {CHALLENGES[mechanism]}"
        await stream.write(LAST_WORDS[mechanism].encode() + b"\r\n")
        assert (await stream.read()).decode().rstrip() == REFUSED
        assert "expired" in str(w.log.only("login_failed")["because"])
        assert stale not in repr(w.log.seen)


@pytest.mark.parametrize("mechanism", TOKEN_MECHANISMS)
@pytest.mark.parametrize(
    ("name", "email"),
    [("bob@example.org", "ann@example.org"), ("eve@example.org", "eve@example.org")],
    ids=["somebody else", "nobody"],
)
async def test_a_token_is_for_its_own_account(tmp_path: Path, mechanism: str, name: str, email: str) -> None:
    async with world(BELIEVING, tls=True) as w:
        believe(w.parts.directory, tmp_path)
        bearer = token(w.parts.clock.now(), email=email)
        stream = await greeted(await w.dial_tls())
        line = f"AUTH {mechanism} {said(mechanism, bearer, name)}"
        assert await exchange(stream, line, LAST_WORDS[mechanism]) == REFUSED


async def test_guessed_tokens_are_slowed_down_as_guessed_passwords_are(tmp_path: Path) -> None:
    async with world(BELIEVING, tls=True) as w:
        believe(w.parts.directory, tmp_path)
        for number in range(40):
            line = f"AUTH OAUTHBEARER {said('OAUTHBEARER', f'guess{number}')}"
            reply = await exchange(await greeted(await w.dial_tls()), line, "AQ==")
            if reply != REFUSED:
                break
        stream = await greeted(await w.dial_tls())
        assert (await exchange(stream, f"AUTH PLAIN {PLAIN_ANN}")).startswith("454 4.7.0")


async def test_an_issuer_that_does_not_answer_is_no_refusal() -> None:
    async with world(BELIEVING, tls=True) as w:
        with endpoint() as issuer:
            issuer.answers["opaque"] = 503
            w.parts.directory.believe_tokens(TokenOptions(introspection=issuer.url))
            stream = await greeted(await w.dial_tls())
            reply = await exchange(stream, f"AUTH OAUTHBEARER {said('OAUTHBEARER', 'opaque')}")
            assert reply.startswith("454 4.7.0")
            assert "503" in str(w.log.only("login_failed")["because"])


async def test_an_issuer_is_asked_about_tokens_that_say_nothing() -> None:
    async with world(BELIEVING, tls=True) as w:
        with endpoint() as issuer:
            issuer.answers["opaque"] = {"active": True, "email": "Ann@Example.ORG"}
            w.parts.directory.believe_tokens(TokenOptions(introspection=issuer.url))
            stream = await greeted(await w.dial_tls())
            assert (await exchange(stream, f"AUTH XOAUTH2 {said('XOAUTH2', 'opaque')}")).startswith("235")


async def test_tokens_are_not_spoken_of_unasked_nor_where_others_listen() -> None:
    async with world(SUBMISSIONS, tls=True) as w:
        hello = await exchange(await greeted(await w.dial_tls()))
        assert "250-AUTH " in hello
        assert "OAUTH" not in hello
    async with world(replace(SUBMISSION, mechanisms=BELIEVING.mechanisms), tls=True) as w:
        assert "OAUTH" not in await exchange(await greeted(await w.dial()))
    assert set(TOKEN_MECHANISMS) <= set(DEFAULT_MECHANISMS)


@pytest.mark.parametrize("mechanism", TOKEN_MECHANISMS)
async def test_a_token_opens_a_maildrop(tmp_path: Path, mechanism: str) -> None:
    async with pop3_world.world(pop3_world.trusting(mechanisms=TOKEN_MECHANISMS)) as w:
        believe(w.parts.directory, tmp_path)
        now = w.clock.now()
        good = said(mechanism, token(now, email="kitt@example.org"), "kitt@example.org")
        stale = said(mechanism, token(now - 3600, email="kitt@example.org"), "kitt@example.org")
        # RFC 5034 4: what does not fit into a line of 255 octets comes after an empty challenge
        await w.play(f"""
            S +OK ...
            C AUTH {mechanism}
            S + ...
            C {stale}
            S + {CHALLENGES[mechanism]}
            C {LAST_WORDS[mechanism]}
            S -ERR ...
            C AUTH {mechanism}
            S + ...
            C {good}
            S +OK ...
            C QUIT
            S +OK ...""")
