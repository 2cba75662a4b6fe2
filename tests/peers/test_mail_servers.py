"""Postfix and Exim as Postel's neighbours: as the middle server of the journey, as senders, as receivers."""

from __future__ import annotations

import re
import smtplib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest
from dns_peers import own_dns_server, unbound
from exim_instance import EximInstance
from letters import BODY, compose, read
from loopback import own_address
from mail_peer import MailPeer, MakePeer, PeerPlan, running
from peer_programs import PATIENCE_S, eventually, need_root
from postel_process import PASSWORD, PostelProcess
from postfix_instance import PostfixInstance
from tls_kit import trusting

from postel.testing.journey import (
    FRITO,
    KITT,
    LETTER,
    ORIGIN,
    PLUTO,
    RELAY,
    RULES,
    ZONE,
    check_arrival,
)

pytestmark = [pytest.mark.peer, pytest.mark.slow]

PEERS: dict[str, MakePeer] = {"postfix": PostfixInstance, "exim": EximInstance}


def addresses_of(*hosts: str) -> dict[str, str]:
    need_root("port 25 of loopback addresses")
    return {host: own_address(port=25) for host in hosts}


def records(addresses: dict[str, str]) -> str:
    return "".join(f"{host}. A {address}\n" for host, address in addresses.items())


def out_there(hostname: str, rules: str, address: str, name_server: object) -> str:
    """The configuration of a Postel that reaches other hosts on port 25 of loopback."""
    return f"""
hostname = "{hostname}"

{rules}
[dns]
servers = ["{name_server}"]

[delivery]
allow_loopback = true
source = ["{address}"]

[queue]
retry = ["1s"]
concurrency = 3
"""


# The journey


@pytest.mark.parametrize("kind", PEERS)
def test_the_letter_takes_the_way_round_through_the_middle_server(kind: str, tmp_path: Path) -> None:
    at = addresses_of(ORIGIN, RELAY, PLUTO, "ns")
    zone = ZONE + records(at)
    with ExitStack() as stack:
        if kind == "postfix":
            name_server = stack.enter_context(unbound(tmp_path / "unbound", zone, own_address(port=53), 53))
        else:
            name_server = stack.enter_context(own_dns_server(zone, own_address(port=53), 53))
        plan = PeerPlan(
            hostname=RELAY, address=at[RELAY], name_server=name_server.host, relay_domains=["free.org"]
        )
        relay = stack.enter_context(running(PEERS[kind], plan))
        origin, pluto = (
            PostelProcess(
                tmp_path / name,
                out_there(name, RULES[name], at[name], name_server),
                address=at[name],
                protocols=("smtp", "submission", "pop3"),
                smtp_port=25,
            )
            for name in (ORIGIN, PLUTO)
        )
        stack.enter_context(origin)
        stack.enter_context(pluto)
        origin.add_account(FRITO)
        pluto.add_account(KITT)

        origin.start()
        origin.submit(LETTER, FRITO, KITT)
        relayed = origin.wait_for("relayed", recipient=KITT)
        assert relayed["remote"] == RELAY
        eventually(lambda: "refused" in relay.log(), "the middle server has found nobody at pluto")
        assert relay.waiting() == 1

        pluto.start()
        relay.flush()
        letters = pluto.wait_for_letters(KITT)
        assert check_arrival(letters).faults == ()
        assert eventually(lambda: relay.waiting() == 0, "the middle server has nothing left")


# Two neighbours: drag.net is Postel's, free.org is the peer's


