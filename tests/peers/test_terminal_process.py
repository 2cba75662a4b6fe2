"""`postel terminal` as a person has it: a process of its own, beside the server, on a real database."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from child_process import ChildProcess
from peer_programs import PATIENCE_S, eventually
from postel_process import PostelProcess

pytestmark = [pytest.mark.peer, pytest.mark.slow]

CONFIG = """
hostname = "mail.example.org"
[[domain]]
name = "example.org"
[commands]
send = ["127.0.0.0/8"]
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostelProcess]:
    with PostelProcess(tmp_path, CONFIG, protocols=("smtp",)) as postel:
        postel.add_account("ann@example.org")
        postel.start()
        yield postel


def test_a_message_appears_on_the_screen_of_who_is_there(server: PostelProcess) -> None:
    arguments = [
        "env",
        "--default-signal=INT",  # who runs the tests in the background has it ignored, and children inherit that
        sys.executable,
        "-m",
        "postel",
        "--config",
        str(server.config),
        "terminal",
        "ann@example.org",
    ]
    terminal = ChildProcess([*arguments, "--no-bell"])
    try:
        with socket.create_connection(
            (server.address, server.port("smtp")), timeout=PATIENCE_S
        ) as connection:
            lines = connection.makefile("rb")

            def say(line: bytes) -> bytes:
                connection.sendall(line + b"\r\n")
                reply = bytes(lines.readline())
                while reply[3:4] == b"-":
                    reply = bytes(lines.readline())
                return reply

            lines.readline()
            say(b"EHLO client.example.net")

            def is_there() -> bool:
                say(b"RSET")
                say(b"SEND FROM:<bob@example.net>")
                return say(b"RCPT TO:<ann@example.org>").startswith(b"250")

            eventually(is_there, "the terminal waits")
            assert say(b"DATA").startswith(b"354")
            assert say(b"Subject: lunch\r\n\r\nNow?\r\n.").startswith(b"250 2.1.5")
        eventually(lambda: "Now?" in terminal.lines, "the message is on the screen")
        assert server.wait_for("message_shown")["shown"] == "ann@example.org"
        terminal.signal(signal.SIGINT)
        eventually(lambda: not terminal.is_running, "Ctrl-C ends it")
        assert terminal.end() == 0
        assert "Traceback" not in "\n".join(terminal.lines)
    finally:
        terminal.kill()
