"""Which messages hold a text: in their header, in their body; when they were sent; which thread they are of.

Implements  RFC 9051 6.4.4 (FROM, SUBJECT, HEADER, BODY, TEXT, SENTON: decoded, whatever the charset, case and width),
            RFC 9585 (INPROGRESS).
Gives       Texts.
Not here    Decoding and folding: message.

What the index of texts knows it answers; what it does not know is read, so an answer is never wrong, only slower.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import aclosing
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Final

from postel.contents import ContentMissing
from postel.fulltext import Field, Found, Place
from postel.message import (
    Finder,
    IndexedContent,
    Span,
    TextPart,
    field_contains,
    fold,
    header_text,
    kept_fields,
    text_parts,
)
from postel.proto.imap import Section, SectionText, codes, responses
from postel.servers.imapd.object_ids import thread_of
from postel.servers.letter_sections import LetterOctets
from postel.store import Letter, uids_with_prefix

if TYPE_CHECKING:
    from postel.servers.imapd.selected import Selected
    from postel.servers.imapd.session import ImapSession

_AT_ONCE: Final = 200
_AT_HAND: Final = 5000  # messages that are looked through in a few milliseconds
_TELL_EVERY_S: Final = 10.0
HEADER_LIMIT: Final = 1024 * 1024  # octets of one header that are looked through
_HEADER: Final = Section((), SectionText.HEADER)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY_S: Final = 86400
_COLUMNS: Final = {
    b"SUBJECT": Field.SUBJECT,
    b"FROM": Field.FROM,
    b"TO": Field.TO,
    b"CC": Field.CC,
    b"BCC": Field.BCC,
}


class Texts:
    """Asks messages of one mailbox for texts."""

    def __init__(self, session: ImapSession, box: Selected) -> None:
        self._session = session
        self._box = box
        self._fulltext = session.parts.fulltext

    async def in_header(self, field: bytes, text: str, uids: Sequence[int]) -> frozenset[int]:
        """Messages with a field of that name that holds the text."""
        needle = fold(text)
        column = _COLUMNS.get(field.upper())
        if column is None or not needle:  # an empty needle asks whether the field is there
            return await self._read_headers(field, needle, uids)
        owner = self._box.box.account_id
        hits, unknown = await self._known(
            lambda contents: self._fulltext.find_field(owner, column, needle, contents), uids
        )
        return hits | await self._read_headers(field, needle, unknown)

    async def in_body(self, text: str, uids: Sequence[int]) -> frozenset[int]:
        """Messages with the text in a part that is text."""
        return await self._find(Place.BODY, fold(text), uids)

    async def in_text(self, text: str, uids: Sequence[int]) -> frozenset[int]:
        """Messages with the text there, or in their header."""
        needle = fold(text)
        return await self._find(Place.TEXT, needle, uids) | await self._in_prefix(needle, uids)

    async def _find(self, place: Place, needle: str, uids: Sequence[int]) -> frozenset[int]:
        if not needle:
            return frozenset(uids)
        owner = self._box.box.account_id
        hits, unknown = await self._known(
            lambda contents: self._fulltext.find(owner, place, needle, contents), uids
        )
        return hits | await self._read_all(needle, unknown, with_header=place is Place.TEXT)

    async def _known(
        self, find: Callable[[Collection[int]], Awaitable[Found]], uids: Sequence[int]
    ) -> tuple[frozenset[int], Sequence[int]]:
        """What the index knows: the messages that match, and those that must be read."""
        snapshot = self._box.snapshot
        places = snapshot.places(uids)
        if isinstance(places, range):
            contents: Sequence[int] = snapshot.contents[places.start : places.stop]
        else:
            there = [(uid, place) for uid, place in zip(uids, places, strict=True) if place >= 0]
            uids = [uid for uid, _ in there]
            contents = [snapshot.contents[place] for _, place in there]
        found = await find(contents)
        pick = partial(_split, uids, contents, found)
        # Of a large mailbox that takes so long that others would notice.
        return pick() if len(uids) < _AT_HAND else await self._session.parts.workers.run(pick)

    async def _in_prefix(self, needle: str, uids: Sequence[int]) -> frozenset[int]:
        """Messages with the text in the fields that only their own copy has."""
        found = await self._session.parts.database.read(lambda tx: uids_with_prefix(tx, self._box.id, needle))
        return frozenset(found).intersection(uids)

    async def _read_headers(self, field: bytes, needle: str, uids: Sequence[int]) -> frozenset[int]:
        found: set[int] = set()
        async for letter, index in self._letters(uids):
            header = kept_fields(index, letter.prefix, frozenset((field.lower(),)))
            if header is None:
                header = await self._header(self._octets(letter, index))
            if field_contains(header, field, needle):
                found.add(letter.uid)
        return frozenset(found)

    async def sent(self, is_wanted: Callable[[int], bool], uids: Sequence[int]) -> frozenset[int]:
        """Messages whose Date field is of such a day, as it was written; without one, the internal date counts."""
        snapshot = self._box.snapshot
        found: set[int] = set()
        async for letter, index in self._letters(uids):
            if index.sent_day is not None:
                day = index.sent_day - _EPOCH
            else:
                place = snapshot.place(letter.uid)
                day = int(snapshot.dates[place] // _DAY_S) if place >= 0 else 0
            if is_wanted(day):
                found.add(letter.uid)
        return frozenset(found)

    async def in_thread(self, thread: str, uids: Sequence[int]) -> frozenset[int]:
        """Messages of a thread, by its id."""
        number = thread_of(thread)
        found: set[int] = set()
        for page in _pages(uids):
            letters = await self._session.parts.store.threaded(self._box.id, page)
            found.update(uid for uid, letter in letters.items() if letter.thread_id == number)
            await asyncio.sleep(0)
        return frozenset(found)

    async def _read_all(self, needle: str, uids: Sequence[int], *, with_header: bool) -> frozenset[int]:
        found: set[int] = set()
        async for letter, index in self._letters(uids):
            if await self._holds(letter, index, needle, with_header=with_header):
                found.add(letter.uid)
        return frozenset(found)

    async def _letters(self, uids: Sequence[int]) -> AsyncIterator[tuple[Letter, IndexedContent]]:
        store, loop = self._session.parts.store, asyncio.get_running_loop()
        told_s = loop.time()
        for number, page in enumerate(_pages(uids)):
            if loop.time() - told_s >= _TELL_EVERY_S:
                told_s = loop.time()
                await self._tell_progress(number * _AT_ONCE, len(uids))
            letters = await store.letters(self._box.id, page)
            blobs = await store.index.fresh([letter.content_id for letter in letters.values()])
            for letter in letters.values():
                blob = blobs.get(letter.content_id)
                if blob is not None:
                    yield letter, IndexedContent.read(blob)
            await asyncio.sleep(0)

    async def _tell_progress(self, done: int, goal: int) -> None:
        """RFC 9585 4: that the search goes on, so that nobody takes the connection for dead."""
        code = codes.in_progress(self._session.tag, done, goal)
        await self._session.send(responses.untagged("Still searching", code))
        await self._session.drive.flush()

    def _octets(self, letter: Letter, index: IndexedContent) -> LetterOctets:
        return LetterOctets(self._session.parts.contents, letter, index)

    async def _header(self, octets: LetterOctets) -> bytes:
        span = octets.span(_HEADER)
        assert span is not None, "every message has a header, be it empty"
        try:
            return await octets.read(span.cut(0, HEADER_LIMIT))
        except ContentMissing:
            return b""

    async def _holds(self, letter: Letter, index: IndexedContent, needle: str, *, with_header: bool) -> bool:
        finder, octets = Finder(needle), self._octets(letter, index)
        try:
            if with_header:
                finder.feed(header_text(await self._header(octets)))
                finder.end_part()
            for part in text_parts(index, letter.prefix):
                if part.span is not None and not finder.found:
                    await _look_in(octets, part, part.span, finder)
        except ContentMissing:
            return False
        return finder.found


async def _look_in(octets: LetterOctets, part: TextPart, span: Span, finder: Finder) -> None:
    stream = part.reader()
    async with aclosing(octets.pieces(span)) as pieces:
        async for piece in pieces:
            finder.feed(stream.feed(piece))
            await asyncio.sleep(0)
            if finder.found:
                return
    finder.feed(stream.finish())
    finder.end_part()


def _pages(uids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (uids[start : start + _AT_ONCE] for start in range(0, len(uids), _AT_ONCE))


def _split(
    uids: Sequence[int], contents: Sequence[int], found: Found
) -> tuple[frozenset[int], Sequence[int]]:
    """The messages that match, and those that must be read."""
    return frozenset(_picked(uids, contents, found.hits)), _picked(uids, contents, found.unknown)


def _picked(uids: Sequence[int], contents: Sequence[int], wanted: Collection[int]) -> list[int]:
    """The messages with these contents."""
    if not wanted:
        return []
    return [uid for uid, content_id in zip(uids, contents, strict=True) if content_id in wanted]
