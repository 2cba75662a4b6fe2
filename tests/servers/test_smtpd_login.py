"""Logging in over SMTP: where it is offered, what is told to whom, and what a login is good for."""

import base64
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from smtp_world import (
    HELLO,
    LOGIN,
    PASSWORD,
    PLAIN_ANN,
    SECURE_HELLO,
    SMTP,
    STARTTLS,
    SUBMISSION,
    SUBMISSIONS,
    TLS_HELLO,
    world,
)

from postel.net import ConnectionLost

LOOPBACK = replace(SUBMISSION, plaintext_login=(ip_network("192.0.2.0/24"),))
PLAIN_HELLO = "S 220 ...\n" + SECURE_HELLO


def plain(authcid: str, password: str, authzid: str = "") -> str:
    return base64.b64encode(f"{authzid}\0{authcid}\0{password}".encode()).decode()


async def test_a_login_is_offered_only_under_tls() -> None:
    async with world(SUBMISSION, tls=True) as w:
        await w.play(
            HELLO.replace("S 250-DSN", "S 250-STARTTLS\nS 250-DSN")
            + f"""
            C AUTH PLAIN {PLAIN_ANN}
            S 538 5.7.11 ...
            C STARTTLS
            S 220 2.0.0 ...
            ...TLS
            """
            + TLS_HELLO
            + LOGIN
        )
        assert w.log.only("login_ok")["mechanism"] == "PLAIN"
        assert str(w.log.only("login_ok")["account"]) == "ann@example.org"


async def test_networks_that_are_trusted_may_log_in_in_plaintext() -> None:
    async with world(LOOPBACK) as w:
        await w.play(PLAIN_HELLO + LOGIN)


async def test_port_25_offers_no_login_unless_told_to() -> None:
    async with world(SMTP, tls=True) as w:
        await w.play(STARTTLS.replace("S 250-AUTH ...\n", ""))
    async with world(replace(SMTP, offers_login=True), tls=True) as w:
        await w.play(
            STARTTLS
            + LOGIN
            + "C MAIL FROM:<ann@example.org>\nS 250 ...\nC RCPT TO:<k@free.example>\nS 250 ..."
        )


async def test_the_mechanism_login_asks_twice() -> None:
    name, password = (base64.b64encode(t.encode()).decode() for t in ("ANN@example.org", PASSWORD))
    async with world(LOOPBACK) as w:
        await w.play(
            PLAIN_HELLO
            + f"""
            C AUTH LOGIN
            S 334 VXNlcm5hbWU6
            C {name}
            S 334 UGFzc3dvcmQ6
            C {password}
            S 235 2.7.0 ...
            C AUTH LOGIN
            S 503 5.5.1 ...
            """
        )


async def test_unknown_accounts_and_wrong_passwords_are_told_alike() -> None:
    async with world(LOOPBACK) as w:
        await w.play(
            PLAIN_HELLO
            + f"""
            C AUTH PLAIN {plain("ann@example.org", "wrong")}
            S $code $status Authentication credentials invalid
            C AUTH PLAIN {plain("nobody@example.org", PASSWORD)}
            S $code $status Authentication credentials invalid
            C AUTH PLAIN {plain("ann@example.org", PASSWORD, "bob@example.org")}
            S $code $status Authentication credentials invalid
            C AUTH PLAIN {plain("ann@example.org", PASSWORD, "Ann@Example.org")}
            S 235 2.7.0 ...
            """
        )
        reasons = [fields["because"] for fields in w.log["login_failed"]]
        assert len(reasons) == 3
        assert all(str(fields["reply"]).startswith("535 5.7.8") for fields in w.log["login_failed"])
        assert all(PASSWORD not in str(fields) for _, fields in w.log.seen)


async def test_a_broken_response_is_no_login() -> None:
    async with world(LOOPBACK) as w:
        await w.play(
            PLAIN_HELLO
            + """
            C AUTH PLAIN AAAAAAA=
            S 501 5.5.2 ...
            C AUTH PLAIN
            S 334 ...
            C *
            S 501 5.7.0 ...
            C AUTH LOGIN
            S 334 ...
            C =
            S 501 5.5.2 ...
            C AUTH CRAM-MD5
            S 504 5.5.4 ...
            """
        )


