"""Commands beside a real server, over real sockets."""

from __future__ import annotations

import os
import poplib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from cli_kit import Site

pytestmark = pytest.mark.slow

HOST = f"127.{os.getpid() >> 8 & 15 | 112}.{os.getpid() & 255}.1"
ANN, BOB = "ann@postel.test", "bob@postel.test"
PATIENCE_S = 60.0  # the machine may be slow and shared
CONFIG = """\
hostname = "mail.postel.test"
data = "data"
[[listen]]
protocol = "smtp"
address = "{host}:{smtp}"
[[listen]]
protocol = "pop3"
address = "{host}:{pop3}"
[[domain]]
name = "postel.test"
[login]
plaintext = ["127.0.0.0/8"]
[dns]
servers = ["127.0.0.1:1"]
"""


def free_port() -> int:
    """At an address that only this process uses, so that nobody takes it before the server does."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def postel(site: Site, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Another process, as a shell would start it."""
    command = [sys.executable, "-m", "postel", "--config", str(site.config), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=PATIENCE_S, check=False)


def until(true: Callable[[], object], what: str) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < ends, what
        time.sleep(0.05)


class Served:
    """A site with a server running on it."""

    def __init__(self, folder: Path) -> None:
        self.pop3 = free_port()
        self.site = Site.make(folder, CONFIG.format(host=HOST, smtp=free_port(), pop3=self.pop3))
        self._log = (folder / "log").open("wb")
        command = [sys.executable, "-m", "postel", "--config", str(self.site.config), "serve"]
        self._process = subprocess.Popen(command, stderr=self._log)
        until(self._is_ready, "the server does not start")

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self.log
        return "event=ready" in self.log

    @property
    def log(self) -> str:
        return (self.site.folder / "log").read_text()

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(PATIENCE_S)
        self._log.close()
        return status

    def fetch(self, address: str, password: str) -> list[bytes]:
        box = poplib.POP3(HOST, self.pop3, timeout=PATIENCE_S)
        box.user(address)
        box.pass_(password)
        number, _ = box.stat()
        letters = [b"\r\n".join(box.retr(n)[1]) for n in range(1, number + 1)]
        box.quit()
        return letters


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    try:
        yield made
    finally:
        assert made.stop() == 0
        assert "Traceback" not in made.log


def test_accounts_sending_and_the_queue(served: Served) -> None:
    site = served.site
    password = site.add_account(ANN)
    assert served.fetch(ANN, password) == []

    sent = postel(site, "send", "-v", "-f", ANN, ANN, "kitt@free.org", stdin=b"Subject: hello\n\nHello!\n")
    assert sent.returncode == 0, sent.stderr
    until(lambda: served.fetch(ANN, password), "a letter from a command is not delivered")
    (letter,) = served.fetch(ANN, password)
    assert letter.endswith(b"Subject: hello\r\n\r\nHello!")
    match = re.search(rb"queued as (\w+)", sent.stdout)
    assert match is not None
    delivered = f"event=delivered room=queue id={match[1].decode()}"
    until(lambda: delivered in served.log, "the log does not tell of the delivery")

    def waiting(state: str) -> bool:
        rows = site.json("queue", "list", "--domain", "free.org")
        return bool(rows[0]["recipients"][-1]["state"] == state)

    until(lambda: '"attempts": 0' not in site.ok("queue", "list", "--json"), "nobody tries free.org")
    assert "kitt@free.org" in site.ok("queue", "list")
    site.ok("queue", "hold", "--all")
    assert waiting("held")
    site.ok("queue", "release", "--all")
    assert waiting("waiting")
    site.ok("queue", "retry", "--domain", "free.org")
    site.ok("queue", "remove", "--domain", "free.org", "--report")
    until(lambda: len(served.fetch(ANN, password)) == 2, "the report of a removal is not delivered")
    assert b"kitt@free.org" in served.fetch(ANN, password)[1]
    assert site.ok("queue", "list") == "The queue is empty.\n"

    site.ok("account", "password", ANN, "--password-stdin", stdin="another\n")
    with pytest.raises(poplib.error_proto):
        served.fetch(ANN, password)
    assert len(served.fetch(ANN, "another")) == 2
    site.ok("account", "remove", ANN, "--yes")
    with pytest.raises(poplib.error_proto):
        served.fetch(ANN, "another")


