"""Sections of bodies, streamed: octets as they came.

Implements  RFC 9051 6.4.5 (BODY[...], partial), RFC 3501 6.4.5 (RFC822 and its kin), RFC 3516 4 (BINARY).
Gives       section_of, Sections.
Not here    Where sections lie, and their octets: letter_sections.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from postel.contents import Draft
from postel.message import BinaryPart, IndexedContent, Span, find_binary
from postel.proto.imap import (
    NO,
    FetchAtom,
    FetchItem,
    FetchSection,
    Form,
    Section,
    SectionText,
    codes,
    responses,
)
from postel.servers.imapd.faults import Denied
from postel.servers.letter_sections import LetterOctets, is_selection
from postel.store import Letter

if TYPE_CHECKING:
    from postel.servers.imapd.session import ImapSession

# RFC 3501 6.4.5: what the old items stand for.
_OLD: Final[Mapping[FetchAtom, tuple[Section, bool]]] = {
    FetchAtom.RFC822: (Section(), False),
    FetchAtom.RFC822_HEADER: (Section((), SectionText.HEADER), True),
    FetchAtom.RFC822_TEXT: (Section((), SectionText.TEXT), False),
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
        self._letter = LetterOctets(session.parts.contents, letter, IndexedContent.read(blob), content)

    async def check(self, wanted: FetchSection) -> None:
        """What can be refused is refused before the message's line is begun. Raises Denied, ContentMissing."""
        if self._letter.content is None:
            await self._session.parts.contents.reader(self._letter.letter.content_id)
        if wanted.form is not Form.BODY:
            part = find_binary(self._letter.index, self._letter.prefix, wanted.section.part)
            if part is not None and part.decoder() is None:
                raise Denied(NO.saying("The encoding is not known", codes.UNKNOWN_CTE))

    def at_hand(self, name: bytes, wanted: FetchSection) -> bytes | None:
        """The whole item; None where its octets must be waited for, or are more than a span."""
        if self._letter.content is None or wanted.form is not Form.BODY or is_selection(wanted.section):
            return None
        span = self._span(wanted)
        octets = None if span is None else self._letter.at_hand(span)
        if octets is None:
            return name + b" NIL"
        return b"%b {%d}\r\n%b" % (name, len(octets), octets)

    async def write(self, name: bytes, wanted: FetchSection) -> None:
        """The item: its name and its octets, after `check`. Raises ContentMissing, DatabaseTrouble."""
        if wanted.form is not Form.BODY:
            await self._write_binary(name, wanted)
            return
        section = wanted.section
        if is_selection(section):
            octets = await self._letter.fields(section)
            await self._write_octets(name, wanted, octets)
            return
        span = self._span(wanted)
        if span is None:
            await self._session.send(name + b" NIL")
            return
        await self._session.send(name + b" " + responses.literal_head(span.size))
        async with aclosing(self._letter.pieces(span)) as pieces:
            async for piece in pieces:
                await self._session.send(piece)

    def _span(self, wanted: FetchSection) -> Span | None:
        """Where the octets of a section lie that is no selection of fields; None when there is none."""
        span = self._letter.span(wanted.section)
        return None if span is None else _cut(span, wanted)

    async def _write_octets(self, name: bytes, wanted: FetchSection, octets: bytes | None) -> None:
        if octets is None:
            await self._session.send(name + b" NIL")
            return
        octets = _part(octets, wanted)
        told = responses.literal_head(len(octets)) + octets
        await self._session.send(name + b" " + told)

    async def _write_binary(self, name: bytes, wanted: FetchSection) -> None:
        """RFC 3516 4.2. What is decoded has no size before it is; so it is decoded first, within a limit."""
        part = find_binary(self._letter.index, self._letter.prefix, wanted.section.part)
        if part is None:
            await self._session.send(name + (b" 0" if wanted.form is Form.BINARY_SIZE else b" NIL"))
            return
        draft = self._session.parts.contents.draft()
        try:
            size = await self._decode(part, draft, wanted)
            if wanted.form is Form.BINARY_SIZE:
                await self._session.send(b"%b %d" % (name, size))
            else:
                await self._write_draft(name, draft, _cut(Span(0, size), wanted))
        finally:
            await draft.discard()

    async def _decode(self, part: BinaryPart, draft: Draft, wanted: FetchSection) -> int:
        """How many octets a part is; with them in the draft, where they are wanted."""
        decoder, size = part.decoder(), 0
        assert decoder is not None, "checked before"
        async with aclosing(self._letter.pieces(part.span)) as pieces:
            async for piece in pieces:
                size += await self._keep(draft, decoder.feed(piece), wanted)
        return size + await self._keep(draft, decoder.finish(), wanted)

    async def _write_draft(self, name: bytes, draft: Draft, span: Span) -> None:
        await self._session.send(name + b" " + responses.binary_head(span.size))
        at = 0
        async with aclosing(draft.chunks()) as pieces:
            async for piece in pieces:
                await self._session.send(piece[max(span.start - at, 0) : max(span.end - at, 0)])
                at += len(piece)

    @staticmethod
    async def _keep(draft: Draft, octets: bytes, wanted: FetchSection) -> int:
        if octets and wanted.form is Form.BINARY:
            await draft.write(octets)
        return len(octets)


def _cut(span: Span, wanted: FetchSection) -> Span:
    return span if wanted.octets is None else span.cut(wanted.octets.offset, wanted.octets.count)


def _part(octets: bytes, wanted: FetchSection) -> bytes:
    """RFC 9051 6.4.5: <offset.count> of octets that are at hand."""
    return octets if wanted.octets is None else octets[wanted.octets.offset :][: wanted.octets.count]
