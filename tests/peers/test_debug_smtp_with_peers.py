"""`postel debug smtp` with Postfix, Exim and our own server: nothing of theirs is called a fault that is none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from example_org import Server
from exim_instance import EximInstance
from loopback import own_address
from mail_peer import MailPeer, MakePeer, PeerPlan, running
from peer_programs import eventually, need_root, run
from postel_process import PASSWORD, POSTEL
from postfix_instance import PostfixInstance

from postel.testing.transcript import parse_transcript

pytestmark = [pytest.mark.peer, pytest.mark.slow]

PEERS: dict[str, MakePeer] = {"postfix": PostfixInstance, "exim": EximInstance}
LETTER = ("--from", "ann@example.net", "--to", "kitt@free.org")


@pytest.fixture(scope="module", params=PEERS)
def peer(request: pytest.FixtureRequest) -> Iterator[MailPeer]:
    need_root("port 25")
    plan = PeerPlan(
        hostname="pluto.free.org",
        address=own_address(port=25),
        name_server="127.0.0.1",
        domains=["free.org"],
        mailboxes=["kitt"],
    )
    with running(PEERS[request.param], plan) as made:
        yield made


def debug(place: str, *arguments: str, status: int = 0, stdin: str = "") -> str:
    return run(POSTEL, "debug", "smtp", place, *arguments, status=status, stdin=stdin.encode())


def complaints(said: str) -> list[str]:
    """But for those about certificates, and about the one keyword that Exim has invented."""
    found = [line.strip()[2:] for line in said.splitlines() if line.startswith("            ! ")]
    return [line for line in found if "certificate" not in line and "PIPECONNECT" not in line]


def test_a_peer_is_questioned_under_tls_and_without_fault(peer: MailPeer) -> None:
    before = len(peer.letters("kitt"))
    said = debug(peer.plan.address, *LETTER, "--say", "NOOP", "--say", "RSET")
    assert "version:         TLSv1.3" in said
    assert "nothing is sent" in said
    assert complaints(said) == []
    assert len(peer.letters("kitt")) == before


@pytest.mark.parametrize("way", [(), ("--bdat",)], ids=["DATA", "BDAT"])
def test_a_letter_is_sent_when_we_are_told_to(peer: MailPeer, way: tuple[str, ...], tmp_path: Path) -> None:
    before = len(peer.letters("kitt"))
    record = tmp_path / "record.txt"
    said = debug(peer.plan.address, *LETTER, "--body", "Hello,\n.\nKitt!", "--record", str(record), *way)
    assert complaints(said) == []
    eventually(lambda: len(peer.letters("kitt")) > before, "the letter is there")
    assert b"Hello,\n.\nKitt!\n" in peer.letters("kitt")[-1].replace(b"\r\n", b"\n")
    assert parse_transcript("record", record.read_text()).steps


def test_our_own_server_is_without_fault_and_takes_a_login(server: Server, ann: str, bob: str) -> None:
    said = debug(
        f"127.0.0.1:{server.postel.port('submission')}", "--tls", "verified", "--ca-file", str(server.authority),
        "--login", ann, "--password-stdin", "--from", ann, "--to", bob, "--body", "Hello", "--say", "HELP",
        stdin=PASSWORD + "\n",
    )  # fmt: skip
    assert complaints(said) == []
    assert "verified:        yes" in said
    assert PASSWORD not in said
    assert b"Hello" in server.postel.letter(bob)


def test_a_certificate_that_cannot_be_trusted_ends_a_session_that_wants_it_verified(server: Server) -> None:
    said = debug(
        f"127.0.0.1:{server.postel.port('submissions')}", "--tls", "implicit", "--tls-name", "other.example"
    )
    assert "the certificate is not for other.example (RFC 7817 3)" in said
    said = debug(f"127.0.0.1:{server.postel.port('smtp')}", "--tls", "verified", *LETTER, status=1)
    assert "TLS could not be started" in said
    assert "C MAIL" not in said
