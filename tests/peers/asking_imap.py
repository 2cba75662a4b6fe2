"""As much of an IMAP client as comparing servers takes: ask, and read what comes back."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from typing import Any

from peer_programs import PATIENCE_S
from tools.compare_letters import read_value


class Client:
    """As much of an IMAP client as asking takes."""

    def __init__(self, address: str, user: str) -> None:
        self._socket = socket.create_connection((address, 143), timeout=PATIENCE_S)
        self._file = self._socket.makefile("rb")
        self._file.readline()
        self.ask(b"LOGIN %b sesame" % user.encode())
        self.ask(b"SELECT INBOX")

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, command: bytes) -> list[bytes]:
        """The untagged answers, literals included."""
        self._socket.sendall(b"a " + command + b"\r\n")
        answers = []
        while not (line := self._file.readline()).startswith(b"a "):
            while literal := re.search(rb"\{(\d+)\}\r\n\Z", line):
                line += self._file.read(int(literal[1])) + self._file.readline()
            answers.append(line)
        assert line.startswith(b"a OK"), line
        return answers

    def structures(self, count: int) -> list[dict[str, Any]]:
        """ENVELOPE, BODYSTRUCTURE and BODY of each letter."""
        found = []
        for line in self.ask(b"FETCH 1:%d (ENVELOPE BODYSTRUCTURE BODY)" % count):
            value, _ = read_value(line, line.index(b" FETCH ") + len(b" FETCH "))
            found.append(dict(zip(value[::2], value[1::2], strict=True)))
        return found

    def sections(self, number: int, names: Sequence[bytes]) -> dict[bytes, bytes | None]:
        """The octets of sections of one letter."""
        items = b" ".join(b"BODY.PEEK[%b]" % name for name in names)
        (line,) = self.ask(b"FETCH %d (%b)" % (number, items))
        found: dict[bytes, bytes | None] = {}
        at = line.index(b"(") + 1
        while item := re.compile(rb" ?BODY\[([^\]]*)\] ").match(line, at):
            found[item[1]], at = read_value(line, item.end())
        return found

    def numbers(self, command: bytes) -> list[int]:
        """What SEARCH and SORT answer."""
        (line,) = self.ask(command)
        return [int(number) for number in line.split()[2:]]
