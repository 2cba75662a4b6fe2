"""OAuth tokens in the hands of real programs: curl and msmtp log in to Postel, and Postel to Postel."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from example_org import Server, example_org
from letters import compose
from peer_programs import program, run, secret_file
from postel_process import PostelProcess

from token_kit import AUDIENCE, ISSUER, key_file, token

pytestmark = [pytest.mark.peer, pytest.mark.slow]

OAUTH = f"""
[oauth]
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
keys = "keys.json"
"""
RELAY = """
hostname = "mail.drag.net"

[[domain]]
name = "drag.net"

[queue]
retry = ["1s"]

[delivery]
allow_loopback = true

[route."*"]
to = "smtp:[127.0.0.1]:{port}"
user = "{user}"
token = "token"
tls = "must"
"""


@pytest.fixture(scope="module")
def believing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("believing")
    key_file(folder)
    made = example_org(folder, itertools.count(1))
    with made.postel.config.open("a") as config:
        config.write(OAUTH)
    with made.postel:
        made.postel.start()
        yield made


def fresh(person: str) -> str:
    return token(time.time(), email=person)


def stale(person: str) -> str:
    return token(time.time() - 7200, email=person)


def curl(server: Server, url: str, person: str, bearer: str, *arguments: str | Path, status: int = 0) -> str:
    return run(
        program("curl"), "--silent", "--show-error", "--max-time", "60", "--ssl-reqd", "--cacert", server.authority,
        url, "--user", f"{person}:", "--oauth2-bearer", bearer, *arguments, status=status,
    )  # fmt: skip


def test_curl_submits_by_token_and_reads_by_token(believing: Server, tmp_path: Path) -> None:
    ann, bob = believing.person("ann"), believing.person("bob")
    letter = compose(ann, bob)
    (tmp_path / "letter").write_bytes(letter)
    smtp = f"smtp://127.0.0.1:{believing.postel.port('submission')}/client.example.net"
    mail = ("--mail-from", ann, "--mail-rcpt", bob, "--upload-file", tmp_path / "letter")
    curl(believing, smtp, ann, fresh(ann), *mail)
    [found] = believing.postel.wait_for_letters(bob)
    assert found.endswith(b"\r\n" + letter)
    believing.postel.wait_for("login_ok", account=ann, mechanism="OAUTHBEARER")
    pop3 = f"pop3://127.0.0.1:{believing.postel.port('pop3')}/"
    assert curl(believing, pop3, bob, fresh(bob)).split() == ["1", str(len(found))]
    login_denied = 67
    curl(believing, smtp, ann, stale(ann), *mail, status=login_denied)
    believing.postel.wait_for("login_failed", because="expired")


@pytest.mark.parametrize("mechanism", ["oauthbearer", "xoauth2"])
def test_msmtp_submits_by_token(believing: Server, tmp_path: Path, mechanism: str) -> None:
    ann, bob = believing.person("ann"), believing.person("bob")
    letter = compose(ann, bob)

    def settings(bearer: str) -> Path:
        text = f"""
            account default
            host 127.0.0.1
            port {believing.postel.port("submissions")}
            auth {mechanism}
            user {ann}
            password {bearer}
            tls on
            tls_starttls off
            tls_trust_file {believing.authority}
            from {ann}
            """
        return secret_file(tmp_path / bearer[-8:], text)

    run(program("msmtp"), f"--file={settings(fresh(ann))}", bob, stdin=letter.replace(b"\r\n", b"\n"))
    assert believing.postel.wait_for_letters(bob)
    no_permission = 77
    run(program("msmtp"), f"--file={settings(stale(ann))}", bob, stdin=letter, status=no_permission)


def test_postel_logs_in_by_a_token_that_is_renewed(believing: Server, tmp_path: Path) -> None:
    ann, bob = believing.person("ann"), believing.person("bob")
    config = RELAY.format(port=believing.postel.port("submission"), user=ann)
    (tmp_path / "token").write_text(stale(ann))
    with PostelProcess(tmp_path, config, protocols=("submission",)) as relay:
        relay.add_account("frito@drag.net")
        relay.start()
        relay.submit(compose("frito@drag.net", bob), "frito@drag.net", bob)
        relay.wait_for("login_refused", reply="535")
        (tmp_path / "new").write_text(fresh(ann))
        (tmp_path / "new").rename(tmp_path / "token")
        # The login is good, and its owner is not frito: the next hop says so.
        relay.wait_for("failed", recipient=bob, reply="553 5.7.1")
    believing.postel.wait_for("login_ok", account=ann, mechanism="OAUTHBEARER")
