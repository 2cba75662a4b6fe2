"""Guessing passwords is slowed down for all protocols together, and the brake can be set by a reload."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from imap_line import ImapLine
from served import DOMAIN, LOGIN, PASSWORD, Line, Serve, add_account, configuration, smtp

ATTEMPTS = "attempts = {}\n"


def login(port: int, user: str, password: str) -> str:
    """The reply to a login at the submission port."""
    line = smtp(port)
    token = b64encode(f"\0{user}\0{password}".encode()).decode()
    return line.ask(f"AUTH PLAIN {token}")


def read(port: int, user: str, password: str) -> str:
    """The reply to a login by POP3."""
    line = Line(port)
    line.reply()
    line.ask(f"USER {user}")
    return line.ask(f"PASS {password}")


def fetch(port: int, user: str, password: str) -> str:
    """The result of a login by IMAP."""
    return ImapLine(port).command(f'LOGIN {user} "{password}"')[0]


# How each protocol is used, what it says to a guess, and what it says when no guess is heard any more.
PROTOCOLS = {
    "submission": (login, "535", "454"),
    "pop3": (read, "-ERR [AUTH]", "-ERR [SYS/TEMP]"),
    "imap": (fetch, "NO [AUTHENTICATIONFAILED]", "NO [UNAVAILABLE]"),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_guessed_over_one_protocol_counts_for_the_other(
    serve: Serve, folder: Path, protocol: str
) -> None:
    rules = DOMAIN + LOGIN + ATTEMPTS.format(3)
    served = serve(configuration(*PROTOCOLS, rules=rules)).ready()
    ann = add_account(folder, "ann@example.org")
    bob = add_account(folder, "bob@example.org")
    assert login(served.port("submission"), ann, PASSWORD).startswith("235")
    guess, wrong, _ = PROTOCOLS[protocol]
    for number in range(4):
        assert guess(served.port(protocol), ann, f"guess {number}").startswith(wrong)
    for name, (enter, _, later) in PROTOCOLS.items():
        assert enter(served.port(name), bob, PASSWORD).startswith(later), (
            "the right password is not even tried"
        )
    told = served.wait_for("login_failed", because="too many failures from 127.0.0.1")
    assert told["client"] == "127.0.0.1"
    served.end()


def test_a_reload_sets_the_brake_anew(serve: Serve, folder: Path) -> None:
    served = serve(configuration("pop3", rules=DOMAIN + LOGIN + ATTEMPTS.format(1))).ready()
    ann = add_account(folder, "ann@example.org")
    port = served.port("pop3")
    assert read(port, ann, "guess").startswith("-ERR [AUTH]")
    served.reload(configuration("pop3", rules=DOMAIN + LOGIN + ATTEMPTS.format(100)))
    for guess in range(8):
        assert read(port, ann, f"guess {guess}").startswith("-ERR [AUTH]")
    assert read(port, ann, PASSWORD).startswith("+OK")
    served.end()
