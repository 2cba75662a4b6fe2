"""Dovecot as the store behind Postel: what is handed to it by LMTP, recipient by recipient."""

from __future__ import annotations

import base64
import hashlib
import imaplib
import poplib
import smtplib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from dovecot_instance import MECHANISMS, DovecotInstance, dovecot
from letters import compose, read
from loopback import own_address
from mail_peer import MailPeer, PeerPlan, running
from peer_programs import PATIENCE_S, eventually, need_root, public_folder
from postel_process import PostelProcess
from postfix_instance import PostfixInstance

from postel.proto import sasl

pytestmark = [pytest.mark.peer, pytest.mark.slow]

_CONFIG = """
hostname = "mail.drag.net"

[[domain]]
name = "drag.net"

[relay]
domains = ["store.example", "socket.example"]
networks = ["127.0.0.0/8"]

[route]
"store.example" = "lmtp:[{address}]:24"
"socket.example" = "lmtp:{socket}"

[queue]
retry = ["1s"]
"""


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PostelProcess, DovecotInstance]]:
    need_root("Dovecot on port 24")
    names = ("kitt", "bob", "carol", "dave", "grüße")
    people = {
        f"{name}@{domain}": "sesame" for name in names for domain in ("store.example", "socket.example")
    }
    with ExitStack() as stack:
        store = stack.enter_context(dovecot(own_address(port=24), people))
        config = _CONFIG.format(address=store.address, socket=f"unix:{store.lmtp}")
        folder = tmp_path_factory.mktemp("behind")
        postel = stack.enter_context(PostelProcess(folder, config, protocols=("smtp", "pop3")))
        postel.add_account("frito@drag.net")
        postel.start()
        yield postel, store


def send(postel: PostelProcess, letter: bytes, *recipients: str) -> None:
    with smtplib.SMTP(postel.address, postel.port("smtp"), timeout=PATIENCE_S) as client:
        assert client.sendmail("frito@drag.net", recipients, letter, mail_options=["BODY=8BITMIME"]) == {}


@pytest.mark.parametrize(("domain", "name"), [("store.example", "dave"), ("socket.example", "carol")])
def test_a_letter_arrives_whole_over_tcp_and_over_a_unix_socket(
    behind: tuple[PostelProcess, DovecotInstance], domain: str, name: str
) -> None:
    postel, store = behind
    letter = compose("frito@drag.net", f"{name}@{domain}")
    send(postel, letter, f"{name}@{domain}")
    (found,) = eventually(lambda: store.letters(name), "the letter is there")
    assert found.endswith(letter)
    assert "with LMTP" in " ".join(str(read(found)["Received"]).split())
    assert read(found)["Return-Path"] == "<frito@drag.net>"


def test_one_recipient_that_is_unknown_is_reported_and_the_other_has_the_letter(
    behind: tuple[PostelProcess, DovecotInstance],
) -> None:
    """RFC 2033 4.2: an answer for each."""
    postel, store = behind
    send(postel, compose("frito@drag.net", "bob@store.example"), "bob@store.example", "nobody@store.example")
    eventually(lambda: store.letters("bob"), "Bob has the letter")
    report = read(postel.letter("frito@drag.net"))
    assert report.get_content_type() == "multipart/report"
    assert "nobody@store.example" in report.as_string()
    assert "bob@store.example" not in str(report.get_payload(1))


def test_postel_debugs_a_store(behind: tuple[PostelProcess, DovecotInstance]) -> None:
    postel, store = behind
    said = postel.command(
        "debug",
        "smtp",
        f"unix:{store.lmtp}",
        "--lmtp",
        "--from",
        "<>",
        "--to",
        "kitt@store.example",
        "--tls",
        "never",
    )
    assert "C LHLO localhost" in said
    assert "S 250 2.1.5 OK" in said
    assert "nothing is sent" in said


