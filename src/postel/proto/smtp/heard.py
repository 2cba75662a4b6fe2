"""Read a server's replies as they come, faults and all, and say what is wrong with their form.

Implements  RFC 5321 4.2 and 4.2.1 (the form of replies), 2.3.8 (lines), 4.5.3.1.5 (their length).
Gives       HeardReader, Heard, Complaint.
Not here    Whether a reply makes sense where it stands: critique. The reader of our own client, which gives up on
            nonsense: reply_reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from postel.mail import Status
from postel.proto.smtp.reply_reader import BadReply

LINE_LIMIT: Final = 512  # RFC 5321 4.5.3.1.5
VERBOSE: Final = b"050"  # lines that sendmail sends before a reply to whoever has said VERB
CHALLENGE_LIMIT: Final = 12_288  # RFC 4954 4
_ENDLESS: Final = 64 * 1024  # octets of one reply that we read before we give up

_FORM: Final = re.compile(rb"(\d{3})(?:([ -])(.*))?", re.DOTALL)
_STATUS: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?: |$)")
_TEXT: Final = re.compile(rb"[\t\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a server does wrong, and by which clause."""

    text: str
    rfc: str


@dataclass(frozen=True, slots=True)
class Heard:
    """One reply.

    code        that of its first line; None where that has none.
    lines       the octets of each line, without its end.
    texts       what stands behind the codes, fit to be shown.
    complaints  about its form.
    """

    code: int | None
    lines: tuple[bytes, ...]
    texts: tuple[str, ...]
    complaints: tuple[Complaint, ...]

    @property
    def is_positive(self) -> bool:
        """2yz and 3yz."""
        return self.code is not None and 200 <= self.code < 400

    @property
    def statuses(self) -> tuple[Status | None, ...]:
        """The enhanced status of each line."""
        return tuple(map(_status, self.texts))


def _status(text: str) -> Status | None:
    match = _STATUS.match(text)
    return Status(*map(int, match.groups())) if match else None


class HeardReader:
    """Octets in, replies out, whatever they look like."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._lines: list[bytes] = []
        self._complaints: list[Complaint] = []

    def receive(self, data: bytes) -> None:
        """Take octets from the server."""
        self._buffer += data

    @property
    def waiting(self) -> bytes:
        """What has come and is no whole reply yet, or one that nobody asked for."""
        return b"".join(line + b"\r\n" for line in self._lines) + bytes(self._buffer)

    def forget(self) -> None:
        """Drop what waits."""
        self._buffer.clear()
        self._lines.clear()
        self._complaints.clear()

    def next_reply(self) -> Heard | None:
        """The next whole reply, or None until more has come. Raises BadReply for one without end."""
        while (end := self._buffer.find(b"\n") + 1) > 0:
            line = bytes(self._buffer[:end])
            del self._buffer[:end]
            if self._take(line):
                return self._finished()
        if len(self._buffer) + sum(map(len, self._lines)) > _ENDLESS:
            raise BadReply(f"a reply of more than {_ENDLESS} octets")
        return None

    def _take(self, line: bytes) -> bool:
        """Whether this line ends its reply."""
        self._complaints += _about_line(line)
        text = line.rstrip(b"\r\n")
        match = _FORM.fullmatch(text)
        if match is None:
            self._complain(
                "a line that is no reply: it begins with no code, or with one and no blank", "5321 4.2.1"
            )
        elif self._lines and match[1] != self._lines[0][:3]:
            self._complain("a reply that changes its code midway", "5321 4.2.1")
        self._lines.append(text)
        return match is None or match[2] != b"-"

    def _complain(self, text: str, rfc: str) -> None:
        self._complaints.append(Complaint(text, rfc))

    def _finished(self) -> Heard:
        lines, complaints = tuple(self._lines), tuple(dict.fromkeys(self._complaints))
        self._lines.clear()
        self._complaints.clear()
        first = _FORM.fullmatch(lines[0])
        code = int(first[1]) if first else None
        return Heard(code, lines, tuple(map(_text_of, lines)), complaints)


def _text_of(line: bytes) -> str:
    match = _FORM.fullmatch(line)
    text = (line if match is None else match[3] or b"").decode("utf-8", "replace")
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def _about_line(line: bytes) -> Iterator[Complaint]:
    text = line.removesuffix(b"\n").removesuffix(b"\r")
    if not line.endswith(b"\r\n"):
        yield Complaint("a line that ends in a bare LF", "5321 2.3.8")
    if b"\r" in text:
        yield Complaint("a CR that stands alone", "5321 2.3.8")
    limit = CHALLENGE_LIMIT if line.startswith(b"334") else LINE_LIMIT
    if len(line) > limit:
        yield Complaint(f"a line of {len(line)} octets; {limit} is the limit", "5321 4.5.3.1.5")
    if line.startswith(VERBOSE):
        return
    if not b"200" <= line[:3] < b"600" and line[:3].isdigit():
        yield Complaint("a code whose first digit is not 2 to 5", "5321 4.2.1")
    elif line[:3].isdigit() and line[1:2] > b"5":
        yield Complaint("a code whose second digit is not 0 to 5", "5321 4.2.1")
    if not _TEXT.fullmatch(text.replace(b"\r", b"")):
        yield Complaint("octets in the text that are no printable ASCII", "5321 4.2.1")
