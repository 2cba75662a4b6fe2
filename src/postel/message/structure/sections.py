"""Sections of a message: where the octets lie that a client asks for.

Implements  RFC 9051 6.4.5.1 and RFC 3501 6.4.5 (sections, HEADER.FIELDS, partial), RFC 3516 4 (BINARY).
Gives       SectionText, Span, find_span, kept_fields, kept_fields_of, select_fields, BinaryPart, find_binary, TextPart,
            text_parts.

A message as it is read is a copy's own prefix and then the content that copies share. Spans are offsets in that; what
is before len(prefix) is read from the prefix. Large things are spans only: whoever asks streams them.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from postel.message.decoders import Transform, decoder_for
from postel.message.search.text import TextStream
from postel.message.structure.blob import KEPT_CODES, LACKS_FIELDS, IndexedContent, PartFacts, kept_of
from postel.message.structure.head_fields import head_fields

_EMPTY_LINE: Final = b"\r\n"
_MARKED_UP: Final = frozenset({"text/html", "text/xml", "application/xhtml+xml"})


class SectionText(enum.StrEnum):
    """What of a section is wanted (RFC 9051 9, section-text)."""

    WHOLE = ""
    HEADER = "HEADER"
    TEXT = "TEXT"
    MIME = "MIME"


@dataclass(frozen=True, slots=True)
class Span:
    """Octets from `start` to before `end`."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """How many."""
        return self.end - self.start

    def cut(self, offset: int, length: int) -> Span:
        """RFC 9051 6.4.5.1: so many from there; an offset beyond the end gives none."""
        start = min(self.start + offset, self.end)
        return Span(start, min(start + length, self.end))


def find_part(index: IndexedContent, numbers: tuple[int, ...]) -> int | None:
    """The place among the parts that IMAP calls by these numbers; None when there is none. Raises StaleIndex.

    RFC 9051 6.4.5.1: a message that is no multipart has the one part 1, its body; the numbers after those of a
    message/rfc822 are those of the message in it.
    """
    parts, children = index.parts, index.children
    at, is_body = 0, False
    for number in numbers:
        if is_body and not children[at]:
            return None
        if is_body and parts[at].is_message:
            at = children[at][0]
        if parts[at].is_multipart:
            if not 1 <= number <= len(children[at]):
                return None
            at = children[at][number - 1]
        elif number != 1 or parts[at].media.startswith("multipart/"):
            return None
        is_body = True
    return at


def find_span(
    index: IndexedContent, prefix: bytes, numbers: tuple[int, ...], what: SectionText = SectionText.WHOLE
) -> Span | None:
    """Where the section's octets are; None when there is no such section. Raises StaleIndex."""
    if not numbers:
        return _of_message(index, len(prefix), what)
    at = find_part(index, numbers)
    if at is None:
        return None
    part = index.parts[at]
    if what in (SectionText.HEADER, SectionText.TEXT):
        # RFC 9051 6.4.5.1: these are of the message in a message/rfc822 only.
        if not part.is_message:
            return None
        inner = index.parts[index.children[at][0]]
        found = (
            (inner.start, inner.body_start) if what is SectionText.HEADER else (inner.body_start, inner.end)
        )
    else:
        found = (part.start, part.body_start) if what is SectionText.MIME else (part.body_start, part.end)
    # The header of the message itself begins in the prefix.
    start = 0 if found[0] == 0 and what is SectionText.MIME else found[0] + len(prefix)
    return Span(start, found[1] + len(prefix))


def _of_message(index: IndexedContent, before: int, what: SectionText) -> Span | None:
    """RFC 9051 6.4.5.1: MIME is of a part only."""
    match what:
        case SectionText.WHOLE:
            return Span(0, before + index.size_bytes)
        case SectionText.HEADER:
            return Span(0, before + index.body_start)
        case SectionText.TEXT:
            return Span(before + index.body_start, before + index.size_bytes)
        case _:
            return None


# -- fields of headers ---------------------------------------------------------------------------------------


@lru_cache(1000)
def _codes(names: frozenset[bytes]) -> frozenset[int] | None:
    """The numbers of these names; None when one of them is not always kept."""
    codes = frozenset(code for name in names if (code := KEPT_CODES.get(name)) is not None)
    return codes if len(codes) == len(names) else None


