"""A real server, real sockets: a crowd that trickles, floods, hangs and vanishes; an honest client and reader go on."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest
from imap_line import ImapLine
from served import (
    PATIENCE_S,
    Serve,
    add_account,
    configuration,
    eventually,
    letters,
    send_letter,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CROWD: Final = 60  # at a time
LETTERS: Final = 15
HALF: Final = (
    b"EHLO x\r\nMAIL FROM:<x@x.example>\r\nRCPT TO:<al@example.org>\r\nDATA\r\nSubject: half\r\n\r\nhalf"
)


class Crowd:
    """Threads, each with one connection after another, until the crowd is sent home."""

    def __init__(self, ports: tuple[int, ...]) -> None:
        self._ports = ports
        self._is_over = threading.Event()
        self._guard = threading.Lock()
        self.calls = 0

    @contextmanager
    def around(self) -> Iterator[None]:
        threads = [
            threading.Thread(target=self._misbehave, args=(f"127.0.1.{n + 1}", random.Random(n)))
            for n in range(CROWD)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join(PATIENCE_S)

    def _misbehave(self, address: str, rng: random.Random) -> None:
        while not self._is_over.is_set():
            with (
                suppress(OSError),
                socket.create_connection(("127.0.0.1", rng.choice(self._ports)), timeout=1) as line,
            ):
                with self._guard:
                    self.calls += 1
                rng.choice(WAYS)(self, line, rng)

    def pause(self, seconds: float) -> None:
        self._is_over.wait(seconds)

    def trickle(self, line: socket.socket, rng: random.Random) -> None:
        for octet in b"EHLO trickle.example\r\n":
            line.sendall(bytes([octet]))
            self.pause(0.05)

    def flood(self, line: socket.socket, rng: random.Random) -> None:
        """And read nothing."""
        for _ in range(50):
            line.sendall(rng.choice((b"NOOP\r\n" * 1000, b"\x00\xff" * 3000)))

    def hang(self, line: socket.socket, rng: random.Random) -> None:
        self.pause(2)

    def vanish(self, line: socket.socket, rng: random.Random) -> None:
        line.sendall(HALF)
        self.pause(rng.random() / 10)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # a reset, not an end

    def half_a_handshake(self, line: socket.socket, rng: random.Random) -> None:
        """The first octets of TLS, and no more."""
        line.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(rng.randrange(100)))
        self.pause(2)

    def begin_to_log_in(self, line: socket.socket, rng: random.Random) -> None:
        """And never say as whom."""
        line.sendall(rng.choice((b"a LOGIN {9}\r\n", b"a LOGIN {500+}\r\nal", b"a AUTHENTICATE PLAIN\r\n")))
        self.pause(1)


WAYS: Final[tuple[Callable[[Crowd, socket.socket, random.Random], None], ...]] = (
    Crowd.trickle, Crowd.flood, Crowd.hang, Crowd.vanish, Crowd.half_a_handshake, Crowd.begin_to_log_in,
)  # fmt: skip


def test_an_honest_client_is_served_in_the_middle_of_a_crowd(serve: Serve, folder: Path) -> None:
    served = serve(configuration("smtp", "pop3")).ready()
    al = add_account(folder, "al@example.org")
    smtp, pop3 = served.port("smtp"), served.port("pop3")
    crowd = Crowd((smtp, smtp, smtp, pop3))
    with crowd.around():
        eventually(lambda: crowd.calls > CROWD, "the crowd is there")
        for number in range(LETTERS):
            assert send_letter(smtp, al, f"honest {number}").startswith("250")
        eventually(lambda: letters(pop3, al) == LETTERS, "every honest letter, and nothing else")
    assert letters(pop3, al) == LETTERS
    assert send_letter(smtp, al, "and after it").startswith("250")
    served.end()


def test_mailboxes_are_read_and_filled_in_the_middle_of_a_crowd(serve: Serve, folder: Path) -> None:
    served = serve(configuration("imap", "imaps", "pop3s")).ready()
    al = add_account(folder, "al@example.org")
    crowd = Crowd(tuple(map(served.port, ("imap", "imap", "imaps", "pop3s"))))
    with crowd.around():
        eventually(lambda: crowd.calls > CROWD, "the crowd is there")
        client = ImapLine(served.port("imap"), al)
        for number in range(LETTERS):
            assert client.append(f"Subject: honest-{number}\r\n\r\n").startswith("OK")
            ImapLine(served.port("imap"), al).ok("SELECT INBOX")
    assert [subject for _, subject in client.subjects()] == [f"honest-{number}" for number in range(LETTERS)]
    client.close()
    served.end()
