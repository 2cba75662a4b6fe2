"""A Postfix that takes 7 bits only: what Postel converts for it is what was sent."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import ExitStack
from email.message import EmailMessage

import pytest
from dns_peers import own_dns_server
from letters import BODY, body_of, compose, read
from loopback import own_address
from mail_peer import MailPeer, PeerPlan, running
from peer_programs import eventually, need_root
from postel_process import PASSWORD, PostelProcess
from postfix_instance import PostfixInstance
from tls_kit import trusting

pytestmark = [pytest.mark.peer, pytest.mark.slow]

LACKS = ["8bitmime", "smtputf8", "chunking", "dsn"]
ORIGIN, PLUTO = "mail.drag.net", "pluto.free.org"
CONFIG = """
hostname = "{hostname}"
[[domain]]
name = "drag.net"
[dns]
servers = ["{name_server}"]
[delivery]
allow_loopback = true
source = ["{address}"]
[queue]
retry = ["1s"]
"""


class Pair:
    def __init__(self, postel: PostelProcess, peer: MailPeer) -> None:
        self.postel = postel
        self.peer = peer

    def letter(self, local_part: str) -> bytes:
        """The one letter in a mailbox of the peer's."""
        eventually(lambda: self.peer.letters(local_part), f"a letter for {local_part}")
        (letter,) = self.peer.letters(local_part)
        return letter


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    need_root("port 25 of loopback addresses")
    ours, theirs = own_address(port=25), own_address(port=25)
    zone = f"free.org. MX 10 {PLUTO}.\n{PLUTO}. A {theirs}\n{ORIGIN}. A {ours}\n"
    with ExitStack() as stack:
        name_server = stack.enter_context(own_dns_server(zone, own_address(port=53), 53))
        plan = PeerPlan(
            hostname=PLUTO,
            address=theirs,
            name_server=name_server.host,
            domains=["free.org"],
            mailboxes=["text", "picture", "subject", "nobody"],
            withheld=LACKS,
        )
        peer = stack.enter_context(running(PostfixInstance, plan))
        config = CONFIG.format(hostname=ORIGIN, name_server=name_server, address=ours)
        folder = tmp_path_factory.mktemp("conversion")
        postel = stack.enter_context(PostelProcess(folder, config, address=ours, smtp_port=25))
        postel.add_account("frito@drag.net")
        postel.start()
        yield Pair(postel, peer)


def test_text_in_eight_bits_arrives_quoted(pair: Pair) -> None:
    pair.postel.submit(compose("frito@drag.net", "text@free.org"), "frito@drag.net", "text@free.org")
    found = pair.letter("text")
    assert found.isascii()
    assert body_of(found) == BODY.replace("\r\n", "\n")
    assert read(found)["Content-Transfer-Encoding"] == "quoted-printable"
    assert str(read(found)["X-MIME-Autoconverted"]).startswith("from 8bit to 7bit by mail.drag.net id ")
    converted = pair.postel.wait_for("message_converted", remote=PLUTO)
    assert (converted["needed"], converted["domain"]) == ("8bit", "7bit")


def test_only_the_parts_that_need_it_are_encoded(pair: Pair) -> None:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "frito@drag.net", "picture@free.org", "two parts"
    letter.set_content("Привет, мир!\n" * 30, cte="8bit")
    letter.add_attachment(bytes(range(256)) * 40, maintype="image", subtype="png", filename="x.png")
    sent = letter.as_bytes().replace(b"\n", b"\r\n")
    pair.postel.submit(sent, "frito@drag.net", "picture@free.org")
    found = pair.letter("picture")
    assert found.isascii()
    assert body_of(found) == "Привет, мир!\n" * 30
    (picture,) = read(found).iter_attachments()
    assert picture.get_content() == bytes(range(256)) * 40
    untouched = sent.replace(b"\r\n", b"\n").rpartition(b"Content-Type: image/png")[2].rpartition(b"\n--")[0]
    assert untouched in found


def test_a_subject_in_utf8_arrives_though_the_peer_knows_ascii_only(pair: Pair) -> None:
    letter = compose("frito@drag.net", "subject@free.org", "Koeln")  # its Message-ID is made of it
    letter = letter.replace(b"Subject: Koeln", "Subject: Grüße aus Köln".encode())
    with smtplib.SMTP(pair.postel.address, pair.postel.port("submission")) as client:
        client.starttls(context=trusting())
        client.login("frito@drag.net", PASSWORD)
        options = ["SMTPUTF8", "BODY=8BITMIME"]
        assert client.sendmail("frito@drag.net", "subject@free.org", letter, mail_options=options) == {}
    found = pair.letter("subject")
    assert found.isascii()
    assert read(found)["Subject"] == "Grüße aus Köln"
    assert body_of(found) == BODY.replace("\r\n", "\n")


def test_what_is_signed_is_returned(pair: Pair) -> None:
    signed = compose("frito@drag.net", "nobody@free.org").replace(
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
        b"Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
    )
    signed += b"--x\r\nContent-Type: application/pgp-signature\r\n\r\nxxx\r\n--x--\r\n"
    pair.postel.submit(signed, "frito@drag.net", "nobody@free.org")
    (report,) = pair.postel.wait_for_letters("frito@drag.net", is_wanted=lambda found: b"5.6.3" in found)
    assert read(report).get_content_type() == "multipart/report"
    assert pair.peer.letters("nobody") == []
