"""Every mechanism of passwords over SMTP: our client's exchange against the real session and directory."""

from __future__ import annotations

import base64
from dataclasses import replace
from ipaddress import ip_network

import pytest
from smtp_world import PASSWORD, SUBMISSION, SUBMISSIONS, World, world

from postel.mail import parse_mailbox
from postel.net import Stream
from postel.proto.sasl import ClientExchange, Credentials, SaltPassword, find_mechanism, salted
from postel.tls import server_end_point

ALL = (
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "DIGEST-MD5",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
)
EVERYTHING = replace(SUBMISSIONS, mechanisms=ALL)
LOOPBACK = replace(SUBMISSION, mechanisms=ALL, plaintext_login=(ip_network("192.0.2.0/24"),))


async def line(stream: Stream) -> str:
    text = b""
    while not text.endswith(b"\r\n"):
        text += await stream.read(30)
    return text.decode()


async def log_in(stream: Stream, name: str, who: str, password: str) -> str:
    """The reply that ends the exchange."""
    mechanism = find_mechanism(name)
    assert mechanism is not None
    own = stream.tls.peer_certificate if stream.tls and mechanism.binds else None
    binding = server_end_point(own) if own else None
    exchange = ClientExchange(
        mechanism, Credentials(who, password, nonce="n0nce", binding=binding, host="mx.example.org")
    )
    initial = exchange.start()
    said = f"AUTH {name}" + (f" {base64.b64encode(initial).decode()}" if initial is not None else "")
    await stream.write(said.encode() + b"\r\n")
    while (reply := await line(stream)).startswith("334"):
        step = exchange.respond(base64.b64decode(reply[4:]))
        if isinstance(step, SaltPassword):
            step = exchange.take_key(salted(step.hash_name, step.password, step.salt, step.iterations))
        assert isinstance(step, bytes)
        await stream.write(base64.b64encode(step) + b"\r\n")
    if reply.startswith("235"):
        exchange.finish()
    return reply


async def begin(w: World, *, tls: bool = True) -> Stream:
    stream = await (w.dial_tls() if tls else w.dial())
    await line(stream)
    await stream.write(b"EHLO client.example.net\r\n")
    await line(stream)
    return stream


@pytest.mark.parametrize("name", ALL)
async def test_every_mechanism_logs_in(name: str) -> None:
    async with world(EVERYTHING, tls=True) as w:
        await w.parts.directory.set_shared_secret(parse_mailbox("ann@example.org"), PASSWORD)
        assert (await log_in(await begin(w), name, "ann@example.org", PASSWORD)).startswith("235 2.7.0")
        assert w.log.only("login_ok")["mechanism"] == name


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("PLAIN", "LOGIN")])
async def test_who_is_unknown_and_who_is_wrong_are_answered_alike(name: str) -> None:
    async with world(EVERYTHING, tls=True) as w:
        await w.parts.directory.set_shared_secret(parse_mailbox("ann@example.org"), PASSWORD)
        stream = await begin(w)
        wrong = await log_in(stream, name, "ann@example.org", "wrong")
        assert wrong == await log_in(stream, name, "nobody@example.org", PASSWORD)
        assert wrong == "535 5.7.8 Authentication credentials invalid\r\n"
        assert [fields["mechanism"] for fields in w.log["login_failed"]] == [name, name]


async def test_an_account_without_a_secret_is_let_in_by_no_mechanism_that_wants_one() -> None:
    async with world(EVERYTHING, tls=True) as w:
        stream = await begin(w)
        for name in ("CRAM-MD5", "DIGEST-MD5"):
            assert (await log_in(stream, name, "ann@example.org", PASSWORD)).startswith("535 5.7.8")


async def test_nothing_is_bound_to_where_there_is_no_tls() -> None:
    async with world(LOOPBACK) as w:
        stream = await begin(w, tls=False)
        assert (await log_in(stream, "SCRAM-SHA-256", "ann@example.org", PASSWORD)).startswith("235")
        assert w.log.only("login_ok")["tls"] is None
        stream = await begin(w, tls=False)
        await stream.write(b"AUTH SCRAM-SHA-256-PLUS\r\n")
        assert (await line(stream)).startswith("504 5.5.4")


async def test_guesses_count_whatever_the_mechanism() -> None:
    async with world(EVERYTHING, tls=True) as w:
        for number in range(11):
            await log_in(await begin(w), ALL[number % 6], "bob@example.org", f"guess {number}")
        for name in ("SCRAM-SHA-256", "CRAM-MD5", "PLAIN"):
            reply = await log_in(await begin(w), name, "bob@example.org", PASSWORD)
            assert reply.startswith("454 4.7.0")


async def test_a_client_that_was_kept_from_binding_is_refused() -> None:
    # RFC 5802 6: it says "y", though -PLUS was offered
    async with world(EVERYTHING, tls=True) as w:
        stream = await begin(w)
        await stream.write(b"AUTH SCRAM-SHA-256 " + base64.b64encode(b"y,,n=ann@example.org,r=abc") + b"\r\n")
        assert (await line(stream)).startswith("535 5.7.8")
        assert "tampered" in str(w.log.only("login_failed")["because"])
