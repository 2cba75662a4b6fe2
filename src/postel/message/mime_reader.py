"""Find the parts of a message, fed in pieces of any size.

Implements  RFC 2046 5.1 (multipart), 5.1.1 (boundaries), 5.1.5 (digest), 5.2.1 (message/rfc822), RFC 2045 5.2 and 6.4,
            RFC 6532 3.7 (message/global).
Gives       MimeReader, read_mime, describes_content.
Not here    What comes out: mime_index. Which lines are boundaries: boundaries.

Nothing in a message makes it fail. A multipart without a boundary, or whose boundary never comes, is a leaf; one that
is not closed ends where what is around it ends (RFC 2046 5.1.2); an encoding on a multipart is ignored (RFC 2045 6.4).

What is held back between two pieces is at most one line of LINE_HELD octets; what is remembered grows with the
number of parts alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from postel.message.body_facts import BodyFacts
from postel.message.boundaries import LINE_HELD, BoundaryScanner
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
    hidden_level: int = -1
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


class MimeReader(BoundaryScanner[_Open]):
    """Fed with a content, gives its index.

    keeps   which header fields of each part the index is to keep.
    """

    def __init__(self, limits: MimeLimits | None = None, keeps: Keeps = describes_content) -> None:
        super().__init__()
        self._limits = limits or MimeLimits()
        self._keeps = keeps
        self._open.append(_Open(0, TEXT_PLAIN))
        self._head: list[bytes] | None = []  # None: we are in a body
        self._head_bytes = 0
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
                self._watch_for(now.media_type.boundary, now)
        elif now.media_type.name in MESSAGES and now.encoding in IDENTITIES and self._has_room():
            self._begin(TEXT_PLAIN)

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

    def _take_body(self, end: int) -> None:
        if end <= self._at:
            return
        facts = self._open[-1].facts
        before = facts.lines
        facts.feed(self._buffer[self._at : end])
        self._lines += facts.lines - before
        self._at = end
        self._is_line_start = False

    def _is_boundary(self, line: bytes) -> bool:
        return bool(self._levels) and line.startswith(b"--") and self._level_of(line) is not None

    def _has_parts(self, multipart: _Open) -> bool:
        return multipart.preamble is not None

    def _meet_boundary(self, line_at: int, end: int, level: int, is_last: bool) -> None:
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
