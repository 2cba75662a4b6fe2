"""Read a server's replies off the wire, however they are cut into segments.

Implements  RFC 5321 4.2, 4.2.1 (multi-line replies), 4.5.3.1.5 (their length), RFC 2034 4 (status codes).
Gives       ReplyReader, WireReply, ReplyLimits, BadReply.
Not here    Which command a reply belongs to: client.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from postel.mail import RemoteFault, Reply, Status

# RFC 5321 4.2.1 asks for second digits 0 to 5 only; servers in the field know no such bound, so neither do
# we. 1yz is no SMTP reply (4.2.1), and whatever else begins a line is nonsense.
_LINE: Final = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\n]*?))?\r?\n")
_STATUS: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?: |$)")


class BadReply(RemoteFault):
    """The server sent what is no reply, or one beyond a limit. Nothing after it can be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyLimits:
    """How much reply we read before we call it nonsense."""

    line: int = 12_300  # octets; RFC 5321 4.5.3.1.5 says 512, RFC 4954 4 wants room for SASL challenges
    lines: int = 512  # of one reply; the longest EHLO replies in the field have about 40
    octets: int = 64 * 1024  # of one reply


@dataclass(frozen=True, slots=True)
class WireReply:
    """A reply as it came: the code, and the text of each line without code, separator and line end."""

    code: int
    lines: tuple[str, ...]

    def reply(self) -> Reply:
        """With the enhanced status read off the lines.

        RFC 2034 4: each line repeats it, and its class agrees with the code; what does not agree is text.
        """
        match = _STATUS.match(self.lines[0])
        if match is None or match.group(1) != str(self.code)[0]:
            return self.plain()
        status = _status(*match.groups())
        prefix = self.lines[0][: match.end()].rstrip(" ")
        return Reply(self.code, status, "\n".join([_without(prefix, line) for line in self.lines]))

    def plain(self) -> Reply:
        """Without looking for a status: greetings, EHLO replies and challenges never have one."""
        return Reply(self.code, None, "\n".join(self.lines))


class ReplyReader:
    """Bytes in, replies out."""

    __slots__ = ("_buffer", "_code", "_limits", "_lines", "_octets", "_searched")

    def __init__(self, limits: ReplyLimits) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._searched = 0  # no line feed before this offset
        self._code = 0
        self._lines: list[str] = []
        self._octets = 0

    def receive(self, data: bytes) -> None:
        """Take bytes from the server."""
        self._buffer += data

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits here, not even half a line."""
        return not self._buffer and not self._lines

    def next_reply(self) -> WireReply | None:
        """The next whole reply, or None until more has come. Raises BadReply."""
        if not self._buffer:
            return None
        while (line := self._next_line()) is not None:
            if (reply := self._take(line)) is not None:
                return reply
        return None

    def _next_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._searched) + 1
        if (end or len(self._buffer)) > self._limits.line:
            raise BadReply(f"a reply line of more than {self._limits.line} octets")
        if not end:
            self._searched = len(self._buffer)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[:end]
        self._searched = 0
        return line

    def _take(self, line: bytes) -> WireReply | None:
        match = _LINE.fullmatch(line)
        if match is None:
            raise BadReply("a line that is no reply")
        code, separator, text = match.groups()
        if self._lines and int(code) != self._code:
            # RFC 5321 4.2.1: the code on each line MUST be the same, so that any line may be relied on.
            raise BadReply("a reply that changes its code midway")
        self._code = int(code)
        self._lines.append(_readable(text or b""))
        self._octets += len(line)
        if separator != b"-":
            return self._finished()
        if len(self._lines) >= self._limits.lines or self._octets > self._limits.octets:
            raise BadReply(f"a reply of more than {self._limits.lines} lines or {self._limits.octets} octets")
        return None

    def _finished(self) -> WireReply:
        reply = WireReply(self._code, tuple(self._lines))
        self._lines.clear()
        self._octets = 0
        return reply


@lru_cache(maxsize=256)
def _status(klass: str, subject: str, detail: str) -> Status:
    return Status(int(klass), int(subject), int(detail))


def _readable(text: bytes) -> str:
    """Text for logs and reports: RFC 6531 3.7.4.2 allows UTF-8, nobody allows controls."""
    decoded = text.decode("utf-8", "replace")
    if decoded.isprintable():
        return decoded
    return "".join(c if c.isprintable() else "?" for c in decoded)


def _without(prefix: str, line: str) -> str:
    return line[len(prefix) :].lstrip(" ") if line.startswith(prefix) else line
