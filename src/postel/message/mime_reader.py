"""Find the parts of a message, fed in pieces of any size.

Implements  RFC 2046 5.1 (multipart), 5.1.1 (boundaries), 5.1.5 (digest), 5.2.1 (message/rfc822), RFC 2045 5.2 and 6.4,
            RFC 6532 3.7 (message/global).
Gives       MimeReader, read_mime, describes_content.
Not here    What comes out: mime_index.

Nothing in a message makes it fail. A multipart without a boundary, or whose boundary never comes, is a leaf; one that
is not closed ends where what is around it ends (RFC 2046 5.1.2); an encoding on a multipart is ignored (RFC 2045 6.4).

A line is a boundary if it is `--`, the boundary, perhaps `--`, and blanks. RFC 2046 5.1.1 would be content with a line
that begins so; but then a boundary that begins like the one around it ends that, and mail programs do write such.

What is held back between two pieces is at most one line of LINE_HELD octets; what is remembered grows with the
number of parts alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from postel.message.body_facts import BodyFacts
from postel.message.header import Field, HeaderBlock
from postel.message.mime_fields import (
    MESSAGE,
    TEXT_PLAIN,
    Disposition,
    MediaType,
    parse_disposition,
    parse_media_type,
    parse_transfer_encoding,
)
from postel.message.mime_index import MimeIndex, MimeLimits, Part, Stretch

LINE_HELD: Final = 1000  # octets: a longer line is no boundary (RFC 2046 5.1.1: 70 and a few)
IDENTITIES: Final = frozenset({"7bit", "8bit", "binary"})
MESSAGES: Final = frozenset({"message/rfc822", "message/global"})

Keeps: TypeAlias = Callable[[Field], bool]


def describes_content(field: Field) -> bool:
    """Whether it is one of MIME's own fields (RFC 2045 3)."""
    return field.name[:8].lower() == "content-" or field.name.lower() == "mime-version"


@dataclass(slots=True)
class _Open:
    """A part that has not ended yet."""

    start: int
    default: MediaType
    body_start: int = 0
    media_type: MediaType = TEXT_PLAIN
    encoding: str = "7bit"
    disposition: Disposition | None = None
    fields: tuple[Field, ...] = ()
    is_header_ascii: bool = True
    lines_before: int = 0
    boundary: bytes = b""
    hidden_level: int = -1  # that of a multipart around it with the same boundary
    facts: BodyFacts = field(default_factory=BodyFacts)
    children: list[Part] = field(default_factory=list)
    preamble: Stretch | None = None
    epilogue_start: int = -1

    def close(self, end: int, lines: int) -> Part:
        """Its body ends here."""
        is_closed = self.epilogue_start >= 0
        return Part(
            start=self.start,
            body_start=self.body_start,
            end=end,
            media_type=self.media_type,
            encoding=self.encoding,
            disposition=self.disposition,
            fields=self.fields,
            is_header_ascii=self.is_header_ascii,
            lines=lines - self.lines_before,
            facts=BodyFacts() if is_closed else self.facts,
            children=tuple(self.children),
            preamble=self.preamble,
            epilogue=Stretch(self.epilogue_start, max(end, self.epilogue_start), self.facts)
            if is_closed
            else None,
        )