def kept_fields(index: IndexedContent, prefix: bytes, names: frozenset[bytes]) -> bytes | None:
    """HEADER.FIELDS of the message, with its empty line, from the blob alone; None when the header must be read.

    `names` in lower case.
    """
    codes = _codes(names)
    if codes is None or index.flags & LACKS_FIELDS:
        return None
    return b"".join([_fields_of(prefix, names), *index.kept(codes), _EMPTY_LINE])


def kept_fields_of(
    blobs: Iterable[bytes], prefixes: Iterable[bytes], names: frozenset[bytes]
) -> list[bytes | None]:
    """What `kept_fields` says of each of many messages. Raises StaleIndex."""
    codes = _codes(names)
    own: dict[bytes, bytes] = {}  # of prefixes: messages that were delivered together share them
    found: list[bytes | None] = []
    for blob, prefix in zip(blobs, prefixes, strict=True):
        kept = None if codes is None else kept_of(blob, codes)
        if kept is not None:
            fields = own.get(prefix)
            if fields is None:
                fields = own[prefix] = _fields_of(prefix, names)
            kept = b"%b%b\r\n" % (fields, kept)
        found.append(kept)
    return found


def _fields_of(prefix: bytes, names: frozenset[bytes]) -> bytes:
    return b"".join([raw for _, name, raw in _named(prefix) if name.lower() in names]) if prefix else b""


@lru_cache(256)
def _named(prefix: bytes) -> tuple[tuple[bytes, bytes, bytes], ...]:
    """A copy's own fields; copies that were delivered together share them."""
    return tuple((rest, name, raw) for raw, name, rest in head_fields(prefix) if name)


def select_fields(header: bytes, names: frozenset[bytes], *, excluding: bool = False) -> bytes:
    """HEADER.FIELDS, or HEADER.FIELDS.NOT, of header octets; with its empty line. Costs O(n).

    RFC 9051 6.4.5.1: "the blank line is always included", the order is that of the header.
    """
    found = []
    for raw, name, _ in head_fields(header):
        if raw in (b"\r\n", b"\n"):
            break
        if raw and (name.lower() in names) is not excluding:
            found.append(raw if raw.endswith(b"\n") else raw + _EMPTY_LINE)
    return b"".join([*found, _EMPTY_LINE])


# -- what is decoded -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BinaryPart:
    """A part to be decoded as it is read (RFC 3516 4.2): its octets, still encoded, and in what."""

    span: Span
    encoding: str

    def decoder(self) -> Transform | None:
        """None for an encoding that we do not know: NO [UNKNOWN-CTE]."""
        return decoder_for(self.encoding)


def find_binary(index: IndexedContent, prefix: bytes, numbers: tuple[int, ...]) -> BinaryPart | None:
    """BINARY[numbers]; without numbers the whole message. None when there is no such part. Raises StaleIndex.

    What has parts in it is not encoded, whatever its header says (RFC 2045 6.4).
    """
    if not numbers:
        return BinaryPart(Span(0, len(prefix) + index.size_bytes), "binary")
    at = find_part(index, numbers)
    if at is None:
        return None
    part = index.parts[at]
    span = Span(len(prefix) + part.body_start, len(prefix) + part.end)
    return BinaryPart(span, "binary" if index.children[at] else part.encoding)


@dataclass(frozen=True, slots=True)
class TextPart:
    """A part as search sees it: its header's octets, its name, and its text's octets, if it is one."""

    header_span: Span
    filename: str
    span: Span | None
    facts: PartFacts

    def reader(self) -> TextStream:
        """What makes folded text of the octets in `span`."""
        return TextStream(self.facts.encoding, self.facts.charset, is_html=self.facts.media in _MARKED_UP)


def text_parts(index: IndexedContent, prefix: bytes) -> tuple[TextPart, ...]:
    """All that search looks at, in the order of the content. Raises StaleIndex."""
    before = len(prefix)
    return tuple(
        TextPart(
            Span(before + part.start if part.start else 0, before + part.body_start),
            part.filename,
            Span(before + part.body_start, before + part.end) if _is_text(part) else None,
            part,
        )
        for part in index.parts
    )


def _is_text(part: PartFacts) -> bool:
    return part.media.startswith("text/") and not part.is_multipart
