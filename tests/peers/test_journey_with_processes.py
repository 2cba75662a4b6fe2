"""The textbook journey with three `postel serve` processes, on loopback addresses of their own."""

from __future__ import annotations

import grp
import os
import pwd
from contextlib import ExitStack
from pathlib import Path

import pytest
from dns_peers import own_dns_server
from loopback import free_port, own_address
from peer_programs import need_root, public_folder
from postel_process import PASSWORD, PostelProcess

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

CONFIG = """
hostname = "{hostname}"

{rules}
[dns]
servers = ["{name_server}"]

[delivery]
port = {port}
allow_loopback = true

[queue]
retry = ["1s"]
"""


def travel(folder: Path, port: int, user: str) -> None:
    at = {host: own_address(port=port) for host in (ORIGIN, RELAY, PLUTO)}
    zone = ZONE + "".join(f"{host}. A {address}\n" for host, address in at.items())
    with ExitStack() as stack:
        name_server = stack.enter_context(own_dns_server(zone, "127.0.0.1", 0))
        servers = {
            host: PostelProcess(
                folder / host,
                CONFIG.format(hostname=host, rules=RULES[host], name_server=name_server, port=port),
                address=at[host],
                protocols=("smtp", "submission", "pop3"),
                smtp_port=port,
                user=user,
            )
            for host in at
        }
        origin, relay, pluto = servers.values()
        for postel in servers.values():
            stack.enter_context(postel)
        origin.command("account", "add", FRITO, "--password-stdin", stdin=PASSWORD)
        pluto.command("account", "add", KITT, "--password-stdin", stdin=PASSWORD)

        origin.start()
        relay.start()
        assert runs_as(origin) == user
        origin.submit(LETTER, FRITO, KITT)
        assert origin.wait_for("relayed", recipient=KITT)["remote"] == RELAY
        relay.wait_for("lane_down", lane="free.org")
        (waiting,) = relay.queue()
        assert KITT in str(waiting)
        assert origin.queue() == []

        pluto.start()
        relay.wait_for("relayed", recipient=KITT)
        assert check_arrival(pluto.wait_for_letters(KITT)).faults == ()
        assert relay.queue() == pluto.queue() == []


def runs_as(postel: PostelProcess) -> str:
    """The user of the process, whose groups must be its own too."""
    status = dict(
        line.split(":\t", 1)
        for line in Path(f"/proc/{postel.process.pid}/status").read_text().splitlines()
        if ":\t" in line
    )
    users, groups = set(status["Uid"].split()), set(status["Gid"].split())
    (user,), (group,) = users, groups
    entry = pwd.getpwuid(int(user))
    assert grp.getgrgid(int(group)).gr_gid == entry.pw_gid
    return entry.pw_name


def test_three_servers_carry_the_letter_on_high_ports(tmp_path: Path) -> None:
    travel(tmp_path, free_port(own_address()), pwd.getpwuid(os.geteuid()).pw_name)


def test_three_servers_started_by_root_carry_the_letter_as_nobody() -> None:
    need_root("port 25, and becoming nobody")
    with public_folder("journey") as folder:
        travel(folder, 25, "nobody")
