"""SIZE and quotas between servers: what Postfix and Exim make of a mailbox without room (RFC 1870 6.4)."""

from __future__ import annotations

import smtplib
from contextlib import ExitStack
from pathlib import Path

import pytest
from dns_peers import own_dns_server
from exim_instance import EximInstance
from letters import compose, read
from loopback import own_address
from mail_peer import MakePeer, PeerPlan, running
from peer_programs import PATIENCE_S, eventually, need_root
from postel_process import PostelProcess
from postfix_instance import PostfixInstance

pytestmark = [pytest.mark.peer, pytest.mark.slow]

PEERS: dict[str, MakePeer] = {"postfix": PostfixInstance, "exim": EximInstance}
CONFIG = """
hostname = "mail.drag.net"

[[domain]]
name = "drag.net"

[dns]
servers = ["{name_server}"]

[delivery]
allow_loopback = true
source = ["{source}"]
"""


@pytest.mark.parametrize("kind", PEERS)
def test_what_never_fits_comes_back_and_what_does_not_fit_now_waits(kind: str, tmp_path: Path) -> None:
    need_root("port 25 of loopback addresses")
    ours, theirs = own_address(port=25), own_address(port=25)
    zone = (
        "drag.net. MX 10 mail.drag.net.\nfree.org. MX 10 pluto.free.org.\n"
        f"mail.drag.net. A {ours}\npluto.free.org. A {theirs}\n"
    )
    with ExitStack() as stack:
        name_server = stack.enter_context(own_dns_server(zone, own_address(port=53), 53))
        plan = PeerPlan(
            hostname="pluto.free.org",
            address=theirs,
            name_server=name_server.host,
            domains=["free.org"],
            mailboxes=["kitt"],
        )
        peer = stack.enter_context(running(PEERS[kind], plan))
        config = CONFIG.format(name_server=name_server, source=ours)
        postel = stack.enter_context(PostelProcess(tmp_path, config, address=ours, smtp_port=25))
        postel.add_account("frito@drag.net")
        postel.command("account", "quota", "frito@drag.net", "20 KB")
        postel.start()

        def send(size: int) -> None:
            letter = compose("kitt@free.org", "frito@drag.net") + b"0123456789\r\n" * (size // 12)
            with smtplib.SMTP(theirs, 25, timeout=PATIENCE_S) as client:
                client.sendmail("kitt@free.org", ["frito@drag.net"], letter)

        send(30_000)
        (report,) = eventually(lambda: peer.letters("kitt"), "the peer reports what can never fit")
        assert b"5.2.3" in report
        assert read(report)["Return-Path"] in (None, "<>")

        send(12_000)
        assert len(postel.wait_for_letters("frito@drag.net")) == 1
        send(12_000)
        refused = postel.wait_for("mail_refused", recipient="frito@drag.net", by="postel:recipient")
        assert "5.2.3" in str(refused["reply"])
        eventually(lambda: "4.2.2" in peer.log(), "the peer has heard that there is no room now")
        assert peer.waiting() == 1

        postel.command("account", "quota", "frito@drag.net", "none")
        peer.flush()
        eventually(lambda: len(postel.letters("frito@drag.net")) == 2, "the letter that waited is there")
        eventually(lambda: peer.waiting() == 0, "nothing waits any more")