async def test_whoever_guesses_too_often_is_told_to_come_later_even_with_the_right_password() -> None:
    async with world(LOOPBACK) as w:
        guess = "C AUTH PLAIN {}\nS 535 5.7.8 ...\n"
        for n in range(6):
            two = "".join(guess.format(plain("ann@example.org", f"guess {n} {m}")) for m in range(2))
            try:
                await w.play(PLAIN_HELLO + two)
            except AssertionError:
                break
        await w.play(PLAIN_HELLO + f"C AUTH PLAIN {PLAIN_ANN}\nS 454 4.7.0 ...")
        assert w.log["login_failed"][-1]["because"] == "too many failures from 192.0.2.9"


async def test_mail_needs_a_login() -> None:
    async with world(LOOPBACK) as w:
        await w.play(
            PLAIN_HELLO
            + """
            C MAIL FROM:<ann@example.org>
            S 530 5.7.0 ...
            C VRFY ann
            S 530 5.7.0 ...
            """
        )


async def test_a_network_that_may_relay_still_logs_in_to_submission() -> None:
    async with world(LOOPBACK, relay_networks=(ip_network("192.0.2.0/24"),)) as w:
        await w.play(PLAIN_HELLO + "C MAIL FROM:<ann@example.org>\nS 530 5.7.0 ...")


async def test_tls_forgets_what_was_said_before() -> None:
    options = replace(LOOPBACK, plaintext_login=(ip_network("192.0.2.0/24"),))
    async with world(options, tls=True) as w:
        await w.play(
            PLAIN_HELLO.replace("S 250-AUTH", "S 250-STARTTLS\nS 250-AUTH")
            + LOGIN
            + """
            C STARTTLS
            S 220 ...
            ...TLS
            C MAIL FROM:<ann@example.org>
            S 530 5.7.0 ...
            """
        )


async def test_tls_forgets_a_login_on_port_25_too() -> None:
    options = replace(SMTP, offers_login=True, plaintext_login=(ip_network("192.0.2.0/24"),))
    async with world(options, tls=True) as w:
        await w.play(
            PLAIN_HELLO.replace("S 250-AUTH", "S 250-STARTTLS\nS 250-AUTH")
            + LOGIN
            + "C STARTTLS\nS 220 ...\n...TLS\n"
            + TLS_HELLO
            + "C MAIL FROM:<kitt@free.example>\nS 250 ...\nC RCPT TO:<k@free.example>\nS 550 5.7.1 ..."
        )


async def test_a_hook_has_its_say_before_a_login_counts(tmp_path: Path) -> None:
    text = """
async def auth(facts: Auth) -> Verdict | None:
    if str(facts.client.ip) == "192.0.2.9" and facts.mechanism == "PLAIN":
        return refuse("535 5.7.1 Not from there", because="elsewhere")
"""
    async with world(LOOPBACK, hooks=text, folder=tmp_path) as w:
        await w.play(
            PLAIN_HELLO + f"C AUTH PLAIN {PLAIN_ANN}\nS 535 5.7.1 Not from there\nC MAIL FROM:<>\nS 530 ..."
        )
        assert w.log.only("login_failed")["because"] == "elsewhere"


async def test_submissions_begins_with_tls() -> None:
    async with world(SUBMISSIONS, tls=True) as w:
        stream = await w.dial_tls()
        await w.play("S 220 ...\n" + TLS_HELLO + LOGIN, stream=stream)
        assert w.log.only("session_opened")["tls"].startswith("TLSv1.")


async def test_who_cannot_speak_tls_is_gone_without_a_word() -> None:
    async with world(SUBMISSIONS, tls=True) as w:
        stream = await w.dial()
        await stream.write(b"EHLO client.example.net\r\n")
        with suppress(ConnectionLost):
            assert b"220" not in await stream.read(100)
        assert len(w.log["tls_failed"]) == 1


async def test_an_implicit_tls_service_needs_a_certificate() -> None:
    with pytest.raises(ValueError, match="needs a certificate"):
        async with world(SUBMISSIONS):
            pass
