"""Sections of bodies, streamed: octets as they came.

Implements  RFC 9051 6.4.5 (BODY[...], partial), RFC 3501 6.4.5 (RFC822 and its kin), RFC 3516 4 (BINARY).
Gives       section_of, Sections.
Not here    Where sections lie: message.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from postel.contents import Draft
from postel.message import (
    IndexedContent,
    SectionText,
    Span,
    find_binary,
    find_span,
    kept_fields,
    select_fields,
)
from postel.proto import imap
from postel.proto.imap import NO, FetchAtom, FetchItem, FetchSection, Form, Section, codes, responses
from postel.servers.imapd.faults import Denied
from postel.store import Letter

if TYPE_CHECKING:
    from postel.servers.imapd.session import ImapSession

HEADER_LIMIT: Final = 4 * 1024 * 1024  # octets of one header that are looked through for fields

# RFC 3501 6.4.5: what the old items stand for.
_OLD: Final[Mapping[FetchAtom, tuple[Section, bool]]] = {
    FetchAtom.RFC822: (Section(), False),
    FetchAtom.RFC822_HEADER: (Section((), imap.SectionText.HEADER), True),
    FetchAtom.RFC822_TEXT: (Section((), imap.SectionText.TEXT), False),
}
_TEXTS: Final = {
    None: SectionText.WHOLE,
    imap.SectionText.HEADER: SectionText.HEADER,
    imap.SectionText.TEXT: SectionText.TEXT,
    imap.SectionText.MIME: SectionText.MIME,
}


def section_of(item: FetchItem) -> tuple[bytes, FetchSection]:
    """The item's name in the response, and the section that it asks for."""
    if isinstance(item, FetchSection):
        return item.name(), item
    assert isinstance(item, FetchAtom)
    section, is_peek = _OLD[item]
    return item.value, FetchSection(section, is_peek)


