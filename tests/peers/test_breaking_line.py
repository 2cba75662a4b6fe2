"""A letter of 40 MB over a line that breaks every 5 MB, and over kills of either side (RFC 1845)."""

from __future__ import annotations

import smtplib
from pathlib import Path
from typing import Final

import pytest
from breaking_line import BreakingLine
from loopback import free_port
from peer_programs import PATIENCE_S, eventually
from postel_process import PostelProcess

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.timeout(300)]

ADDRESS: Final = "127.0.0.1"
BOB: Final = "bob@example.org"
HOME: Final = """
hostname = "mx.example.org"
[[domain]]
name = "example.org"
[login]
plaintext = ["127.0.0.0/8"]
[checkpoint]
spare = "1 MB"
"""
AWAY: Final = """
hostname = "mx.example.net"
[relay]
networks = ["127.0.0.0/8"]
[route]
"example.org" = "smtp:[127.0.0.1]:{port}"
[queue]
retry = ["1s"]
"""


def letter_of(size_bytes: int) -> bytes:
    line = b"..A line of the letter, which is much like all the others in it, and there are many.\r\n"
    return b"From: ann@example.net\r\nSubject: long\r\n\r\n" + line * (size_bytes // len(line))


def submit(server: PostelProcess, letter: bytes) -> None:
    with smtplib.SMTP(ADDRESS, server.port("smtp"), timeout=PATIENCE_S) as client:
        assert client.sendmail("ann@example.net", [BOB], letter) == {}


def arrives(home: PostelProcess, letter: bytes) -> None:
    (found,) = home.wait_for_letters(BOB)
    assert found.endswith(letter)


def test_a_long_letter_over_a_line_that_breaks_arrives_having_been_sent_once(tmp_path: Path) -> None:
    letter = letter_of(40_000_000)
    port = free_port(ADDRESS)
    with (
        PostelProcess(tmp_path / "home", HOME, smtp_port=port) as home,
        BreakingLine(ADDRESS, port, 5_000_000) as line,
        PostelProcess(tmp_path / "away", AWAY.format(port=line.port)) as away,
    ):
        home.start()
        home.add_account(BOB)
        away.start()
        submit(away, letter)
        arrives(home, letter)
        assert line.calls >= 8
        # What was on its way when the line broke is sent again: the buffers of two sockets and a proxy.
        assert line.sent < len(letter) * 1.03 + line.calls * 1_000_000


@pytest.mark.parametrize("who", ["home", "away"])
def test_a_long_letter_goes_on_after_a_kill(tmp_path: Path, who: str) -> None:
    letter = letter_of(20_000_000)
    port = free_port(ADDRESS)
    with (
        PostelProcess(tmp_path / "home", HOME, smtp_port=port) as home,
        BreakingLine(ADDRESS, port, 4_000_000) as line,
        PostelProcess(tmp_path / "away", AWAY.format(port=line.port)) as away,
    ):
        home.start()
        home.add_account(BOB)
        away.start()
        submit(away, letter)
        eventually(lambda: line.sent > 6_000_000, "some of the letter has gone over the line")
        server = home if who == "home" else away
        server.kill()
        server.start()
        arrives(home, letter)
        eventually(lambda: away.queue() == [], "the letter is settled")
        assert len(home.letters(BOB)) == 1
        assert line.sent < len(letter) * 1.03 + line.calls * 1_000_000