@dataclass(frozen=True)
class Neighbours:
    postel: PostelProcess
    peer: MailPeer

    def peer_sends(self, letter: bytes, sender: str, *recipients: str) -> None:
        """A program on the peer's side hands it a letter."""
        with smtplib.SMTP(self.peer.plan.address, 25, timeout=PATIENCE_S) as client:
            assert client.sendmail(sender, recipients, letter, mail_options=["BODY=8BITMIME"]) == {}

    def peer_letters(self, local_part: str, count: int = 1) -> list[bytes]:
        """So many letters in a mailbox of the peer's, their lines ending in CRLF again."""
        eventually(lambda: len(self.peer.letters(local_part)) >= count, f"{count} letters for {local_part}")
        letters = [letter.replace(b"\n", b"\r\n") for letter in self.peer.letters(local_part)]
        assert len(letters) == count
        return letters


GREYLISTING = """\
from postel.hooks import Rcpt, Verdict, defer

seen = set()


async def rcpt(facts: Rcpt) -> Verdict | None:
    if facts.mailbox.local_part.text != "careful" or str(facts.reverse_path) in seen:
        return None
    seen.add(str(facts.reverse_path))
    return defer("451 4.7.1 come back later", because="never seen before")
"""


@pytest.fixture(scope="module", params=PEERS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    at = addresses_of(ORIGIN, PLUTO)
    zone = "drag.net. MX 10 mail.drag.net.\nfree.org. MX 10 pluto.free.org.\n" + records(at)
    folder = tmp_path_factory.mktemp("neighbours")
    (folder / "greylisting.py").write_text(GREYLISTING)
    rules = """
[[domain]]
name = "drag.net"
aliases = { gone = ["nobody@free.org"], all = ["frito", "bob@free.org"], careful = ["frito"] }

[limits]
message_size = "5 MB"

[hooks]
files = ["greylisting.py"]
"""
    with ExitStack() as stack:
        name_server = stack.enter_context(own_dns_server(zone, own_address(port=53), 53))
        plan = PeerPlan(
            hostname=PLUTO,
            address=at[PLUTO],
            name_server=name_server.host,
            domains=["free.org"],
            mailboxes=[
                "kitt",
                "bob",
                "carol",
                "dora",
                "emil",
                "fay",
                "lena",
                "mona",
                "nils",
                "olga",
                "rosa",
                "sina",
                "tina",
            ],
        )
        peer = stack.enter_context(running(PEERS[request.param], plan))
        config = out_there(ORIGIN, rules, at[ORIGIN], name_server)
        postel = stack.enter_context(PostelProcess(folder, config, address=at[ORIGIN], smtp_port=25))
        for name in ("frito", "gina", "hugo", "iris", "jens", "large", "grüße", "paul", "quinn", "rolf"):
            postel.add_account(f"{name}@drag.net")
        postel.start()
        yield Neighbours(postel, peer)


@pytest.fixture
def neighbours(pair: Neighbours) -> Iterator[Neighbours]:
    """The pair; what both have logged is shown with a test that fails."""
    heard, said = len(pair.peer.log()), len(pair.postel.process.lines)
    yield pair
    print(pair.peer.log()[heard:])
    print("\n".join(pair.postel.process.lines[said:]))


def test_a_letter_from_the_peer_arrives_whole_and_over_tls(neighbours: Neighbours) -> None:
    letter = compose("kitt@free.org", "gina@drag.net")
    neighbours.peer_sends(letter, "kitt@free.org", "gina@drag.net")
    found = neighbours.postel.letter("gina@drag.net")
    assert found.endswith(letter)
    ours, theirs = read(found).get_all("Received")
    assert re.search(r"from pluto\.free\.org .* by mail\.drag\.net with ESMTPS\s.*TLSv1\.3", ours, re.DOTALL)
    assert "by pluto.free.org" in theirs
    assert read(found)["Return-Path"] == "<kitt@free.org>"


def test_a_letter_to_the_peer_arrives_whole_and_over_tls(neighbours: Neighbours) -> None:
    letter = compose("frito@drag.net", "bob@free.org")
    neighbours.postel.submit(letter, "frito@drag.net", "bob@free.org")
    (found,) = neighbours.peer_letters("bob")
    assert found.endswith(letter)
    theirs, ours = read(found).get_all("Received")
    assert re.search(
        r"from .*mail\.drag\.net.*\sby pluto\.free\.org .*with esmtps", theirs, re.DOTALL | re.IGNORECASE
    )
    assert "by mail.drag.net" in ours
    assert read(found)["Return-Path"] == "<frito@drag.net>"


def test_the_peer_is_told_which_of_several_recipients_is_refused_and_reports_it(
    neighbours: Neighbours,
) -> None:
    """Its report has a null reverse path, and comes to a mailbox of Postel's."""
    letter = compose("hugo@drag.net", "iris@drag.net")
    neighbours.peer_sends(letter, "hugo@drag.net", "iris@drag.net", "nobody@drag.net", "jens@drag.net")
    for person in ("iris@drag.net", "jens@drag.net"):
        assert neighbours.postel.letter(person).endswith(letter)
    report = read(neighbours.postel.letter("hugo@drag.net"))
    assert report["Return-Path"] == "<>"
    assert failed_recipient(report) == "nobody@drag.net"
    assert "5.1.1" in report.as_string()


def test_postel_reports_which_of_several_recipients_the_peer_refused(neighbours: Neighbours) -> None:
    letter = compose("frito@drag.net", "carol@free.org")
    neighbours.postel.submit(letter, "frito@drag.net", "carol@free.org", "nobody@free.org", "dora@free.org")
    for person in ("carol", "dora"):
        assert neighbours.peer_letters(person)[0].endswith(letter)
    letters = neighbours.postel.wait_for_letters(
        "frito@drag.net", is_wanted=lambda found: b"nobody@free.org" in found
    )
    report = read(letters[0])
    assert report["Return-Path"] == "<>"
    assert report.get_content_type() == "multipart/report"
    assert failed_recipient(report) == "nobody@free.org"
    facts = report.as_string()
    assert re.search(r"^Remote-MTA: *dns; *pluto\.free\.org", facts, re.MULTILINE | re.IGNORECASE)
    assert re.search(r"^Diagnostic-Code: *smtp; *550", facts, re.MULTILINE | re.IGNORECASE)


def test_a_report_of_postels_is_delivered_by_the_peer(neighbours: Neighbours) -> None:
    """Postel takes a letter for an alias whose member turns out not to exist, so it owes a report abroad."""
    neighbours.peer_sends(compose("emil@free.org", "gone@drag.net"), "emil@free.org", "gone@drag.net")
    report = read(neighbours.peer_letters("emil")[0])
    assert report["Return-Path"] == "<>"
    assert report.get_content_type() == "multipart/report"
    assert failed_recipient(report) in ("nobody@free.org", "gone@drag.net")


def test_postel_comes_back_when_the_peer_says_later(neighbours: Neighbours) -> None:
    postel, peer = neighbours.postel, neighbours.peer
    peer.defer("fay")
    postel.submit(compose("frito@drag.net", "fay@free.org"), "frito@drag.net", "fay@free.org")
    delayed = postel.wait_for("delayed", recipient="fay@free.org")
    assert delayed["reply"].startswith("45")
    assert "come back later" in delayed["reply"]
    assert peer.letters("fay") == []
    peer.admit()
    assert neighbours.peer_letters("fay")[0].endswith(compose("frito@drag.net", "fay@free.org"))


def test_the_peer_comes_back_when_postel_says_later(neighbours: Neighbours) -> None:
    letter = compose("kitt@free.org", "careful@drag.net")
    neighbours.peer_sends(letter, "kitt@free.org", "careful@drag.net")
    neighbours.postel.wait_for("mail_refused", recipient="careful@drag.net")

    def look() -> list[bytes]:
        neighbours.peer.flush()  # Postfix may have met its own lock on the message, and then takes its time
        return [found for found in neighbours.postel.letters("frito@drag.net") if found.endswith(letter)]

    assert len(eventually(look, "the letter is there")) == 1


def test_what_waited_for_the_peer_goes_over_few_connections_once_it_is_back(neighbours: Neighbours) -> None:
    postel, peer = neighbours.postel, neighbours.peer
    peer.stop()
    since = len(postel.process.lines)
    letters = [compose("frito@drag.net", "lena@free.org", f"number {number}") for number in range(30)]
    for letter in letters:
        postel.submit(letter, "frito@drag.net", "lena@free.org")
    postel.wait_for("lane_down", since=since, lane="free.org")
    peer.start()
    found = neighbours.peer_letters("lena", len(letters))
    postel.wait_for("lane_up", since=since, lane="free.org")
    assert {read(letter)["Subject"] for letter in found} == {f"number {number}" for number in range(30)}
    assert all(letter.endswith(BODY.encode()) for letter in found)
    sessions = [event for event in postel.events[since:] if event["event"] == "hop_ready"]
    assert len(sessions) <= 6, "three at a time, and hardly any that ends before the work does"


def test_a_large_letter_goes_both_ways(neighbours: Neighbours) -> None:
    body = "." * 99 + "\r\n" + ("y" * 98 + "\r\n") * 20_000
    there = compose("frito@drag.net", "mona@free.org", body=body)
    neighbours.postel.submit(there, "frito@drag.net", "mona@free.org")
    back = compose("mona@free.org", "large@drag.net", body=body)
    neighbours.peer_sends(back, "mona@free.org", "large@drag.net")
    assert neighbours.peer_letters("mona")[0].endswith(there)
    assert neighbours.postel.letter("large@drag.net").endswith(back)


def test_internationalised_mail_goes_both_ways(neighbours: Neighbours) -> None:
    """RFC 6531: both sides offer SMTPUTF8, so the address and the header stay as they are."""
    there = compose("grüße@drag.net", "nils@free.org", "Grüße in UTF-8")
    with smtplib.SMTP(neighbours.postel.address, neighbours.postel.port("submission")) as client:
        client.starttls(context=trusting())
        client.ehlo()
        login = f"\0grüße@drag.net\0{PASSWORD}"  # smtplib itself knows ASCII names only
        assert client.docmd("AUTH", "PLAIN " + b64encode(login.encode()).decode())[0] == 235
        client.sendmail(
            "grüße@drag.net", ["nils@free.org"], there, mail_options=["SMTPUTF8", "BODY=8BITMIME"]
        )
    found = neighbours.peer_letters("nils")[0]
    assert found.endswith(there)
    assert "<grüße@drag.net>".encode() in found.partition(b"\r\n")[0]

    back = compose("nils@free.org", "grüße@drag.net", "Grüße zurück")
    with smtplib.SMTP(neighbours.peer.plan.address, 25, timeout=PATIENCE_S) as client:
        client.sendmail("nils@free.org", ["grüße@drag.net"], back, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    assert neighbours.postel.letter("grüße@drag.net").endswith(back)


def test_the_peer_reports_success_to_a_sender_of_postels(neighbours: Neighbours) -> None:
    """NOTIFY and ENVID go on to the next hop, which has the last word (RFC 3461 5.2.1)."""
    letter = compose("paul@drag.net", "olga@free.org")
    with smtplib.SMTP(neighbours.postel.address, neighbours.postel.port("submission")) as client:
        client.starttls(context=trusting())
        client.login("paul@drag.net", PASSWORD)
        client.sendmail(
            "paul@drag.net", ["olga@free.org"], letter,
            ["ENVID=letter-1", "RET=HDRS", "BODY=8BITMIME"], ["NOTIFY=SUCCESS", "ORCPT=rfc822;olga@free.org"],
        )  # fmt: skip
    assert neighbours.peer_letters("olga")[0].endswith(letter)
    report = read(neighbours.postel.letter("paul@drag.net"))
    message, recipient = status_of(report)
    assert message["Original-Envelope-Id"] == "letter-1"
    assert recipient["Action"] == "delivered"
    assert recipient["Final-Recipient"].endswith("olga@free.org")
    assert BODY.splitlines()[0] not in report.as_string(), "only the header was to come back"


def test_postel_reports_success_to_a_sender_of_the_peers(neighbours: Neighbours) -> None:
    letter = compose("rosa@free.org", "quinn@drag.net")
    with smtplib.SMTP(neighbours.peer.plan.address, 25, timeout=PATIENCE_S) as client:
        client.sendmail(
            "rosa@free.org", ["quinn@drag.net"], letter, ["ENVID=c+3Dd", "BODY=8BITMIME"], ["NOTIFY=SUCCESS"]
        )
    assert neighbours.postel.letter("quinn@drag.net").endswith(letter)
    report = read(neighbours.peer_letters("rosa")[0])
    message, recipient = status_of(report)
    assert message["Reporting-MTA"].endswith("mail.drag.net")
    assert message["Original-Envelope-Id"] == "c=d"
    assert recipient["Action"] == "delivered"
    assert recipient["Final-Recipient"].endswith("quinn@drag.net")


def test_the_peer_reports_a_letter_that_is_larger_than_postel_says_it_takes(neighbours: Neighbours) -> None:
    """RFC 1870 6.3: it knows before it has sent anything."""
    since = len(neighbours.postel.process.lines)
    letter = compose("sina@free.org", "frito@drag.net", "much too large", body=("z" * 98 + "\r\n") * 60_000)
    neighbours.peer_sends(letter, "sina@free.org", "frito@drag.net")
    report = read(neighbours.peer_letters("sina")[0])
    assert failed_recipient(report) == "frito@drag.net"
    # Lines of an earlier letter may come late.
    accepted = [event for event in neighbours.postel.events[since:] if event["event"] == "message_accepted"]
    assert "<sina@free.org>" not in [event["reverse_path"] for event in accepted]


def test_nobody_is_told_who_did_not_want_to_be(neighbours: Neighbours) -> None:
    """RFC 3461 4.1: NOTIFY=NEVER, from the peer's program to a mailbox that Postel turns out not to have, and back."""
    peer, postel = neighbours.peer, neighbours.postel
    there = compose("rolf@drag.net", "nobody@free.org", "into the void")
    with smtplib.SMTP(postel.address, postel.port("submission")) as client:
        client.starttls(context=trusting())
        client.login("rolf@drag.net", PASSWORD)
        since = len(postel.process.lines)
        client.sendmail("rolf@drag.net", ["nobody@free.org"], there, ["BODY=8BITMIME"], ["NOTIFY=NEVER"])
    postel.wait_for("failed", since=since, recipient="nobody@free.org")
    since = len(postel.process.lines)
    back = compose("tina@free.org", "gone@drag.net", "into the void too")
    with smtplib.SMTP(peer.plan.address, 25, timeout=PATIENCE_S) as client:
        client.sendmail("tina@free.org", ["gone@drag.net"], back, ["BODY=8BITMIME"], ["NOTIFY=NEVER"])
    postel.wait_for("failed", since=since, recipient="nobody@free.org")
    eventually(lambda: postel.queue() == [], "the queue is empty")
    assert postel.letters("rolf@drag.net") == []
    assert peer.letters("tina") == []


def status_of(report: EmailMessage) -> list[EmailMessage]:
    """The machine-readable part of a report: about the message, then about each recipient (RFC 3464 2.1)."""
    (status,) = (part for part in report.walk() if part.get_content_type() == "message/delivery-status")
    return [block for block in status.get_payload() if block.keys()]


def failed_recipient(report: EmailMessage) -> str:
    """The one recipient that a report is about."""
    _, recipient = status_of(report)
    assert recipient["Action"] == "failed"
    return str(recipient["Final-Recipient"]).partition(";")[2].strip()