class Sections:
    """The sections of one message, for a session that waits for its client to take them."""

    def __init__(self, session: ImapSession, letter: Letter, blob: bytes, content: bytes | None) -> None:
        self._session = session
        self._letter = letter
        self._content = content
        self._index = IndexedContent.read(blob)

    async def check(self, wanted: FetchSection) -> None:
        """What can be refused is refused before the message's line is begun. Raises Denied, ContentMissing."""
        if self._content is None:
            await self._session.parts.contents.reader(self._letter.content_id)
        if wanted.form is not Form.BODY:
            part = find_binary(self._index, self._letter.prefix, wanted.section.part)
            if part is not None and part.decoder() is None:
                raise Denied(NO.saying("The encoding is not known", codes.UNKNOWN_CTE))

    def at_hand(self, name: bytes, wanted: FetchSection) -> bytes | None:
        """The whole item; None where its octets must be waited for, or are more than a span."""
        fields = (imap.SectionText.FIELDS, imap.SectionText.FIELDS_NOT)
        content = self._content
        if content is None or wanted.form is not Form.BODY or wanted.section.text in fields:
            return None
        span = self.span(wanted)
        if span is None:
            return name + b" NIL"
        prefix, before = self._letter.prefix, len(self._letter.prefix)
        if span.start >= before:
            octets = content[span.start - before : span.end - before]
        else:
            octets = prefix[span.start : span.end] + content[: max(span.end - before, 0)]
        return b"%b {%d}\r\n%b" % (name, len(octets), octets)

    async def write(self, name: bytes, wanted: FetchSection) -> None:
        """The item: its name and its octets, after `check`. Raises ContentMissing, DatabaseTrouble."""
        if wanted.form is not Form.BODY:
            await self._write_binary(name, wanted)
            return
        section = wanted.section
        if section.text in (imap.SectionText.FIELDS, imap.SectionText.FIELDS_NOT):
            octets = await self._fields(section)
            await self._write_octets(name, wanted, octets)
            return
        span = self.span(wanted)
        if span is None:
            await self._session.send(name + b" NIL")
            return
        await self._session.send(name + b" " + responses.literal_head(span.size))
        async with aclosing(self.octets(span)) as pieces:
            async for piece in pieces:
                await self._session.send(piece)

    def span(self, wanted: FetchSection) -> Span | None:
        """Where the octets of a section lie that is no selection of fields; None when there is none."""
        section = wanted.section
        span = find_span(self._index, self._letter.prefix, section.part, _TEXTS[section.text])
        if span is not None and wanted.octets is not None:
            span = span.cut(wanted.octets.offset, wanted.octets.count)
        return span

    async def read(self, wanted: FetchSection, limit: int) -> bytes | None:
        """The octets of a section; None when there is none, or more than `limit` of them. Raises ContentMissing."""
        if wanted.section.text in (imap.SectionText.FIELDS, imap.SectionText.FIELDS_NOT):
            fields = await self._fields(wanted.section)
            return fields if fields is None else _part(fields, wanted)
        span = self.span(wanted)
        return None if span is None or span.size > limit else await self._read(span)

    async def _write_octets(self, name: bytes, wanted: FetchSection, octets: bytes | None) -> None:
        if octets is None:
            await self._session.send(name + b" NIL")
            return
        octets = _part(octets, wanted)
        told = responses.literal_head(len(octets)) + octets
        await self._session.send(name + b" " + told)

    async def _fields(self, section: Section) -> bytes | None:
        names = frozenset(field.lower() for field in section.fields)
        is_excluding = section.text is imap.SectionText.FIELDS_NOT
        prefix = self._letter.prefix
        if not section.part and not is_excluding:
            kept = kept_fields(self._index, prefix, names)
            if kept is not None:
                return kept
        span = find_span(self._index, prefix, section.part, SectionText.HEADER)
        if span is None:
            return None
        header = await self._read(span.cut(0, HEADER_LIMIT))
        return select_fields(header, names, excluding=is_excluding)

    async def _write_binary(self, name: bytes, wanted: FetchSection) -> None:
        """RFC 3516 4.2. What is decoded has no size before it is; so it is decoded first, within a limit."""
        part = find_binary(self._index, self._letter.prefix, wanted.section.part)
        if part is None:
            await self._session.send(name + (b" 0" if wanted.form is Form.BINARY_SIZE else b" NIL"))
            return
        decoder = part.decoder()
        assert decoder is not None, "checked before"
        draft = self._session.parts.contents.draft()
        size = 0
        try:
            async with aclosing(self.octets(part.span)) as pieces:
                async for piece in pieces:
                    size += await self._keep(draft, decoder.feed(piece), wanted)
            size += await self._keep(draft, decoder.finish(), wanted)
            if wanted.form is Form.BINARY_SIZE:
                await self._session.send(b"%b %d" % (name, size))
                return
            offset, count = (
                (0, size) if wanted.octets is None else (wanted.octets.offset, wanted.octets.count)
            )
            span = Span(0, size).cut(offset, count)
            await self._session.send(name + b" " + responses.binary_head(span.size))
            async with aclosing(draft.chunks()) as pieces:
                at = 0
                async for piece in pieces:
                    await self._session.send(piece[max(span.start - at, 0) : max(span.end - at, 0)])
                    at += len(piece)
        finally:
            await draft.discard()

    @staticmethod
    async def _keep(draft: Draft, octets: bytes, wanted: FetchSection) -> int:
        if octets and wanted.form is Form.BINARY:
            await draft.write(octets)
        return len(octets)

    async def _read(self, span: Span) -> bytes:
        async with aclosing(self.octets(span)) as pieces:
            return b"".join([piece async for piece in pieces])

    async def octets(self, span: Span) -> AsyncGenerator[bytes, None]:
        """The octets of a span: of the copy's own prefix, then of the content."""
        prefix = self._letter.prefix
        before = len(prefix)
        if span.start < before:
            yield prefix[span.start : span.end]
        start, stop = max(span.start - before, 0), max(span.end - before, 0)
        if stop <= start:
            return
        if self._content is not None:
            yield self._content[start:stop]
            return
        reader = await self._session.parts.contents.reader(self._letter.content_id)
        async with aclosing(reader.chunks(start, stop)) as pieces:
            async for piece in pieces:
                yield piece


def _part(octets: bytes, wanted: FetchSection) -> bytes:
    """RFC 9051 6.4.5: <offset.count> of octets that are at hand."""
    return octets if wanted.octets is None else octets[wanted.octets.offset :][: wanted.octets.count]
