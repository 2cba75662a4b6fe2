"""Mail that waits elsewhere is asked for: ETRN with Postfix and fetchmail, ATRN between two Postels."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from dns_peers import own_dns_server
from letters import compose
from loopback import own_address
from mail_peer import PeerPlan, running
from peer_programs import eventually, need_root, program, run
from postel_process import PASSWORD, PostelProcess
from postfix_instance import PostfixInstance

pytestmark = [pytest.mark.peer, pytest.mark.slow]

SHIP, ISP = "mail.ship.example", "mx.example.net"
ZONE = f"ship.example. MX 10 {SHIP}.\nexample.net. MX 10 {ISP}.\n"
ANN, BOB, OFFICE = "ann@example.net", "bob@ship.example", "office@example.net"
# No Postfix shall try by itself while the test looks.
SLOW = """
fast_flush_domains = ship.example
smtpd_etrn_restrictions =
queue_run_delay = 2000s
minimal_backoff_time = 2000s
maximal_backoff_time = 3000s
"""


def configuration(hostname: str, rules: str, address: str, name_server: object) -> str:
    return f"""
hostname = "{hostname}"
{rules}
[dns]
servers = ["{name_server}"]
[delivery]
allow_loopback = true
source = ["{address}"]
connect_timeout = "5s"
[queue]
retry = ["1h"]
"""


KEEPER = """
[[domain]]
name = "example.net"
[relay]
networks = ["127.0.0.1"]
domains = ["ship.example", "office.example"]
[route]
"office.example" = "pull"
[pull]
"office@example.net" = ["office.example"]
[commands]
etrn = ["127.0.0.0/8"]
[login]
plaintext = ["127.0.0.0/8"]
"""


@dataclass(frozen=True)
class Pair:
    """Addresses, and the two Postels: the ship's is not started."""

    at: dict[str, str]
    name_server: str
    ship: PostelProcess
    isp: PostelProcess


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    need_root("port 25 of loopback addresses")
    at = {host: own_address(port=25) for host in (SHIP, ISP)}
    with ExitStack() as stack:
        zone = ZONE + "".join(f"{host}. A {address}\n" for host, address in at.items())
        name_server = stack.enter_context(own_dns_server(zone, own_address(port=53), 53))
        own = '[[domain]]\nname = "ship.example"\n[[domain]]\nname = "office.example"\n'
        ship = PostelProcess(
            tmp_path / "ship", configuration(SHIP, own, at[SHIP], name_server), address=at[SHIP], smtp_port=25
        )
        isp = PostelProcess(
            tmp_path / "isp",
            configuration(ISP, KEEPER, at[ISP], name_server),
            address=at[ISP],
            protocols=("smtp", "submission", "odmr"),
            smtp_port=25,
        )
        stack.enter_context(ship)
        stack.enter_context(isp)
        ship.add_account(BOB)
        ship.add_account("bob@office.example")
        isp.add_account(ANN)
        isp.add_account(OFFICE)
        yield Pair(at, name_server.host, ship, isp)


def send(to_host: str, content: bytes, recipient: str, source: str = "127.0.0.1") -> None:
    with smtplib.SMTP(to_host, 25, timeout=60, source_address=(source, 0)) as client:
        client.sendmail(ANN, [recipient], content)


def test_our_command_wakes_a_postfix(pair: Pair) -> None:
    plan = PeerPlan(
        hostname="keeper.example.net",
        address=own_address(port=25),
        name_server=pair.name_server,
        relay_domains=["ship.example"],
        more=SLOW,
    )
    with running(PostfixInstance, plan) as keeper:
        letter = compose(ANN, BOB)
        send(plan.address, letter, BOB)
        eventually(lambda: "status=deferred" in keeper.log(), "the ship is not there")
        pair.ship.start()
        said = pair.ship.command("queue", "pull", f"[{plan.address}]", "--etrn", "--domain", "ship.example")
        assert said == "ship.example: 250 Queuing started\n"
        assert pair.ship.letter(BOB).endswith(letter)
        refused = pair.ship.command("queue", "pull", f"[{plan.address}]", "--domain", "example.com", status=1)
        assert refused.startswith("example.com: 459")


def test_fetchmail_asks_us_by_etrn(pair: Pair, tmp_path: Path) -> None:
    pair.isp.start()
    letter = compose(ANN, BOB)
    send(pair.at[ISP], letter, BOB)
    pair.isp.wait_for("lane_down")
    pair.ship.start()
    rc = tmp_path / "fetchmailrc"
    rc.write_text(f"poll {pair.at[ISP]} protocol etrn fetchdomains ship.example\n")
    rc.chmod(0o600)
    run(program("fetchmail"), "-f", rc, "--nodetach", "--nosyslog", "--pidfile", tmp_path / "pid")
    asked = pair.isp.wait_for("queue_asked_for", node="ship.example")
    assert asked["reply"].startswith("253 2.0.0 OK, 1 pending")
    assert pair.ship.letter(BOB).endswith(letter)


def test_our_command_fetches_by_atrn_over_tls_and_the_running_server_delivers(pair: Pair) -> None:
    pair.isp.start()
    pair.ship.start()
    letter = compose(ANN, "bob@office.example")
    send(pair.at[ISP], letter, "bob@office.example")
    pair.isp.wait_for("lane_down", lane="pull:office.example")
    port = str(pair.isp.port("odmr"))
    arguments = (
        "queue",
        "pull",
        f"[{pair.at[ISP]}]",
        "--atrn",
        "--user",
        OFFICE,
        "--password-stdin",
        "--port",
        port,
    )
    secret = f"{PASSWORD}\n"
    assert pair.ship.command(*arguments, "--tls", "must", stdin=secret).startswith("1 message fetched from")
    assert pair.ship.letter("bob@office.example").endswith(letter)
    assert pair.isp.wait_for("mail_fetched")["messages"] == 1
    assert pair.ship.command(*arguments, "--tls", "must", stdin=secret).startswith("no mail waits at")
    again = (*arguments, "--tls", "must", "--domain", "ship.example")
    assert pair.ship.command(*again, stdin=secret, status=1) == ""
