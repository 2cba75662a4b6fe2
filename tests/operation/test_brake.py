"""Guessing passwords is slowed down for all protocols together, and the brake can be set by a reload."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
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


@pytest.mark.parametrize("protocol", ["submission", "pop3"])
def test_what_is_guessed_over_one_protocol_counts_for_the_other(
    serve: Serve, folder: Path, protocol: str
) -> None:
    rules = DOMAIN + LOGIN + ATTEMPTS.format(3)
    served = serve(configuration("submission", "pop3", rules=rules)).ready()
    ann = add_account(folder, "ann@example.org")
    bob = add_account(folder, "bob@example.org")
    submission, pop3 = served.port("submission"), served.port("pop3")
    assert login(submission, ann, PASSWORD).startswith("235")
    for guess in range(4):
        if protocol == "submission":
            assert login(submission, ann, f"guess {guess}").startswith("535")
        else:
            assert read(pop3, ann, f"guess {guess}").startswith("-ERR [AUTH]")
    assert login(submission, bob, PASSWORD).startswith("454"), "the right password is not even tried"
    assert read(pop3, bob, PASSWORD).startswith("-ERR [SYS/TEMP]")
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
