"""A large message passes through a server whose memory hardly grows."""

from __future__ import annotations

from pathlib import Path

import pytest
from served import (
    Serve,
    Served,
    add_account,
    begin_letter,
    configuration,
    eventually,
    letters,
    pop3,
    send_letter,
    smtp,
)

pytestmark = pytest.mark.slow

LINE = b"x" * 998 + b"\r\n"
MEBIBYTES = 64
ROOM_MIB = 24  # a password hash takes 19 of it for a moment
LIMITS = '\n[[domain]]\nname = "example.org"\n[login]\nplaintext = ["127.0.0.0/8"]\n[limits]\nmessage_size = "1 GiB"\n'


def highest_mib(served: Served) -> float:
    """The most memory that it has had."""
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


@pytest.mark.parametrize("how", ["DATA", "BDAT"])
def test_memory_does_not_grow_with_a_message_on_its_way_in_to_its_mailbox_and_out(
    serve: Serve, folder: Path, how: str
) -> None:
    served = serve(configuration("smtp", "pop3", rules=LIMITS)).ready()
    add_account(folder, "ann@example.org")
    assert send_letter(served.port("smtp"), "ann@example.org").startswith("250")
    eventually(lambda: letters(served.port("pop3"), "ann@example.org") == 1, "a small letter")
    before = highest_mib(served)
    submit(served, how)
    eventually(lambda: letters(served.port("pop3"), "ann@example.org") == 2, "a large letter")
    line = pop3(served.port("pop3"), "ann@example.org")
    assert line.ask("RETR 2").startswith("+OK")
    tail, octets = b"", 0
    while not tail.endswith(b"\r\n.\r\n"):
        chunk = line.socket.recv(1 << 20)
        assert chunk
        tail, octets = (tail + chunk)[-5:], octets + len(chunk)
    assert octets > MEBIBYTES << 20
    assert highest_mib(served) - before < ROOM_MIB
    line.close()
    served.end()


def submit(served: Served, how: str) -> None:
    """Send a large letter."""
    line = smtp(served.port("smtp"))
    chunk = LINE * 1024
    count = (MEBIBYTES << 20) // len(chunk) + 1
    if how == "DATA":
        begin_letter(line, "ann@example.org")
        line.send("Subject: large", "")
        for _ in range(count):
            line.socket.sendall(chunk)
        assert line.ask(".").startswith("250")
    else:
        assert line.ask("MAIL FROM:<ann@example.net>").startswith("250")
        assert line.ask("RCPT TO:<ann@example.org>").startswith("250")
        line.socket.sendall(b"BDAT 18\r\nSubject: large\r\n\r\n")
        assert line.reply().startswith("250")
        for _ in range(count):
            line.socket.sendall(b"BDAT %d\r\n" % len(chunk) + chunk)
            assert line.reply().startswith("250")
        assert line.ask("BDAT 0 LAST").startswith("250")
    line.close()
