"""gsasl and msmtp log in here by each mechanism that they know."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from example_org import Server, example_org
from letters import compose
from peer_programs import program, run, secret_file
from postel_process import PASSWORD

pytestmark = [pytest.mark.peer, pytest.mark.slow]

SECRET = "a horse of another colour"
NEED_SECRET = ("CRAM-MD5", "DIGEST-MD5")
ALL = ("SCRAM-SHA-256", "SCRAM-SHA-1", *NEED_SECRET, "PLAIN", "LOGIN")


@pytest.fixture(scope="module")
def all_offered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that offers every mechanism; Ann has a password and another secret."""
    names = ", ".join(f'"{name}"' for name in ALL)
    made = example_org(
        tmp_path_factory.mktemp("logins"),
        itertools.count(1),
        login=f'mechanisms = [{names}]\nplaintext = ["127.0.0.0/8"]',
    )
    with made.postel:
        for name in ("ann", "bob"):
            made.postel.add_account(f"{name}@example.org")
        made.postel.command(
            "account", "secret", "set", "ann@example.org", "--password-stdin", stdin=SECRET + "\n"
        )
        made.postel.start()
        yield made


def secret_for(mechanism: str) -> str:
    return SECRET if mechanism in NEED_SECRET else PASSWORD


def gsasl(server: Server, mechanism: str, password: str, status: int) -> str:
    """Without TLS: it says STARTTLS before EHLO, and takes the 503 for a yes."""
    return run(
        program("gsasl"), "--smtp", "--no-starttls", f"--mechanism={mechanism}",
        "--authentication-id=ann@example.org", "--authorization-id=ann@example.org", f"--password={password}",
        "--realm=mail.example.org", "--hostname=mail.example.org", "--quality-of-protection=qop-auth",
        f"--connect=127.0.0.1:{server.postel.port('submission')}", status=status,
    )  # fmt: skip


@pytest.mark.parametrize("mechanism", ALL)
def test_gsasl_logs_in_by_each_mechanism(all_offered: Server, mechanism: str) -> None:
    since = len(all_offered.postel.process.lines)
    said = gsasl(all_offered, mechanism, secret_for(mechanism), 0)
    assert "235 2.7.0" in said
    all_offered.postel.wait_for("login_ok", since=since, mechanism=mechanism, account="ann@example.org")


@pytest.mark.parametrize("mechanism", ALL)
def test_gsasl_with_a_wrong_password_hears_the_same_by_each_mechanism(
    all_offered: Server, mechanism: str
) -> None:
    since = len(all_offered.postel.process.lines)
    assert "535 5.7.8" in gsasl(all_offered, mechanism, "wrong", 1)
    all_offered.postel.wait_for("login_failed", since=since, mechanism=mechanism)


@pytest.mark.parametrize("mechanism", NEED_SECRET)
def test_the_password_is_not_the_secret(all_offered: Server, mechanism: str) -> None:
    assert "535 5.7.8" in gsasl(all_offered, mechanism, PASSWORD, 1)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "CRAM-MD5"])
def test_msmtp_submits_by_mechanisms_that_do_not_show_the_password(
    all_offered: Server, mechanism: str, tmp_path: Path
) -> None:
    postel, since = all_offered.postel, len(all_offered.postel.process.lines)
    settings = f"""
        account default
        host 127.0.0.1
        port {postel.port("submission")}
        auth {mechanism.lower()}
        user ann@example.org
        password "{secret_for(mechanism)}"
        tls on
        tls_trust_file {all_offered.authority}
        from ann@example.org
        """
    rc = secret_file(tmp_path / "msmtprc", settings)
    letter = compose("ann@example.org", "bob@example.org", f"by {mechanism}")
    run(program("msmtp"), f"--file={rc}", "bob@example.org", stdin=letter.replace(b"\r\n", b"\n"))
    postel.wait_for("login_ok", since=since, mechanism=mechanism)
    (found,) = postel.wait_for_letters(
        "bob@example.org", is_wanted=lambda one: f"by {mechanism}".encode() in one
    )
    assert b"with ESMTPSA" in b" ".join(found.split())


@pytest.mark.parametrize(("protocol", "starttls"), [("submission", "on"), ("submissions", "off")])
def test_msmtp_submits_with_a_certificate_and_no_password(
    protocol: str, starttls: str, tmp_path: Path
) -> None:
    people = trustme.CA()
    people.cert_pem.write_to_path(str(tmp_path / "people.pem"))
    own = tmp_path / "ann.pem"
    people.issue_cert("ann@example.org").private_key_and_cert_chain_pem.write_to_path(str(own))
    own.chmod(0o600)
    server = example_org(tmp_path, itertools.count(1), login='client_authorities = "people.pem"')
    with server.postel as postel:
        for name in ("ann", "bob"):
            postel.add_account(f"{name}@example.org")
        postel.start()
        settings = f"""
            account default
            host 127.0.0.1
            port {postel.port(protocol)}
            auth external
            user ann@example.org
            tls on
            tls_starttls {starttls}
            tls_trust_file {server.authority}
            tls_cert_file {own}
            tls_key_file {own}
            from ann@example.org
            """
        rc = secret_file(tmp_path / "msmtprc", settings)
        letter = compose("ann@example.org", "bob@example.org")
        run(program("msmtp"), f"--file={rc}", "bob@example.org", stdin=letter.replace(b"\r\n", b"\n"))
        postel.wait_for("login_ok", mechanism="EXTERNAL", account="ann@example.org")
        assert postel.letter("bob@example.org").endswith(letter)
