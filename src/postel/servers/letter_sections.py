"""The sections of a stored letter: where they lie, and their octets.

Implements  RFC 9051 6.4.5 (section-spec), for FETCH and for IMAP URLs.
Gives       LetterOctets, is_selection.
Not here    Where parts lie in a message: message. How octets are told: imapd.fetch_sections, url_content.

A letter is the prefix of its own copy, then the content that copies share; spans count through both.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from postel.contents import Contents
from postel.message import IndexedContent, SectionText, Span, find_span, kept_fields, select_fields
from postel.proto import imap
from postel.store import Letter

HEADER_LIMIT: Final = 4 * 1024 * 1024  # octets of one header that are looked through for fields
_SELECTIONS: Final = frozenset({imap.SectionText.FIELDS, imap.SectionText.FIELDS_NOT})
_TEXTS: Final = {
    None: SectionText.WHOLE,
    imap.SectionText.HEADER: SectionText.HEADER,
    imap.SectionText.FIELDS: SectionText.HEADER,
    imap.SectionText.FIELDS_NOT: SectionText.HEADER,
    imap.SectionText.TEXT: SectionText.TEXT,
    imap.SectionText.MIME: SectionText.MIME,
}


def is_selection(section: imap.Section) -> bool:
    """Whether some fields of a header are asked for, which lie nowhere side by side."""
    return section.text in _SELECTIONS


@dataclass(frozen=True, slots=True)
class LetterOctets:
    """One letter, to be read by sections.

    content     all of it but the prefix, where it is in memory.
    """

    contents: Contents
    letter: Letter
    index: IndexedContent
    content: bytes | None = None

    @property
    def prefix(self) -> bytes:
        """What only this copy has: the letter begins with it."""
        return self.letter.prefix

    def span(self, section: imap.Section) -> Span | None:
        """Where a section lies, or the header that a selection is made of; None when there is none."""
        return find_span(self.index, self.prefix, section.part, _TEXTS[section.text])

    async def fields(self, section: imap.Section) -> bytes | None:
        """A selection of header fields; None when there is no such header. Raises ContentMissing, DatabaseTrouble."""
        names = frozenset(field.lower() for field in section.fields)
        is_excluding = section.text is imap.SectionText.FIELDS_NOT
        if not section.part and not is_excluding:
            kept = kept_fields(self.index, self.prefix, names)
            if kept is not None:
                return kept
        span = self.span(section)
        if span is None:
            return None
        return select_fields(await self.read(span.cut(0, HEADER_LIMIT)), names, excluding=is_excluding)

    def at_hand(self, span: Span) -> bytes | None:
        """The octets of a span; None where they must be waited for."""
        content, before = self.content, len(self.prefix)
        if content is None:
            return None
        if span.start >= before:
            return content[span.start - before : span.end - before]
        return self.prefix[span.start : span.end] + content[: max(span.end - before, 0)]

    async def read(self, span: Span) -> bytes:
        """The octets of a span. Raises ContentMissing, DatabaseTrouble."""
        async with aclosing(self.pieces(span)) as pieces:
            return b"".join([piece async for piece in pieces])

    async def pieces(self, span: Span) -> AsyncGenerator[bytes, None]:
        """The octets of a span, as they come from the disk. Raises ContentMissing, DatabaseTrouble."""
        before = len(self.prefix)
        if span.start < before:
            yield self.prefix[span.start : span.end]
        start, stop = max(span.start - before, 0), max(span.end - before, 0)
        if stop <= start:
            return
        if self.content is not None:
            yield self.content[start:stop]
            return
        reader = await self.contents.reader(self.letter.content_id)
        async with aclosing(reader.chunks(start, stop)) as pieces:
            async for piece in pieces:
                yield piece
