"""A plain client of IMAP for tests of the life of a real server: one command after the other."""

from __future__ import annotations

import re
from collections.abc import Sequence

from served import PASSWORD, Line

_LITERAL = re.compile(r"\{(\d+)\}$")


class ImapLine(Line):
    """Logged in, or not yet."""

    def __init__(self, port: int, user: str | None = None) -> None:
        super().__init__(port)
        self.greeting = self.read()
        self._number = 0
        if user is not None:
            result, _ = self.command(f'LOGIN {user} "{PASSWORD}"')
            assert result.startswith("OK"), result

    def command(self, text: str) -> tuple[str, list[str]]:
        """The result without its tag, "" when the server hangs up, and the untagged lines before it."""
        self._number += 1
        tag, told = f"t{self._number}", list[str]()
        self.socket.sendall(f"{tag} {text}\r\n".encode())
        while line := self._whole_line():
            if line.startswith(f"{tag} "):
                return line.removeprefix(f"{tag} "), told
            told.append(line)
        return "", told

    def ok(self, text: str) -> Sequence[str]:
        """The untagged lines of a command that succeeds."""
        result, told = self.command(text)
        assert result.startswith("OK"), (text, result)
        return told

    def append(self, text: str, mailbox: str = "INBOX") -> str:
        """The result."""
        return self.command(f"APPEND {mailbox} {{{len(text)}+}}\r\n{text}")[0]

    def messages(self, mailbox: str = "INBOX") -> int:
        """How many there are."""
        (told,) = self.ok(f"STATUS {mailbox} (MESSAGES)")
        return int(told.rstrip(")").split()[-1])

    def subjects(self, mailbox: str = "INBOX") -> list[tuple[int, str]]:
        """UID and subject of every message; the subject is one word."""
        self.ok(f"EXAMINE {mailbox}")
        told = self.ok("UID FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]")
        found = [re.search(r"UID (\d+) .*Subject: (\S+)", line, re.DOTALL) for line in told if "UID" in line]
        return [(int(one[1]), one[2]) for one in found if one]

    def _whole_line(self) -> str:
        line = self.read()
        while (match := _LITERAL.search(line)) is not None:
            line += "\n" + self._file.read(int(match[1])).decode("utf-8", "replace") + self.read()
        return line
