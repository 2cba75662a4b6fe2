"""Clients of mailboxes that only wait for results: over IMAP and POP3, and one that delivers by LMTP.

Gives       Client, Pop3Client, LmtpClient.
"""

from __future__ import annotations

import re
import socket
import ssl
import zlib
from typing import Final

_PATIENCE_S: Final = 600.0
_TAIL: Final = 4000  # octets: more than any line with a result
_NUMBER: Final = re.compile(rb"MESSAGES (\d+)")


class _Lines:
    """A connection, read by lines."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), _PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        self.line()

    def close(self) -> None:
        self._socket.close()

    def send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def drop(self) -> int:
        """Wait for what comes next and forget it: how many octets; 0 at the end."""
        return len(self._socket.recv(1 << 18))

    def shut(self) -> None:
        """End it while another thread waits in `drop`."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def line(self) -> bytes:
        """The next line."""
        while b"\r\n" not in self._rest:
            self._rest += self._read()
        line, _, self._rest = self._rest.partition(b"\r\n")
        return line

    def _read(self) -> bytes:
        octets = self._socket.recv(1 << 18)
        if not octets:
            raise ConnectionError("closed")
        return octets


class Client(_Lines):
    """Logged in nowhere. Raises ConnectionError when a command is refused."""

    def ask(self, command: bytes) -> int:
        """How many octets came before the result."""
        self.send(b"a " + command + b"\r\n")
        return self.result()

    def result(self) -> int:
        """Reads on to a line that begins with the tag; it must be the last one, as it is when nothing is pipelined."""
        return len(self._to_result())

    def count_of(self, mailbox: bytes) -> int:
        """How many messages a mailbox has."""
        self.send(b"a STATUS " + mailbox + b" (MESSAGES)\r\n")
        found = _NUMBER.search(bytes(self._to_result()))
        return int(found[1]) if found else 0

    def encrypt(self, context: ssl.SSLContext) -> None:
        """TLS from here on; the server has said that it begins."""
        self._socket = context.wrap_socket(self._socket)

    def deflated(self, octets: bytes) -> bytes:
        """The first octets behind COMPRESS (RFC 4978)."""
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return packer.compress(octets) + packer.flush(zlib.Z_SYNC_FLUSH)

    def idle(self) -> None:
        """Wait for news from now on."""
        self.send(b"i IDLE\r\n")
        while not self.line().startswith(b"+"):
            pass

    def wait_for_exists(self) -> None:
        """While idling: until a message has come."""
        while not self.line().endswith(b" EXISTS"):
            pass

    def done(self) -> None:
        """Idle no more."""
        self.send(b"DONE\r\n")
        while not self.line().startswith(b"i "):
            pass

    def _to_result(self) -> bytearray:
        told = bytearray(b"\r\n" + self._rest)
        tail = bytes(told)
        while not (tail.endswith(b"\r\n") and b"\r\na " in tail):
            octets = self._read()
            told += octets
            tail = (tail[-_TAIL:] + octets)[-_TAIL:]
        self._rest = b""
        if b"\r\na OK" not in tail:
            raise ConnectionError(f"refused: {tail!r}")
        return told


class LmtpClient(_Lines):
    """Delivers one letter after the other. Raises ConnectionError when one is refused."""

    def __init__(self, port: int, recipient: str) -> None:
        super().__init__(port)
        self._recipient = recipient.encode()
        self._ask(b"LHLO client.example")

    def begin(self) -> None:
        """All that comes before a letter."""
        self._ask(b"MAIL FROM:<kitt@free.example>")
        self._ask(b"RCPT TO:<%b>" % self._recipient)
        self._ask(b"DATA")

    def end(self) -> None:
        """What is said of the letter that was sent."""
        self._reply()

    def _ask(self, command: bytes) -> None:
        self.send(command + b"\r\n")
        self._reply()

    def _reply(self) -> None:
        while (line := self.line())[3:4] == b"-":
            pass
        if line[:1] not in b"23":
            raise ConnectionError(f"refused: {line!r}")


class Pop3Client(_Lines):
    """One maildrop. Raises ConnectionError when a command is refused."""

    def __init__(self, port: int, user: str, password: str) -> None:
        super().__init__(port)
        self._ask(f"USER {user}".encode())
        self._ask(f"PASS {password}".encode())

    def retrieve_all(self) -> int:
        """UIDL, and RETR of each message, one after the other: how many octets."""
        listed = self._ask_for_lines(b"UIDL").count(b"\r\n") - 2
        return sum(len(self._ask_for_lines(b"RETR %d" % number)) for number in range(1, listed + 1))

    def close(self) -> None:
        self._ask(b"QUIT")
        super().close()

    def _ask(self, command: bytes) -> None:
        self.send(command + b"\r\n")
        line = self.line()
        if not line.startswith(b"+OK"):
            raise ConnectionError(f"refused: {line!r}")

    def _ask_for_lines(self, command: bytes) -> bytearray:
        self.send(command + b"\r\n")
        told = bytearray()
        while not told.endswith(b"\r\n.\r\n"):
            told += self._read()
        if not told.startswith(b"+OK"):
            raise ConnectionError(f"refused: {bytes(told[:80])!r}")
        return told
