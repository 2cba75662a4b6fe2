"""An IMAP client that only waits for results, and letters to put into a mailbox.

Gives       Client, letter.
"""

from __future__ import annotations

import random
import socket
from typing import Final

_WORDS: Final = [
    f"{a}{b}{c}" for a in ("ka", "lo", "mi") for b in ("ru", "sta", "ne") for c in ("r", "n", "lt")
]
_PATIENCE_S: Final = 600.0
_TAIL: Final = 4000  # octets: more than any line with a result


class Client:
    """Logged in nowhere. Raises ConnectionError when a command is refused."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), _PATIENCE_S)
        self._rest = b""
        self.line()

    def close(self) -> None:
        self._socket.close()

    def ask(self, command: bytes) -> int:
        """How many octets came before the result."""
        self.send(b"a " + command + b"\r\n")
        return self.result()

    def send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def line(self) -> bytes:
        """The next line."""
        while b"\r\n" not in self._rest:
            self._rest += self._read()
        line, _, self._rest = self._rest.partition(b"\r\n")
        return line

    def result(self) -> int:
        """Reads on to a line that begins with the tag; it must be the last one, as it is when nothing is pipelined."""
        count, tail = 0, b"\r\n" + self._rest
        while not (tail.endswith(b"\r\n") and b"\r\na " in tail):
            octets = self._read()
            count += len(octets)
            tail = (tail[-_TAIL:] + octets)[-_TAIL:]
        self._rest = b""
        if b"\r\na OK" not in tail:
            raise ConnectionError(f"refused: {tail!r}")
        return count

    def _read(self) -> bytes:
        octets = self._socket.recv(1 << 18)
        if not octets:
            raise ConnectionError("closed")
        return octets


def letter(number: int) -> bytes:
    """13.5 KB on average; the same for a number each time. One in a hundred has the word `seldom`."""
    chance = random.Random(number)
    lines = [" ".join(chance.choices(_WORDS, k=12)) for _ in range(chance.randint(20, 330))]
    if number % 100 == 0:
        lines.append("the word seldom")
    reply = f"In-Reply-To: <{number - 1}@example.net>\r\n" if number % 3 else ""
    head = (
        f"From: Writer {number % 50} <writer{number % 50}@example.net>\r\nTo: ann@example.org\r\n"
        f"Subject: {'Re: ' if reply else ''}{' '.join(chance.choices(_WORDS, k=4))}\r\n"
        f"Date: {1 + number % 28:02} Nov 2026 {number % 24:02}:{number % 60:02}:00 +0000\r\n"
        f"Message-ID: <{number}@example.net>\r\n{reply}"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    )
    return (head + "\r\n".join(lines) + "\r\n").encode()
