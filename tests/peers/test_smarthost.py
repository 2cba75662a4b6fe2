"""Mail handed to a smarthost with a login: Postel to Exim, and Exim to Postel."""

from __future__ import annotations

import smtplib
from contextlib import ExitStack
from pathlib import Path

import pytest
from exim_instance import EximInstance
from letters import compose, read
from loopback import own_address
from mail_peer import PeerPlan, Smarthost, running
from peer_programs import PATIENCE_S, eventually, need_root
from postel_process import PASSWORD, PostelProcess

pytestmark = [pytest.mark.peer, pytest.mark.slow]

NOBODY_ASKED = "127.0.0.1"  # there is no DNS server: a smarthost needs none

CLIENT = """
hostname = "mail.drag.net"

[[domain]]
name = "drag.net"

[delivery]
source = ["{source}"]

[queue]
retry = ["1s"]

[route."*"]
to = "smtp:[{address}]:25"
user = "postel"
password = "{password}"
tls = "must"
"""

SERVER = """
hostname = "mail.drag.net"

[[domain]]
name = "drag.net"
"""


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_postel_logs_in_at_its_smarthost(mechanism: str, tmp_path: Path) -> None:
    need_root("Exim on port 25")
    plan = PeerPlan(
        hostname="smart.example",
        address=own_address(port=25),
        name_server=NOBODY_ASKED,
        domains=["free.org"],
        mailboxes=["kitt"],
        mechanism=mechanism,
        login=("postel", "open sesame"),
    )
    config = CLIENT.format(source=own_address(), address=plan.address, password="open sesame")
    letter = compose("frito@drag.net", "kitt@free.org")
    postel = PostelProcess(tmp_path, config, protocols=("submission",))
    with running(EximInstance, plan) as smarthost, postel:
        postel.add_account("frito@drag.net")
        postel.start()
        postel.submit(letter, "frito@drag.net", "kitt@free.org")
        postel.wait_for("relayed", recipient="kitt@free.org")
        (found,) = eventually(lambda: smarthost.letters("kitt"), "the letter is there")
        assert found.replace(b"\n", b"\r\n").endswith(letter)
        eventually(lambda: "P=esmtpsa" in smarthost.log(), "its log tells of TLS and a login")
        assert "A=server:postel" in smarthost.log()


def test_a_wrong_password_for_the_smarthost_is_told_and_loses_nothing(tmp_path: Path) -> None:
    need_root("Exim on port 25")
    plan = PeerPlan(
        hostname="smart.example",
        address=own_address(port=25),
        name_server=NOBODY_ASKED,
        login=("postel", "open sesame"),
    )
    config = CLIENT.format(source=own_address(), address=plan.address, password="wrong")
    postel = PostelProcess(tmp_path, config, protocols=("submission",))
    with running(EximInstance, plan), postel:
        postel.add_account("frito@drag.net")
        postel.start()
        postel.submit(compose("frito@drag.net", "kitt@free.org"), "frito@drag.net", "kitt@free.org")
        refused = postel.wait_for("login_refused")
        assert "535" in refused["reply"]
        postel.wait_for("lane_down")
        assert len(postel.queue()) == 1


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_exim_logs_in_at_postel(mechanism: str, tmp_path: Path) -> None:
    need_root("Exim on port 25")
    letter = compose("frito@drag.net", "gina@drag.net")
    with ExitStack() as stack:
        postel = stack.enter_context(PostelProcess(tmp_path, SERVER, address=own_address()))
        for name in ("frito", "gina"):
            postel.add_account(f"{name}@drag.net")
        postel.start()
        plan = PeerPlan(
            hostname="client.example",
            address=own_address(port=25),
            name_server=NOBODY_ASKED,
            smarthost=Smarthost(
                postel.address, postel.port("submission"), mechanism, "frito@drag.net", PASSWORD
            ),
        )
        stack.enter_context(running(EximInstance, plan))
        with smtplib.SMTP(plan.address, 25, timeout=PATIENCE_S) as program:
            program.sendmail("frito@drag.net", ["gina@drag.net"], letter, mail_options=["BODY=8BITMIME"])
        found = postel.letter("gina@drag.net")
    assert found.endswith(letter)
    assert " with ESMTPSA" in " ".join(read(found).get_all("Received")[0].split())
