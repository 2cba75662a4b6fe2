"""What a server answers: reply codes and enhanced status codes.

Implements  RFC 5321 4.2 (replies), RFC 3463 2 (the shape of status codes), RFC 2034 4 (the two together).
Gives       Status, Reply.
Not here    The catalogue of SMTP's replies by name: proto.smtp.replies; those that rooms share: mail.replies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from postel.mail.fault import BadSyntax

_STATUS: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})")
REPLY_LINE_LIMIT: Final = 512  # octets with CRLF: RFC 5321 4.5.3.1.5


@dataclass(frozen=True, slots=True)
class Status:
    """An enhanced status code: class.subject.detail (RFC 3463 2)."""

    klass: int
    subject: int
    detail: int

    def __str__(self) -> str:
        return f"{self.klass}.{self.subject}.{self.detail}"

    @property
    def is_transient(self) -> bool:
        """Class 4: the same may work later."""
        return self.klass == 4

    def as_permanent(self) -> Status:
        """The same subject and detail as class 5: what a transient trouble becomes when time is up."""
        return Status(5, self.subject, self.detail)

    @classmethod
    def parse(cls, text: str) -> Status:
        """Parse `4.7.1`. Raises BadSyntax."""
        match = _STATUS.fullmatch(text)
        if match is None:
            raise BadSyntax("an enhanced status code is like 4.7.1")
        return cls(*(int(part) for part in match.groups()))


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: code, enhanced status where one belongs, and text.

    A newline in `text` starts a further line of a multi-line reply.
    """

    code: int
    status: Status | None
    text: str
    _octets: bytes | None = field(default=None, init=False, repr=False, compare=False)  # once asked for

    @property
    def is_positive(self) -> bool:
        """2yz and 3yz."""
        return self.code < 400

    @property
    def is_transient(self) -> bool:
        """4yz: RFC 5321 4.2.1."""
        return 400 <= self.code < 500

    @property
    def is_permanent(self) -> bool:
        """5yz: RFC 5321 4.2.1."""
        return self.code >= 500

    @property
    def best_status(self) -> Status:
        """The enhanced status, or else x.0.0, all that the code alone allows to say (RFC 3463 3.1)."""
        if self.status is not None:
            return self.status
        return Status(4 if self.is_transient else 5 if self.is_permanent else 2, 0, 0)

    def format(self) -> bytes:
        """The wire form, multi-line where the text has several lines, each ending in CRLF."""
        octets = self._octets
        if octets is None:
            octets = _format(self)
            object.__setattr__(self, "_octets", octets)
        return octets

    def __str__(self) -> str:
        """One line for logs: `550 5.1.1 No such mailbox here`."""
        status = f" {self.status}" if self.status else ""
        return f"{self.code}{status} {' / '.join(self.text.splitlines())}"

    @classmethod
    def parse(cls, text: str) -> Reply:
        """Parse `550 5.1.1 text`, as configuration and hooks write it. Raises BadSyntax."""
        code, _, rest = text.partition(" ")
        if not (len(code) == 3 and code.isdecimal() and "200" <= code < "600"):
            raise BadSyntax("a reply begins with a code of three digits, 200 to 599")
        first, _, after = rest.partition(" ")
        match = _STATUS.fullmatch(first)
        if match is None:
            return cls(int(code), None, rest)
        if match.group(1) != code[0]:
            raise BadSyntax("the enhanced status begins with the same digit as the reply code")
        return cls(int(code), Status.parse(first), after)


def _format(reply: Reply) -> bytes:
    status = f"{reply.status} " if reply.status else ""
    room = REPLY_LINE_LIMIT - 6 - len(status)
    if reply.text.isprintable():
        return f"{reply.code} {status}{reply.text[:room]}\r\n".encode()
    lines = [_clean(line)[:room] for line in reply.text.split("\n")]
    last = len(lines) - 1
    return b"".join(
        f"{reply.code}{' ' if n == last else '-'}{status}{line}\r\n".encode() for n, line in enumerate(lines)
    )


def _clean(line: str) -> str:
    """Nothing that we repeat from elsewhere may break out of its line."""
    return line if line.isprintable() else "".join(c if c.isprintable() else "?" for c in line)
