"""The octets that an IMAP URL names, in the mailbox where they are: counted first, then in pieces.

Implements  RFC 5092 6 (a message, a part, some octets of it), RFC 5550 5.7.1 (URL-PARTIAL).
Gives       UrlContent, open_url.
Not here    Syntax: proto.imap.urls. Who may follow the URL: url_access.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from postel.contents import ContentMissing, Contents
from postel.message import IndexedContent, SectionText, Span, find_span, select_fields
from postel.proto import imap
from postel.proto.imap import ImapUrl, Section
from postel.store import Letter, Store, StoredMailbox

HEADER_LIMIT: Final = 4 * 1024 * 1024  # octets of one header that are looked through for fields
_ALL: Final = 1 << 62
_TEXTS: Final = {
    None: SectionText.WHOLE,
    imap.SectionText.HEADER: SectionText.HEADER,
    imap.SectionText.TEXT: SectionText.TEXT,
    imap.SectionText.MIME: SectionText.MIME,
    imap.SectionText.FIELDS: SectionText.HEADER,
    imap.SectionText.FIELDS_NOT: SectionText.HEADER,
}


@dataclass(frozen=True, slots=True)
class UrlContent:
    """What a URL names.

    size_bytes   how much it is.
    """

    _contents: Contents
    _letter: Letter
    _span: Span
    _fields: bytes | None = None  # a selection of header fields, of which the span tells

    @property
    def size_bytes(self) -> int:
        """How much it is."""
        return self._span.size

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The octets: of the copy's own prefix, then of the content. Raises ContentMissing, DatabaseTrouble."""
        span, prefix = self._span, self._letter.prefix
        if self._fields is not None:
            yield self._fields[span.start : span.end]
            return
        if span.start < len(prefix):
            yield prefix[span.start : span.end]
        start, stop = max(span.start - len(prefix), 0), max(span.end - len(prefix), 0)
        if stop <= start:
            return
        reader = await self._contents.reader(self._letter.content_id)
        async with aclosing(reader.chunks(start, stop)) as pieces:
            async for piece in pieces:
                yield piece

    async def read(self) -> bytes:
        """All of it. Raises ContentMissing, DatabaseTrouble."""
        async with aclosing(self.pieces()) as pieces:
            return b"".join([piece async for piece in pieces])


async def open_url(store: Store, contents: Contents, box: StoredMailbox, url: ImapUrl) -> UrlContent | None:
    """What the URL names in its mailbox; None: nothing that is there. Raises DatabaseTrouble."""
    if url.uid is None or (url.uid_validity is not None and url.uid_validity != box.uid_validity):
        return None
    letter = (await store.letters(box.id, [url.uid])).get(url.uid)
    if letter is None:
        return None
    blob = (await store.index.fresh([letter.content_id])).get(letter.content_id)
    if blob is None:
        return None
    section = url.section or Section()
    span = find_span(IndexedContent.read(blob), letter.prefix, section.part, _TEXTS[section.text])
    if span is None:
        return None
    try:
        found = await _selected(UrlContent(contents, letter, span), section)
    except ContentMissing:
        return None
    return _part(found, url.partial)


async def _selected(header: UrlContent, section: Section) -> UrlContent:
    """RFC 9051 6.4.5: those fields of a header that are asked for; any other section as it is."""
    if section.text not in (imap.SectionText.FIELDS, imap.SectionText.FIELDS_NOT):
        return header
    names = frozenset(field.lower() for field in section.fields)
    octets = await _part(header, (0, HEADER_LIMIT)).read()
    fields = select_fields(octets, names, excluding=section.text is imap.SectionText.FIELDS_NOT)
    return UrlContent(header._contents, header._letter, Span(0, len(fields)), fields)


def _part(content: UrlContent, partial: tuple[int, int | None] | None) -> UrlContent:
    if partial is None:
        return content
    offset, count = partial
    span = content._span.cut(offset, _ALL if count is None else count)
    return UrlContent(content._contents, content._letter, span, content._fields)
