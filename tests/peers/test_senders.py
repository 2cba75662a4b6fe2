"""Mail programs send through Postel: what they send is read back whole."""

from __future__ import annotations

import re
import smtplib
import ssl
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

import pytest
from example_org import Server
from letters import BODY, body_of, compose, read
from peer_programs import PATIENCE_S, program, run, secret_file
from postel_process import PASSWORD

pytestmark = [pytest.mark.peer, pytest.mark.slow]

STRANGER = "stranger@example.net"


# swaks


def letter_file(folder: Path, letter: bytes) -> str:
    """What swaks reads; it ends the last line itself."""
    (folder / "letter").write_bytes(letter.removesuffix(b"\r\n"))
    return f"@{folder}/letter"


def swaks(server: Server, protocol: str, *arguments: str | Path, status: int = 0) -> str:
    return run(
        program("swaks"), "--server", "127.0.0.1", "--port", str(server.postel.port(protocol)),
        "--ehlo", "client.example.net", "--timeout", "60s", *arguments, status=status,
    )  # fmt: skip


def test_swaks_sends_from_outside_in_the_clear(server: Server, bob: str, tmp_path: Path) -> None:
    letter = compose(STRANGER, bob)
    swaks(server, "smtp", "--from", STRANGER, "--to", bob, "--data", letter_file(tmp_path, letter))
    assert_arrived(server, bob, letter, "ESMTP")


def test_swaks_sends_from_outside_with_starttls_and_pipelining(
    server: Server, bob: str, tmp_path: Path
) -> None:
    letter = compose(STRANGER, bob)
    said = swaks(
        server, "smtp", "--tls", "--tls-verify", "--tls-ca-path", server.authority, "--pipeline",
        "--from", STRANGER, "--to", bob, "--data", letter_file(tmp_path, letter),
    )  # fmt: skip
    assert re.search(r"~> MAIL FROM.*\n ~> RCPT TO.*\n ~> DATA", said), "the group goes out at once"
    assert_arrived(server, bob, letter, "ESMTPS")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(("protocol", "tls"), [("submission", "--tls"), ("submissions", "--tls-on-connect")])
def test_swaks_submits_with_a_login(
    server: Server, ann: str, bob: str, tmp_path: Path, protocol: str, tls: str, mechanism: str
) -> None:
    letter = compose(ann, bob)
    swaks(
        server, protocol, tls, "--auth", mechanism, "--auth-user", ann, "--auth-password", PASSWORD,
        "--from", ann, "--to", bob, "--data", letter_file(tmp_path, letter),
    )  # fmt: skip
    assert_arrived(server, bob, letter, "ESMTPSA")


def test_swaks_with_a_wrong_password_is_refused(server: Server, ann: str, bob: str) -> None:
    said = swaks(
        server, "submission", "--tls", "--auth", "PLAIN", "--auth-user", ann, "--auth-password", "wrong",
        "--from", ann, "--to", bob, status=28,
    )  # fmt: skip
    assert "<~* 535 5.7.8 " in said


def test_swaks_without_a_login_may_not_submit(server: Server, ann: str, bob: str) -> None:
    said = swaks(server, "submission", "--tls", "--from", ann, "--to", bob, status=23)
    assert "<~* 530 5.7.0 " in said


def test_swaks_may_not_log_in_without_tls(server: Server, ann: str, bob: str) -> None:
    said = swaks(
        server, "submission", "--auth", "PLAIN", "--auth-user", ann, "--auth-password", PASSWORD,
        "--from", ann, "--to", bob, status=28,
    )  # fmt: skip
    assert "250-AUTH" not in said


def test_swaks_may_not_relay(server: Server) -> None:
    said = swaks(server, "smtp", "--from", STRANGER, "--to", "victim@example.com", status=24)
    assert "<** 550 5.7.1 " in said


def test_swaks_hears_at_once_that_nobody_is_there(server: Server) -> None:
    said = swaks(server, "smtp", "--from", STRANGER, "--to", "nobody@example.org", status=24)
    assert "<** 550 5.1.1 " in said


def test_swaks_hears_which_of_its_pipelined_recipients_are_refused(
    server: Server, bob: str, tmp_path: Path
) -> None:
    letter = compose(STRANGER, bob)
    said = swaks(
        server, "smtp", "--pipeline", "--from", STRANGER, "--to", f"nobody@example.org,{bob},victim@example.com",
        "--data", letter_file(tmp_path, letter),
    )  # fmt: skip
    assert said.count("<** 550") == 2
    assert_arrived(server, bob, letter, "ESMTP")


