"""One job, done by the POP3 libraries of many languages: fetch all letters whole, look at one, delete the first."""

from __future__ import annotations

from pathlib import Path

import pytest
from example_org import Server
from imap_account import ImapAccount
from letters import compose
from scripts import said_by

pytestmark = [pytest.mark.peer, pytest.mark.slow]


@pytest.mark.parametrize(
    ("script", "lists"),
    [
        ("net_pop3.pl", "uids"),
        ("net_pop.rb", "uids"),
        ("pop3.php", "uids"),
        ("pop3.tcl", "uids"),
        ("node_pop3.js", "uids"),
        ("yapople.js", "list"),
    ],
)
def test_a_library_fetches_all_and_deletes_one(
    server: Server, bob: str, tmp_path: Path, script: str, lists: str
) -> None:
    account = ImapAccount(server, bob)
    bodies = ["first\r\n.\r\n..\r\n.x\r\nend\r\n", "Grüße\r\n\r\n", ("." * 97 + "\r\n") * 3000]
    letters = [compose(bob, bob, f"letter {number}", body) for number, body in enumerate(bodies, 1)]
    account.fill("INBOX", *letters)
    said = said_by(script, server, "pop3s", bob, tmp_path)
    assert said == {"count": "3", "size": str(sum(map(len, letters))), lists: "3", "top": "1"}
    for number, letter in enumerate(letters, 1):
        assert _lines((tmp_path / str(number)).read_bytes()) == _lines(letter)
    assert set(account.letters()) == {"letter 2", "letter 3"}


def _lines(letter: bytes) -> list[bytes]:
    """Without what separates them, which each library makes its own."""
    return letter.rstrip(b"\r\n").replace(b"\r\n", b"\n").split(b"\n")