def test_pop3_and_imap_give_what_was_delivered(
    behind: tuple[PostelProcess, DovecotInstance],
) -> None:
    """The kit's own proof: tests of reading compare Postel with this store."""
    postel, store = behind
    letter = compose("frito@drag.net", "kitt@socket.example", "for two readers")
    before = len(store.letters("kitt"))
    send(postel, letter, "kitt@socket.example")
    eventually(lambda: len(store.letters("kitt")) > before, "the letter is there")
    pop3 = poplib.POP3(store.address, 110, timeout=PATIENCE_S)
    pop3.user("kitt@socket.example")
    pop3.pass_("sesame")
    assert pop3.stat()[0] == before + 1
    pop3.quit()
    with imaplib.IMAP4(store.address, 143, timeout=PATIENCE_S) as imap:
        imap.login("kitt@socket.example", "sesame")
        assert imap.select()[1] == [str(before + 1).encode()]


# Postfix, whose logins Dovecot checks

_CLIENT = """
hostname = "mail.drag.net"

[[domain]]
name = "drag.net"

[delivery]
source = ["{source}"]

[queue]
retry = ["1s"]

[route."*"]
to = "smtp:[{address}]:25"
user = "postel@free.org"
password = "open sesame"
tls = "must"
"""
KNOWN_TO_BOTH = sorted({m.name.lower() for m in sasl.MECHANISMS} & set(MECHANISMS))


@contextmanager
def smarthost_with(
    tmp_path: Path, mechanisms: tuple[str, ...], password: str = "open sesame", scheme: str = "PLAIN"
) -> Iterator[tuple[PostelProcess, MailPeer]]:
    """A Postel that sends all mail to a Postfix, whose logins a Dovecot checks."""
    need_root("Postfix on port 25")
    with ExitStack() as stack:
        folder = stack.enter_context(public_folder("sasl"))
        people = {"postel@free.org": password}
        keeper = DovecotInstance(folder, own_address(port=24), people, mechanisms=mechanisms, scheme=scheme)
        stack.callback(keeper.stop)
        keeper.start()
        plan = PeerPlan(
            hostname="smart.example",
            address=own_address(port=25),
            name_server="127.0.0.1",
            domains=["free.org"],
            mailboxes=["kitt"],
            sasl=keeper.sasl,
        )
        smarthost = stack.enter_context(running(PostfixInstance, plan))
        config = _CLIENT.format(source=own_address(), address=plan.address)
        postel = stack.enter_context(PostelProcess(tmp_path, config, protocols=("submission",)))
        postel.add_account("frito@drag.net")
        postel.start()
        yield postel, smarthost


def assert_relays(postel: PostelProcess, smarthost: MailPeer, mechanism: str) -> None:
    letter = compose("frito@drag.net", "kitt@free.org")
    postel.submit(letter, "frito@drag.net", "kitt@free.org")
    (found,) = eventually(lambda: smarthost.letters("kitt"), "the letter is there")
    assert found.replace(b"\n", b"\r\n").endswith(letter)
    wanted = f"sasl_method={mechanism.upper()}, sasl_username=postel@free.org"
    eventually(lambda: wanted in smarthost.log(), wanted)


@pytest.mark.parametrize("mechanism", KNOWN_TO_BOTH)
def test_postel_logs_in_at_a_postfix_by_each_mechanism_that_both_know(mechanism: str, tmp_path: Path) -> None:
    with smarthost_with(tmp_path, (mechanism,)) as (postel, smarthost):
        assert_relays(postel, smarthost, mechanism)


def test_of_several_mechanisms_the_strongest_is_taken(tmp_path: Path) -> None:
    with smarthost_with(tmp_path, ("login", "plain", "cram-md5", "scram-sha-1")) as (postel, smarthost):
        assert_relays(postel, smarthost, "SCRAM-SHA-1")


def test_where_the_host_keeps_hashes_only_plain_is_taken_after_all(tmp_path: Path) -> None:
    """It offers SCRAM, has nothing stored for it, and says 535."""
    hashed = base64.b64encode(hashlib.sha256(b"open sesame").digest()).decode()
    offered = ("scram-sha-256", "cram-md5", "plain")
    with smarthost_with(tmp_path, offered, hashed, "SHA256") as (postel, smarthost):
        assert_relays(postel, smarthost, "PLAIN")
        assert "SASL SCRAM-SHA-256 authentication failed" in smarthost.log()
        assert "SASL CRAM-MD5 authentication failed" not in smarthost.log()