def test_import_export_backup_and_restore(served: Served) -> None:
    site = served.site
    password = site.add_account(BOB)
    letters = [b"Subject: %d\n\n" % n + b"Hello!\n" * (1 if n else 40_000) for n in range(3)]
    separator = b"From ann@free.org Thu Jan  1 00:00:00 2026\n"
    (site.folder / "mbox").write_bytes(b"".join(separator + letter + b"\n" for letter in letters))
    site.ok("import", BOB, str(site.folder / "mbox"))
    assert [letter.replace(b"\r\n", b"\n") + b"\n" for letter in served.fetch(BOB, password)] == letters
    site.ok("export", BOB, str(site.folder / "out"))
    assert site.ok("backup", str(site.folder / "copy")).endswith("the database and 1 content file.\n")
    other = site.folder / "other"
    other.mkdir()
    moved = Site.make(other, site.config.read_text())
    moved.ok("restore", str(site.folder / "copy"))
    moved.ok("export", BOB, str(other / "out"))
    assert (other / "out").read_bytes() == (site.folder / "out").read_bytes()
    assert (other / "out").read_bytes().count(b"\nSubject: ") == 3


DIALOGUE: Sequence[tuple[bytes, bytes]] = (
    (b"EHLO localhost", b"250 HELP"),
    (b"MAIL FROM:<ann@free.org>", b"250"),
    (b"RCPT TO:<nobody@postel.test>", b"550"),
    (b"RCPT TO:<bob@postel.test>", b"250"),
    (b"DATA", b"354"),
    (b"Subject: spoken\r\n\r\nHello!\r\n.", b"250"),
    (b"QUIT", b"221"),
)


def test_smtp_on_standard_input_and_output(served: Served) -> None:
    password = served.site.add_account(BOB)
    command = [sys.executable, "-m", "postel", "--config", str(served.site.config), "send", "-bs"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stdout.readline().startswith(b"220 mail.postel.test")
        for line, reply in DIALOGUE:
            program.stdin.write(line + b"\r\n")
            program.stdin.flush()
            while not (said := program.stdout.readline()).startswith(reply):
                assert said.startswith(b"250-"), (line, said)
    assert program.returncode == 0
    until(lambda: served.fetch(BOB, password), "a letter spoken to a command is not delivered")


# As where the data directory belongs to another user, which a test that runs as root cannot have.
WITHOUT_DATA = """
import sys
from postel.cli import posting, sendmail
from postel.cli.context import Settings
from pathlib import Path
sendmail._may_use_data = lambda loaded: False
sys.exit(sendmail.run_sendmail(sys.argv[2:], Settings(Path(sys.argv[1]))))
"""


def test_who_may_not_write_to_the_data_directory_hands_mail_to_the_server(served: Served) -> None:
    password = served.site.add_account(BOB)

    def send(*arguments: str, stdin: bytes) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-c", WITHOUT_DATA, str(served.site.config), *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, timeout=PATIENCE_S, check=False)

    sent = send("-f", BOB, BOB, "nobody", stdin=b"Subject: handed over\n\nHello!\n")
    assert sent.returncode == 67
    assert sent.stderr == b"postel: nobody@postel.test: 550 5.1.1 No such mailbox here\n"
    until(lambda: served.fetch(BOB, password), "a letter handed to the server is not delivered")
    refused = send("-f", BOB, "kitt@free.org", stdin=b"\n")
    assert refused.returncode == 77
    assert b"[relay] networks" in refused.stderr
    spoken = send("-bs", stdin=b"EHLO x\r\nQUIT\r\n")
    assert spoken.returncode == 0
    assert spoken.stdout.startswith(b"220 ")
    assert b"\r\n221 " in spoken.stdout