# curl


@pytest.mark.parametrize(("protocol", "scheme"), [("submission", "smtp"), ("submissions", "smtps")])
def test_curl_submits(server: Server, ann: str, bob: str, tmp_path: Path, protocol: str, scheme: str) -> None:
    letter = compose(ann, bob)
    (tmp_path / "letter").write_bytes(letter)
    run(
        program("curl"), "--silent", "--show-error", "--max-time", "60", "--ssl-reqd", "--cacert", server.authority,
        f"{scheme}://127.0.0.1:{server.postel.port(protocol)}/client.example.net", "--user", f"{ann}:{PASSWORD}",
        "--mail-from", ann, "--mail-rcpt", bob, "--upload-file", tmp_path / "letter",
    )  # fmt: skip
    assert_arrived(server, bob, letter, "ESMTPSA")


def test_curl_with_a_wrong_password_is_refused(server: Server, ann: str, bob: str) -> None:
    login_denied = 67
    run(
        program("curl"), "--silent", "--max-time", "60", "--ssl-reqd", "--insecure",
        f"smtp://127.0.0.1:{server.postel.port('submission')}", "--user", f"{ann}:wrong",
        "--mail-from", ann, "--mail-rcpt", bob, "--upload-file", "-", stdin=compose(ann, bob), status=login_denied,
    )  # fmt: skip


# msmtp


@pytest.mark.parametrize(("protocol", "starttls"), [("submission", "on"), ("submissions", "off")])
def test_msmtp_submits(
    server: Server, ann: str, bob: str, tmp_path: Path, protocol: str, starttls: str
) -> None:
    letter = compose(ann, bob)
    settings = f"""
        account default
        host 127.0.0.1
        port {server.postel.port(protocol)}
        domain client.example.net
        auth on
        user {ann}
        password {PASSWORD}
        tls on
        tls_starttls {starttls}
        tls_trust_file {server.authority}
        from {ann}
        """
    settings_file = secret_file(tmp_path / "msmtprc", settings)
    run(program("msmtp"), f"--file={settings_file}", bob, stdin=letter.replace(b"\r\n", b"\n"))
    assert_arrived(server, bob, letter, "ESMTPSA")


def test_msmtp_asks_for_a_report_of_success(server: Server, ann: str, bob: str, tmp_path: Path) -> None:
    settings = f"""
        account default
        host 127.0.0.1
        port {server.postel.port("submissions")}
        auth plain
        user {ann}
        password {PASSWORD}
        tls on
        tls_starttls off
        tls_trust_file {server.authority}
        from {ann}
        dsn_notify success,failure
        dsn_return headers
        """
    letter = compose(ann, bob)
    run(program("msmtp"), f"--file={secret_file(tmp_path / 'msmtprc', settings)}", bob, stdin=letter)
    assert_arrived(server, bob, letter, "ESMTPSA")
    report = read(server.postel.letter(ann))
    assert report.get_content_type() == "multipart/report"
    assert re.search(rf"Final-Recipient: rfc822;{bob}\s+Action: delivered", report.as_string())


# Mail programs that compose the letter themselves


def test_mutt_submits(server: Server, ann: str, bob: str, tmp_path: Path) -> None:
    settings = f"""
        set smtp_url="smtp://{quote(ann)}@127.0.0.1:{server.postel.port("submission")}/"
        set smtp_pass="{PASSWORD}"
        set ssl_starttls=yes ssl_force_tls=yes ssl_ca_certificates_file="{server.authority}"
        set from="{ann}" realname="Ann Ærø" use_from=yes use_envelope_from=yes
        set copy=no record="" hostname="client.example.net" charset="utf-8" send_charset="utf-8"
        """
    rc = secret_file(tmp_path / "muttrc", settings)
    (tmp_path / "attached.bin").write_bytes(bytes(range(256)))
    run(
        program("mutt"), "-n", "-F", rc, "-s", "Grüße", "-a", tmp_path / "attached.bin", "--", bob,
        stdin=BODY.replace("\r\n", "\n").encode(), environment={"HOME": str(tmp_path), "TERM": "dumb"},
    )  # fmt: skip
    letter = server.postel.letter(bob)
    assert read(letter)["Subject"] == "Grüße"
    assert read(letter)["From"].addresses[0].display_name == "Ann Ærø"
    assert body_of(letter) == BODY.replace("\r\n", "\n")
    assert next(read(letter).iter_attachments()).get_content() == bytes(range(256))


