"""The octets that an IMAP URL names, in the mailbox where they are: counted first, then in pieces.

Implements  RFC 5092 6 (a message, a part, some octets of it), RFC 5550 5.7.1 (URL-PARTIAL).
Gives       UrlContent, open_url.
Not here    Syntax: proto.imap.urls. Who may follow the URL: url_access. Sections: letter_sections.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from postel.contents import ContentMissing, Contents
from postel.message import IndexedContent, Span
from postel.proto.imap import ImapUrl, Section
from postel.servers.letter_sections import LetterOctets, is_selection
from postel.store import Store, StoredMailbox

_ALL: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class UrlContent:
    """What a URL names: octets of a letter, or of a selection of its header fields."""

    _letter: LetterOctets
    _span: Span
    _fields: bytes | None = None

    @property
    def size_bytes(self) -> int:
        """How much it is."""
        return self._span.size

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The octets, as they come from the disk. Raises ContentMissing, DatabaseTrouble."""
        if self._fields is not None:
            yield self._fields[self._span.start : self._span.end]
            return
        async with aclosing(self._letter.pieces(self._span)) as pieces:
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
    page = await store.page(box.id, [url.uid])
    letter = page.letters.get(url.uid)
    blob = None if letter is None else page.blobs.get(letter.content_id)
    if letter is None or blob is None:
        return None
    octets = LetterOctets(contents, letter, IndexedContent.read(blob))
    try:
        found = await _found(octets, url.section or Section())
    except ContentMissing:
        return None
    return None if found is None else _part(found, url.partial)


async def _found(octets: LetterOctets, section: Section) -> UrlContent | None:
    if not is_selection(section):
        span = octets.span(section)
        return None if span is None else UrlContent(octets, span)
    fields = await octets.fields(section)
    return None if fields is None else UrlContent(octets, Span(0, len(fields)), fields)


def _part(content: UrlContent, partial: tuple[int, int | None] | None) -> UrlContent:
    if partial is None:
        return content
    offset, count = partial
    return replace(content, _span=content._span.cut(offset, _ALL if count is None else count))
