"""The parts of a message and where they lie, found as fast as Python can; fed in pieces of any size.

Implements  RFC 2046 5.1 (multipart), 5.1.1 (boundaries), 5.1.5 (digest), 5.2.1 (message/rfc822), RFC 6532 3.7.
Gives       Kind, OutlinePart, OutlineReader.
Not here    Which lines are boundaries: boundaries. What octets are, preambles, epilogues: mime_reader, whose rules
            these are. The two agree on every offset, but for a message that says it is encoded (RFC 2046 5.2.1: it
            must not be): here it is looked into, since most such are not, and clients expect a message there.

A content that begins with a blank is all body (header.HeadCollector.is_missing).
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import Final

from postel.message.boundaries import LINE_HELD, BoundaryScanner
from postel.message.mime_fields import MESSAGE, TEXT_PLAIN, MediaType
from postel.message.mime_index import MimeLimits
from postel.message.mime_reader import MESSAGES
from postel.message.structure.description import Described, describe_type, encoding_of
from postel.message.structure.envelope import ADDRESSES
from postel.message.structure.head_fields import head_fields

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_EMPTY_LINES: Final = (b"\n", b"\r\n")
_BLANKS: Final = (b" ", b"\t")
# Octets of a text that are kept for its preview; of one with markup four times as many.
TEXT_SAMPLE: Final = 4 * 1024
SAMPLES: Final = 3  # texts of which that is kept


class Kind(enum.IntEnum):
    """What a part was found to be."""

    LEAF = 0
    MULTIPART = 1  # with parts in it
    MESSAGE = 2  # with a message in it


@dataclass(slots=True)
class OutlinePart:
    """One part, the message itself being the first. The list that they are in has them in the order of the content.

    parent      place of the part around it in that list; -1 of the message.
    start, body_start, end, lines   as `Part` has them.
    head        its header without the empty line, as far as limits allow.
    lines_of_head   what `head_fields` makes of that.
    fields      by name in lower case, what follows the colon: of the first one; of all, where they hold addresses.
    sample      how its body begins, of a text that may be shown as a preview.
    """

    parent: int
    start: int
    default: MediaType
    kind: Kind = Kind.LEAF
    body_start: int = 0
    end: int = 0
    lines: int = 0
    head: bytes = b""
    lines_of_head: list[tuple[bytes, bytes, bytes]] = field(default_factory=list)
    fields: dict[bytes, bytes] = field(default_factory=dict)
    described: Described | None = None
    encoding: str = "7bit"
    sample: bytes | None = None
    children: int = 0


@dataclass(slots=True)
class _Open:
    """A part that has not ended."""

    part: OutlinePart
    at: int  # its place in the list
    lines_before: int = 0
    boundary: bytes = b""
    hidden_level: int = -1
    is_sampled: bool = False


class OutlineReader(BoundaryScanner[_Open]):
    """Fed with a content, gives its parts. Costs O(n)."""

    def __init__(self, limits: MimeLimits | None = None) -> None:
        super().__init__()
        self._limits = limits or MimeLimits()
        self.parts: list[OutlinePart] = []
        self.is_whole = True
        self._head: list[bytes] = []
        self._head_bytes = 0
        self._is_in_head = True
        self._kept_bytes = 0
        self._samples = 0
        self._begin(TEXT_PLAIN)

    def feed(self, octets: bytes) -> None:
        """The next octets of the content."""
        if not self._base and not self._at and not self._buffer and octets.startswith(_BLANKS):
            self._end_head(0)
        self._buffer = self._buffer[self._at :] + octets if self._at < len(self._buffer) else octets
        self._base += self._at
        self._at = 0
        self._scan(is_last=False)

    def finish(self) -> list[OutlinePart]:
        """There are no more octets: the parts."""
        self._scan(is_last=True)
        while self._is_in_head:
            self._end_head(self._at)
        while self._open:
            self._close_last(self._base + self._at)
        return self.parts

    @property
    def size_bytes(self) -> int:
        """Octets so far, but for what is held back."""
        return self._base + self._at

    @property
    def head_bytes(self) -> int:
        """Octets of headers so far."""
        return self._kept_bytes + self._head_bytes

    @property
    def lines(self) -> int:
        """Line ends so far."""
        return self._lines

    def _scan(self, *, is_last: bool) -> None:
        while self._scan_head(is_last) if self._is_in_head else self._scan_body(is_last=is_last):
            pass

    # -- headers -------------------------------------------------------------------------------------------

    def _scan_head(self, is_last: bool) -> bool:
        """True when the header has ended, False when more octets are needed."""
        buffer, at = self._buffer, self._at
        if self._is_line_start and buffer.startswith(_EMPTY_LINES, at):
            end = buffer.find(b"\n", at) + 1
        elif blank := _BLANK_LINE.search(buffer, at):
            end = blank.end()
        else:
            end = 0
        certain = end or (len(buffer) if is_last else self._whole_lines())
        if self._levels and (boundary := self._boundary_in(certain)) >= 0:
            self._take_head(boundary)
            self._end_head(boundary)
            return True
        self._take_head(certain)
        if end:
            self._end_head(end)
        return end > 0

    def _whole_lines(self) -> int:
        """Up to where the lines have ended; a very long one is let through as it comes."""
        end = self._buffer.rfind(b"\n", self._at) + 1 or self._at
        return end if len(self._buffer) - end <= LINE_HELD else len(self._buffer)

    def _boundary_in(self, end: int) -> int:
        """Where a line is a boundary before `end`; -1 when none is."""
        buffer, line_at = self._buffer, self._at
        if not (self._is_line_start and buffer.startswith(b"--", line_at)):
            line_at = buffer.find(b"\n--", line_at, end) + 1 or -1
        while 0 <= line_at < end:
            line_end = buffer.find(b"\n", line_at, end) + 1 or end
            if self._level_of(buffer[line_at:line_end]):
                return line_at
            line_at = buffer.find(b"\n--", line_at, end) + 1 or -1
        return -1

    def _take_head(self, end: int) -> None:
        octets = self._buffer[self._at : end]
        if not octets:
            return
        room = self._limits.header_bytes - self._head_bytes
        if len(octets) > room:
            self.is_whole = False
        if room > 0:
            self._head.append(octets[:room])
            self._head_bytes += min(len(octets), room)
        self._lines += octets.count(b"\n")
        self._is_line_start = octets.endswith(b"\n")
        self._at = end

    def _end_head(self, at: int) -> None:
        """There the body begins: what will be in it?"""
        head, self._head, self._head_bytes = b"".join(self._head), [], 0
        self._is_in_head, self._is_line_start = False, True
        now = self._open[-1]
        part = now.part
        part.body_start = self._base + at
        now.lines_before = self._lines
        self._kept_bytes += len(head)
        if self._kept_bytes > self._limits.kept_bytes:
            self.is_whole, head = False, b""
        part.head = head
        fields = part.fields
        part.lines_of_head = lines = head_fields(head)
        again: dict[bytes, list[bytes]] = {}
        for _, name, rest in lines:
            if name and fields.setdefault(name := name.lower(), rest) is not rest and name in ADDRESSES:
                again.setdefault(name, [fields[name]]).append(rest)
        for name, rests in again.items():
            fields[name] = b",".join(rests)
        part.described = described = describe_type(fields.get(b"content-type"), part.default)
        part.encoding = encoding_of(fields.get(b"content-transfer-encoding"))
        self._look_inside(now, described.media)

    def _look_inside(self, now: _Open, media: MediaType) -> None:
        if media.type == "multipart":
            if media.boundary and self._has_room():
                self._watch_for(media.boundary, now)
        elif media.type == "text":
            now.is_sampled = self._samples < SAMPLES
            self._samples += now.is_sampled
        elif media.name in MESSAGES and self._has_room():
            self._begin(TEXT_PLAIN)

    def _has_room(self) -> bool:
        """Whether one more part may be looked into."""
        if len(self._open) <= self._limits.depth and len(self.parts) < self._limits.parts:
            return True
        self.is_whole = False
        return False

    def _begin(self, default: MediaType) -> None:
        parent = self._open[-1].at if self._open else -1
        part = OutlinePart(parent, self._base + self._at, default)
        self._open.append(_Open(part, len(self.parts)))
        self.parts.append(part)
        self._is_in_head = self._is_line_start = True

    # -- bodies --------------------------------------------------------------------------------------------

    def _take_body(self, end: int) -> None:
        at = self._at
        if end <= at:
            return
        self._lines += self._buffer.count(b"\n", at, end)
        if self._open[-1].is_sampled:
            self._sample(self._open[-1], at, end)
        self._at = end
        self._is_line_start = False

    def _sample(self, now: _Open, at: int, end: int) -> None:
        part = now.part
        seen = part.sample or b""
        assert part.described is not None
        room = TEXT_SAMPLE * (1 if part.described.media.subtype == "plain" else 4) - len(seen)
        part.sample = seen + self._buffer[at : min(end, at + room)]
        now.is_sampled = end - at < room

    def _has_parts(self, multipart: _Open) -> bool:
        return multipart.part.kind is Kind.MULTIPART

    def _meet_boundary(self, line_at: int, end: int, level: int, is_last: bool) -> None:
        if not is_last and len(self.parts) >= self._limits.parts:
            self.is_whole = False
            self._levels.clear()  # the rest is body of the part that we are in
            return
        self._take_body(self._before_break(line_at))
        while len(self._open) - 1 > level:
            self._close_last(self._base + self._at)
        self._lines += self._buffer.count(b"\n", self._at, end)
        self._at = end
        self._is_line_start = True
        multipart = self._open[level]
        if is_last:
            self._forget_boundary(multipart)
            return
        multipart.part.kind = Kind.MULTIPART
        assert multipart.part.described is not None
        self._begin(MESSAGE if multipart.part.described.media.subtype == "digest" else TEXT_PLAIN)

    def _close_last(self, end: int) -> None:
        last = self._open.pop()
        self._forget_boundary(last)
        part = last.part
        # A header that a boundary cut short reaches up to the boundary itself: it keeps its own line end.
        part.end = max(end, part.body_start)
        part.lines = self._lines - last.lines_before
        if self._open:
            around = self._open[-1].part
            around.children += 1
            if around.kind is Kind.LEAF:
                around.kind = Kind.MESSAGE