def test_s_nail_submits(server: Server, ann: str, bob: str, tmp_path: Path) -> None:
    # It looks for host names in certificates only, not for addresses.
    url = f"submission://{quote(ann)}:{quote(PASSWORD)}@localhost:{server.postel.port('submission')}"
    settings = {
        "v15-compat": "yes",
        "mta": url,
        "smtp-auth": "plain",
        "tls-ca-file": server.authority,
        "tls-verify": "strict",
        "hostname": "client.example.net",
        "from": ann,
        "DEAD": tmp_path / "dead",
        "ttycharset": "utf-8",
        "sendcharsets": "utf-8",
    }
    options = [f"-S{name}={value}" for name, value in settings.items()] + [
        "-Ssmtp-use-starttls",
        "-Ssendwait",
    ]
    run(
        program("s-nail"), "-:/", *options, "-s", "Grüße", bob,
        stdin=BODY.replace("\r\n", "\n").encode(), environment={"HOME": str(tmp_path), "MAILRC": "/dev/null"},
    )  # fmt: skip
    letter = server.postel.letter(bob)
    assert read(letter)["Subject"] == "Grüße"
    assert body_of(letter) == BODY.replace("\r\n", "\n")


# Python's library


def verifying(server: Server) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.authority))


def test_smtplib_submits_8bit_and_utf8_addresses_to_several(server: Server, ann: str, bob: str) -> None:
    carol = server.person("carol")
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = ann, f"{bob}, {carol}", "Über alles"
    message.set_content("Grüße\n.\n", cte="8bit")
    with smtplib.SMTP("127.0.0.1", server.postel.port("submission"), timeout=PATIENCE_S) as client:
        client.starttls(context=verifying(server))
        client.login(ann, PASSWORD)
        assert client.has_extn("SMTPUTF8")
        assert client.has_extn("8BITMIME")
        assert client.send_message(message) == {}
    for person in (bob, carol):
        letter = server.postel.letter(person)
        assert body_of(letter) == "Grüße\n.\n"
        assert read(letter)["Message-ID"], "RFC 6409 8.3: it was missing"


def test_smtplib_reaches_a_mailbox_with_an_internationalised_name(server: Server, ann: str) -> None:
    person = server.person("grüße")
    letter = compose(ann, person, "utf-8 in the envelope")
    with smtplib.SMTP_SSL(
        "127.0.0.1", server.postel.port("submissions"), context=verifying(server), timeout=PATIENCE_S
    ) as client:
        client.login(ann, PASSWORD)
        client.sendmail(ann, [person], letter, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    found = server.postel.letter(person)
    assert found.endswith(letter)
    assert protocol_of(found) == "UTF8SMTPSA"


def test_smtplib_sends_many_letters_in_one_session(server: Server, bob: str) -> None:
    letters = [compose(STRANGER, bob, f"number {number}") for number in range(30)]
    with smtplib.SMTP("127.0.0.1", server.postel.port("smtp"), timeout=PATIENCE_S) as client:
        for letter in letters:
            assert client.sendmail(STRANGER, [bob], letter) == {}
    found = server.postel.wait_for_letters(bob, len(letters))
    assert sorted(read(letter)["Subject"] for letter in found) == sorted(f"number {n}" for n in range(30))
    assert all(letter.endswith(BODY.encode()) for letter in found)


def test_smtplib_sends_ten_million_octets(server: Server, bob: str) -> None:
    letter = compose(STRANGER, bob, body="." * 99 + "\r\n" + ("y" * 98 + "\r\n") * 100_000)
    with smtplib.SMTP("127.0.0.1", server.postel.port("smtp"), timeout=PATIENCE_S) as client:
        client.sendmail(STRANGER, [bob], letter)
    assert server.postel.letter(bob).endswith(letter)


def assert_arrived(server: Server, person: str, letter: bytes, protocol: str) -> None:
    """The one letter that this person has is this one, behind our trace fields."""
    found = server.postel.letter(person)
    assert found.endswith(b"\r\n" + letter)
    ours = found.removesuffix(letter)
    assert ours.startswith(b"Return-Path: <")
    assert ours.count(b"Received: ") == 1
    assert protocol_of(found) == protocol


def protocol_of(letter: bytes) -> str:
    """By which our trace field says that it came."""
    words = str(read(letter)["Received"]).split()
    return words[words.index("with") + 1]
