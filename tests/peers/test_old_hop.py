"""A Postfix that offers hardly anything: what Postel then does with mail that needs more."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from dns_peers import own_dns_server
from letters import BODY, body_of, compose, read
from loopback import own_address
from mail_peer import MailPeer, PeerPlan, running
from peer_programs import PATIENCE_S, eventually, need_root
from postel_process import PASSWORD, PostelProcess
from postfix_instance import PostfixInstance
from tls_kit import trusting

pytestmark = [pytest.mark.peer, pytest.mark.slow]

KEYWORDS = [
    "dsn",
    "smtputf8",
    "8bitmime",
    "chunking",
    "pipelining",
    "starttls",
    "etrn",
    "vrfy",
    "enhancedstatuscodes",
]
_CONFIG = """
hostname = "mail.drag.net"

[[domain]]
name = "drag.net"

[dns]
servers = ["{name_server}"]

[delivery]
allow_loopback = true
source = ["{source}"]

[queue]
retry = ["1s"]
"""


@dataclass(frozen=True)
class OldHop:
    postel: PostelProcess
    peer: MailPeer

    def submit(
        self, letter: bytes, sender: str, to: str, mail: tuple[str, ...] = (), rcpt: tuple[str, ...] = ()
    ) -> None:
        with smtplib.SMTP(self.postel.address, self.postel.port("submission"), timeout=PATIENCE_S) as client:
            client.starttls(context=trusting())
            client.login("frito@drag.net", PASSWORD)
            assert client.sendmail(sender, [to], letter, list(mail), list(rcpt)) == {}

    def letter(self, local_part: str) -> bytes:
        (found,) = eventually(lambda: self.peer.letters(local_part), f"a letter for {local_part}")
        return found.replace(b"\n", b"\r\n")

    def report_about(self, address: str) -> str:
        """The one report that frito has about this recipient."""
        (found,) = self.postel.wait_for_letters(
            "frito@drag.net", is_wanted=lambda letter: address.encode() in letter
        )
        return read(found).as_string()


@pytest.fixture(scope="module")
def old_hop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OldHop]:
    need_root("port 25 of loopback addresses")
    ours, theirs = own_address(port=25), own_address(port=25)
    zone = f"free.org. MX 10 pluto.free.org.\npluto.free.org. A {theirs}\n"
    with ExitStack() as stack:
        name_server = stack.enter_context(own_dns_server(zone, own_address(port=53), 53))
        plan = PeerPlan(
            hostname="pluto.free.org",
            address=theirs,
            name_server=name_server.host,
            domains=["free.org"],
            mailboxes=["kitt", "bob", "carol", "dora"],
            withheld=KEYWORDS,
            message_size=100_000,
        )
        peer = stack.enter_context(running(PostfixInstance, plan))
        config = _CONFIG.format(name_server=name_server, source=ours)
        folder = tmp_path_factory.mktemp("old-hop")
        postel = stack.enter_context(PostelProcess(folder, config, protocols=("submission", "pop3")))
        postel.add_account("frito@drag.net")
        postel.start()
        yield OldHop(postel, peer)


def test_a_plain_letter_goes_command_by_command(old_hop: OldHop) -> None:
    letter = compose("frito@drag.net", "kitt@free.org", body="plain\r\n.\r\n..\r\n").replace(b"8bit", b"7bit")
    old_hop.submit(letter, "frito@drag.net", "kitt@free.org")
    assert old_hop.letter("kitt").endswith(letter)


def test_without_dsn_the_sender_who_asked_hears_that_it_was_relayed(old_hop: OldHop) -> None:
    """RFC 3461 5.2.2: there is nobody further on who would report success."""
    letter = compose("frito@drag.net", "bob@free.org", body="plain\r\n").replace(b"8bit", b"7bit")
    old_hop.submit(letter, "frito@drag.net", "bob@free.org", ("ENVID=e1", "RET=HDRS"), ("NOTIFY=SUCCESS",))
    report = old_hop.report_about("bob@free.org")
    assert "Action: relayed" in report
    assert "Original-Envelope-Id: e1" in report


def test_eight_bits_are_converted_and_say_the_same(old_hop: OldHop) -> None:
    """RFC 6152 3."""
    letter = compose("frito@drag.net", "carol@free.org")
    old_hop.submit(letter, "frito@drag.net", "carol@free.org", ("BODY=8BITMIME",))
    found = old_hop.letter("carol")
    assert found.isascii()
    assert body_of(found) == BODY.replace("\r\n", "\n")


def test_a_letter_that_is_too_large_comes_back_without_being_sent(old_hop: OldHop) -> None:
    """RFC 1870 6.3."""
    letter = compose("frito@drag.net", "dora@free.org", body="y" * 70 + "\r\n" + ("x" * 70 + "\r\n") * 3000)
    old_hop.submit(letter.replace(b"8bit", b"7bit"), "frito@drag.net", "dora@free.org")
    report = old_hop.report_about("dora@free.org")
    assert "Action: failed" in report
    assert "5.3.4" in report
    assert "MAIL FROM" not in old_hop.peer.log()


def test_an_internationalised_address_comes_back(old_hop: OldHop) -> None:
    """RFC 6531 3.2: the next hop cannot have it."""
    letter = compose("frito@drag.net", "grüße@free.org", "Grüße")
    with smtplib.SMTP(
        old_hop.postel.address, old_hop.postel.port("submission"), timeout=PATIENCE_S
    ) as client:
        client.starttls(context=trusting())
        client.login("frito@drag.net", PASSWORD)
        client.sendmail("frito@drag.net", ["grüße@free.org"], letter, ["SMTPUTF8", "BODY=8BITMIME"])
    report = old_hop.report_about("5.6.7")
    assert "Action: failed" in report
