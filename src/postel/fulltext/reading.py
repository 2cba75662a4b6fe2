"""The text of a letter, as the index keeps it.

Implements  RFC 9051 6.4.4 (the header, and parts that are text: decoded, whatever the charset).
Gives       text_of, read_text.
Not here    Decoding and folding: message.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

from postel.contents import ContentMissing, ContentReader, Contents
from postel.fulltext.letters import TEXT_LIMIT, Field, LetterText
from postel.message import IndexedContent, SectionText, Span, TextPart, find_span, header_text, text_parts
from postel.net import Workers
from postel.store import Store

_HEADER_LIMIT: Final = 1024 * 1024  # octets
_PIECE: Final = 256 * 1024  # octets handed to a worker at once


def text_of(content: bytes, blob: bytes) -> LetterText:
    """What people search of a letter that is in memory. Raises StaleIndex."""
    index = IndexedContent.read(blob)
    texts: list[str] = []
    left = TEXT_LIMIT + 1  # one more than is kept, so that it is known to be too much
    for part in text_parts(index, b""):
        if part.span is not None and left > 0:
            stream = part.reader()
            texts.append(stream.feed(content[part.span.start : part.span.end]) + stream.finish())
            left -= len(texts[-1]) + 1
    span = _header_span(index)
    return LetterText(_fields(index), header_text(content[span.start : span.end]), "\n".join(texts))


async def read_text(store: Store, contents: Contents, workers: Workers, content_id: int) -> LetterText | None:
    """What people search of a letter; None when it is gone. Raises DatabaseTrouble."""
    blob = (await store.index.fresh([content_id])).get(content_id)
    if blob is None:
        return None
    index = IndexedContent.read(blob)
    try:
        reader = await contents.reader(content_id)
        octets = await _octets(reader, _header_span(index))
        header = await workers.run(lambda: header_text(octets))
        body = await _body(reader, index, workers)
    except ContentMissing:
        return None
    return LetterText(_fields(index), header, body)


def _header_span(index: IndexedContent) -> Span:
    span = find_span(index, b"", (), SectionText.HEADER)
    assert span is not None, "every message has a header, be it empty"
    return span.cut(0, _HEADER_LIMIT)


def _fields(index: IndexedContent) -> dict[Field, str]:
    keys = index.keys
    found = {
        Field.SUBJECT: keys.subject,
        Field.FROM: keys.from_,
        Field.TO: keys.to,
        Field.CC: keys.cc,
        Field.BCC: keys.bcc,
    }
    return {field: text for field, text in found.items() if text}


async def _body(reader: ContentReader, index: IndexedContent, workers: Workers) -> str:
    texts: list[str] = []
    left = TEXT_LIMIT + 1  # one more than is kept, so that it is known to be too much
    for part in text_parts(index, b""):
        if part.span is not None and left > 0:
            text = await _part(reader, part, part.span, left, workers)
            texts.append(text)
            left -= len(text) + 1
    return "\n".join(texts)


async def _part(reader: ContentReader, part: TextPart, span: Span, limit: int, workers: Workers) -> str:
    stream, texts, size = part.reader(), list[str](), 0
    for start in range(span.start, span.end, _PIECE):
        octets = await _octets(reader, Span(start, min(start + _PIECE, span.end)))
        texts.append(await workers.run(lambda octets=octets: stream.feed(octets)))  # type: ignore[misc]
        size += len(texts[-1])
        if size > limit:
            break
    texts.append(stream.finish())
    return "".join(texts)


async def _octets(reader: ContentReader, span: Span) -> bytes:
    async with aclosing(reader.chunks(span.start, span.end)) as pieces:
        return b"".join([piece async for piece in pieces])
