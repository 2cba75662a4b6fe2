"""CHUNKING, PRDR and LMTP between Postel and Exim, Postfix: that they are used, and that what was sent arrives."""

from __future__ import annotations

import smtplib
from contextlib import ExitStack
from pathlib import Path

import pytest
from dns_peers import own_dns_server
from exim_instance import EximInstance
from letters import compose, read
from loopback import own_address
from mail_peer import PeerPlan, running
from peer_programs import PATIENCE_S, eventually, need_root
from postel_process import PostelProcess
from postfix_instance import PostfixInstance

pytestmark = [pytest.mark.peer, pytest.mark.slow]

NOT_FOR_PICKY = """\
from postel.hooks import Content, Verdict, refuse


async def content(facts: Content) -> Verdict | None:
    if any(str(mailbox) == "picky@drag.net" for mailbox in facts.recipients):
        return refuse("550 5.7.1 not this for me")
    return None
"""
CONFIG = """
hostname = "mail.drag.net"

[[domain]]
name = "drag.net"

[dns]
servers = ["{name_server}"]

[delivery]
allow_loopback = true
source = ["{address}"]

[queue]
retry = ["1s"]

[hooks]
files = ["picky.py"]
"""


def test_exim_and_postel_tell_each_other_who_does_not_want_the_content(tmp_path: Path) -> None:
    """PRDR, and content by BDAT, in both directions."""
    need_root("port 25 of loopback addresses")
    ours, theirs = own_address(port=25), own_address(port=25)
    zone = (
        "drag.net. MX 10 mail.drag.net.\nfree.org. MX 10 pluto.free.org.\n"
        f"mail.drag.net. A {ours}\npluto.free.org. A {theirs}\n"
    )
    (tmp_path / "picky.py").write_text(NOT_FOR_PICKY)
    with ExitStack() as stack:
        name_server = stack.enter_context(own_dns_server(zone, own_address(port=53), 53))
        plan = PeerPlan(
            hostname="pluto.free.org",
            address=theirs,
            name_server=name_server.host,
            domains=["free.org"],
            mailboxes=["kitt", "bob", "picky"],
        )
        exim = stack.enter_context(running(EximInstance, plan))
        config = CONFIG.format(name_server=name_server, address=ours)
        postel = stack.enter_context(PostelProcess(tmp_path, config, address=ours, smtp_port=25))
        for name in ("frito", "gina", "picky"):
            postel.add_account(f"{name}@drag.net")
        postel.start()

        there = compose("frito@drag.net", "bob@free.org")
        postel.submit(there, "frito@drag.net", "bob@free.org", "picky@free.org")
        (found,) = eventually(lambda: exim.letters("bob"), "Bob has the letter")
        assert found.replace(b"\n", b"\r\n").endswith(there)
        report = read(postel.letter("frito@drag.net"))
        assert "not this for me" in report.as_string() and "picky@free.org" in report.as_string()
        assert "bob@free.org" not in report.get_payload(1).as_string()  # type: ignore[union-attr]
        arrived = eventually(
            lambda: [line for line in exim.log().splitlines() if " <= frito@" in line], "logged"
        )
        assert " PRDR" in arrived[0] and " K " in arrived[0]

        back = compose("kitt@free.org", "gina@drag.net")
        with smtplib.SMTP(theirs, 25, timeout=PATIENCE_S) as client:
            assert client.sendmail("kitt@free.org", ["gina@drag.net", "picky@drag.net"], back) == {}
        assert postel.letter("gina@drag.net").endswith(back)
        report = read(eventually(lambda: exim.letters("kitt"), "Kitt is told")[0])
        assert "picky@drag.net" in report.as_string() and "not this for me" in report.as_string()
        sent = eventually(lambda: [line for line in exim.log().splitlines() if "=> gina@" in line], "logged")
        assert " PRDR" in sent[0] and " K " in sent[0]
        assert postel.letters("picky@drag.net") == []


def test_postfix_delivers_into_our_mailboxes_by_lmtp(tmp_path: Path) -> None:
    need_root("port 25 of loopback addresses")
    (tmp_path / "picky.py").write_text(NOT_FOR_PICKY)
    config = 'hostname = "mail.drag.net"\n[[domain]]\nname = "drag.net"\n[hooks]\nfiles = ["picky.py"]\n'
    with ExitStack() as stack:
        name_server = stack.enter_context(own_dns_server("free.org. A 192.0.2.1\n", own_address(port=53), 53))
        postel = stack.enter_context(PostelProcess(tmp_path, config, protocols=("lmtp", "pop3")))
        for name in ("frito", "picky"):
            postel.add_account(f"{name}@drag.net")
        postel.start()
        plan = PeerPlan(
            hostname="pluto.free.org",
            address=own_address(port=25),
            name_server=name_server.host,
            domains=["free.org"],
            mailboxes=["kitt"],
            lmtp=f"inet:{postel.address}:{postel.port('lmtp')}",
            lmtp_domains=["drag.net"],
        )
        postfix = stack.enter_context(running(PostfixInstance, plan))
        letter = compose("kitt@free.org", "frito@drag.net")
        with smtplib.SMTP(plan.address, 25, timeout=PATIENCE_S) as client:
            people = ["frito@drag.net", "picky@drag.net", "nobody@drag.net"]
            assert client.sendmail("kitt@free.org", people, letter) == {}
        found = postel.letter("frito@drag.net")
        assert found.endswith(letter)
        assert "with LMTP" in " ".join(str(read(found)["Received"]).split())
        (report,) = eventually(lambda: postfix.letters("kitt"), "Kitt is told")
        assert b"picky@drag.net" in report and b"nobody@drag.net" in report
        assert b"not this for me" in report
        assert postel.letters("picky@drag.net") == []