class MimeReader:
    """Fed with a content, gives its index.

    keeps   which header fields of each part the index is to keep.
    """

    def __init__(self, limits: MimeLimits | None = None, keeps: Keeps = describes_content) -> None:
        self._limits = limits or MimeLimits()
        self._keeps = keeps
        self._buffer = b""
        self._at = 0  # where in the buffer we are
        self._base = 0  # where in the content the buffer begins
        self._lines = 0  # line ends before where we are
        self._open = [_Open(0, TEXT_PLAIN)]
        self._levels: dict[bytes, int] = {}  # boundary -> which of the open ones it is of
        self._head: list[bytes] | None = []  # None: we are in a body
        self._head_bytes = 0
        self._is_line_start = True
        self._parts = 1
        self._kept_bytes = 0
        self._is_whole = True
        self._is_loose = False

    def feed(self, octets: bytes) -> None:
        """The next octets of the content. Costs O(len(octets))."""
        self._buffer = self._buffer[self._at :] + octets
        self._base += self._at
        self._at = 0
        self._scan(is_last=False)

    def finish(self) -> MimeIndex:
        """There are no more."""
        self._scan(is_last=True)
        while self._head is not None:  # a message in which a message begins, and nothing more
            self._end_header()
        end = self._base + self._at
        while len(self._open) > 1:
            self._close_last(end, self._lines)
        return MimeIndex(self._open[0].close(end, self._lines), self._is_whole, self._is_loose)

    def _scan(self, *, is_last: bool) -> None:
        """Alternate between headers and bodies until more octets are needed."""
        while (
            self._scan_header(is_last=is_last) if self._head is not None else self._scan_body(is_last=is_last)
        ):
            pass

    # -- headers -------------------------------------------------------------------------------------------

    def _scan_header(self, *, is_last: bool) -> bool:
        """Line by line. True when the header has ended, False when more octets are needed."""
        while True:
            end = self._buffer.find(b"\n", self._at) + 1
            if not end:
                if not is_last and len(self._buffer) - self._at <= LINE_HELD:
                    return False
                end = len(self._buffer)
            line = self._buffer[self._at : end]
            if not line:
                return False
            if self._is_line_start:
                if line in (b"\r\n", b"\n"):
                    self._is_loose |= line == b"\n"
                    self._take(line)
                    self._end_header()
                    return True
                if self._is_boundary(line):
                    self._end_header()
                    return True  # the body, which is empty, finds it at its start
            self._keep_head(line)
            self._take(line)

    def _take(self, line: bytes) -> None:
        """Step over a line, or the beginning of one."""
        self._at += len(line)
        self._is_line_start = line.endswith(b"\n")
        self._lines += self._is_line_start

    def _keep_head(self, line: bytes) -> None:
        assert self._head is not None
        room = self._limits.header_bytes - self._head_bytes
        if len(line) > room:
            self._is_whole = False
        if room > 0:
            self._head.append(line[:room])
            self._head_bytes += len(line)

    def _end_header(self) -> None:
        """Where we are the body begins: what will be in it?"""
        head, self._head, self._head_bytes = b"".join(self._head or ()), None, 0
        self._is_line_start = True
        now = self._open[-1]
        self._is_loose |= _is_loose(head)
        block = HeaderBlock.parse(head)
        now.body_start = self._base + self._at
        now.lines_before = self._lines
        now.is_header_ascii = head.isascii()
        now.media_type = parse_media_type(block.get("Content-Type"), now.default)
        now.encoding = parse_transfer_encoding(block.get("Content-Transfer-Encoding"))
        now.disposition = parse_disposition(block.get("Content-Disposition"))
        now.fields = self._kept(block)
        self._look_inside(now)

    def _kept(self, block: HeaderBlock) -> tuple[Field, ...]:
        kept = tuple(field for field in block.fields if self._keeps(field))
        self._kept_bytes += sum(len(field.raw) for field in kept)
        if self._kept_bytes > self._limits.kept_bytes:
            self._is_whole = False
            return ()
        return kept

    def _look_inside(self, now: _Open) -> None:
        if now.media_type.boundary:
            if self._has_room():
                self._watch_for(now)
        elif now.media_type.name in MESSAGES and now.encoding in IDENTITIES and self._has_room():
            self._begin(TEXT_PLAIN)

    def _watch_for(self, now: _Open) -> None:
        now.boundary = now.media_type.boundary.encode("utf-8", "replace")
        now.hidden_level = self._levels.get(now.boundary, -1)
        self._levels[now.boundary] = len(self._open) - 1

    def _has_room(self) -> bool:
        """Whether one more part may be looked into."""
        if len(self._open) <= self._limits.depth and self._parts < self._limits.parts:
            return True
        self._is_whole = False
        return False

    def _begin(self, default: MediaType) -> None:
        """Where we are a part begins, with its header."""
        self._parts += 1
        self._open.append(_Open(self._base + self._at, default))
        self._head = []
        self._is_line_start = True

    # -- bodies --------------------------------------------------------------------------------------------

    def _scan_body(self, *, is_last: bool) -> bool:
        """True when a boundary was met, False when more octets are needed."""
        buffer, search = self._buffer, self._at
        while (line_at := self._dashes(search)) >= 0:
            end = buffer.find(b"\n", line_at, line_at + LINE_HELD) + 1
            if not end:
                if not is_last and len(buffer) - line_at < LINE_HELD:
                    self._take_body(self._before_break(line_at))
                    return False
                end = min(len(buffer), line_at + LINE_HELD)
            if self._is_boundary(buffer[line_at:end]):
                self._meet_boundary(line_at, end)
                return True
            search = line_at + 1
        self._take_body(len(buffer) if is_last else self._last_certain())
        return False

    def _dashes(self, search: int) -> int:
        """Where the next line that begins with two dashes does; -1 when there is none."""
        if not self._levels:
            return -1
        if search == self._at and self._is_line_start and self._buffer.startswith(b"--", search):
            return search
        return self._buffer.find(b"\n--", search) + 1 or -1

    def _last_certain(self) -> int:
        """Up to where there can be no boundary: CR, LF and one dash may be the start of one."""
        return max(self._at, len(self._buffer) - len(b"\r\n-")) if self._levels else len(self._buffer)

    def _before_break(self, line_at: int) -> int:
        """RFC 2046 5.1.1: the CRLF before a boundary is part of it."""
        if line_at == self._at:
            return line_at
        is_pair = line_at - self._at >= 2 and self._buffer[line_at - 2 : line_at - 1] == b"\r"
        return line_at - (2 if is_pair else 1)

    def _take_body(self, end: int) -> None:
        """The octets up to there are body, of whatever part we are in."""
        if end <= self._at:
            return
        facts = self._open[-1].facts
        before = facts.lines
        facts.feed(self._buffer[self._at : end])
        self._lines += facts.lines - before
        self._at = end
        self._is_line_start = False

    def _is_boundary(self, line: bytes) -> bool:
        return self._level_of(line) is not None

    def _level_of(self, line: bytes) -> tuple[int, bool] | None:
        """Which open multipart's boundary it is, the innermost one's if several, and whether it closes that."""
        if not self._levels or not line.startswith(b"--"):
            return None
        text = line[2:].rstrip(b" \t\r\n")
        level, closed = self._levels.get(text, -1), -1
        if text.endswith(b"--"):
            closed = self._levels.get(text[:-2], -1)
            if closed >= 0 and self._open[closed].preamble is None:
                closed = -1  # nothing was opened: without a part it would be no multipart
        if max(level, closed) < 0:
            return None
        return max(level, closed), closed > level

    def _meet_boundary(self, line_at: int, end: int) -> None:
        found = self._level_of(self._buffer[line_at:end])
        assert found is not None
        level, is_last = found
        if not is_last and self._parts >= self._limits.parts:
            self._is_whole = False
            self._levels.clear()  # the rest is body of the part that we are in
            return
        self._is_loose |= _is_loose(self._buffer[self._before_break(line_at) : end])
        self._take_body(self._before_break(line_at))
        self._close_above(level, self._base + self._at, self._lines)
        self._note_preamble(self._open[level], self._base + line_at)
        self._lines += self._buffer.count(b"\n", self._at, end)
        self._at = end
        self._is_line_start = True
        if is_last:
            self._begin_epilogue(self._open[level])
        else:
            is_digest = self._open[level].media_type.subtype == "digest"
            self._begin(MESSAGE if is_digest else TEXT_PLAIN)

    def _note_preamble(self, multipart: _Open, boundary_at: int) -> None:
        if multipart.preamble is None:
            multipart.preamble = Stretch(multipart.body_start, boundary_at, multipart.facts)
            multipart.facts = BodyFacts()

    def _begin_epilogue(self, multipart: _Open) -> None:
        self._forget_boundary(multipart)
        multipart.epilogue_start = self._base + self._at
        multipart.facts = BodyFacts()

    def _forget_boundary(self, multipart: _Open) -> None:
        boundary, multipart.boundary = multipart.boundary, b""
        if boundary and multipart.hidden_level >= 0:
            self._levels[boundary] = multipart.hidden_level
        elif boundary:
            self._levels.pop(boundary, None)

    def _close_above(self, level: int, end: int, lines: int) -> None:
        while len(self._open) - 1 > level:
            self._close_last(end, lines)

    def _close_last(self, end: int, lines: int) -> None:
        last = self._open.pop()
        self._forget_boundary(last)
        # A header that a boundary cut short reaches up to the boundary itself: it keeps its own line end.
        self._open[-1].children.append(last.close(max(end, last.body_start), lines))


def _is_loose(lines: bytes) -> bool:
    """Whether a CR or LF stands alone, or a NUL is among them."""
    pairs = lines.count(b"\r\n")
    return lines.count(b"\n") != pairs or lines.count(b"\r") != pairs or b"\0" in lines


def read_mime(
    content: bytes, limits: MimeLimits | None = None, keeps: Keeps = describes_content
) -> MimeIndex:
    """The index of a content that is in memory."""
    reader = MimeReader(limits, keeps)
    reader.feed(content)
    return reader.finish()
