"""Data items whose values come from arrays and kept indexes: a column for many messages at once.

Implements  RFC 9051 7.5.2 (FLAGS, UID, INTERNALDATE, RFC822.SIZE, ENVELOPE, BODY, BODYSTRUCTURE), RFC 7162 3.1.4,
            RFC 8474 5 (EMAILID, THREADID), RFC 8514 4.2 (SAVEDATE), RFC 8970 3.1 (PREVIEW).
Gives       Page, Needs, Column, column_of, fields_column_of.
Not here    Sections of bodies: fetch_sections.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from postel.message import IndexedContent, body_structure_of, envelope_of, kept_fields_of
from postel.proto.imap import FetchAtom, FetchPreview, FetchSection, Form, SectionText, responses
from postel.servers.imapd.object_ids import email_ids, thread_ids
from postel.store import Letter, Snapshot

if TYPE_CHECKING:
    from postel.servers.imapd.selected import Selected


class Needs(enum.Flag):
    """What a column is made of, beside the arrays of the snapshot."""

    ARRAYS = 0
    LETTERS = enum.auto()
    PREFIXES = enum.auto()
    INDEX = enum.auto()


@dataclass(slots=True)
class Page:
    """Some messages, side by side in the client's numbering; those that are gone are left out.

    snapshot                   what has them: the mailbox's, or the one of what has departed from it.
    letters, prefixes, blobs   by UID and by content, as far as the columns need them.
    missed                     what was left out: number and UID.
    """

    box: Selected
    snapshot: Snapshot
    numbers: Sequence[int]
    uids: Sequence[int]
    places: Sequence[int]
    is_utf8: bool
    is_rev2: bool
    letters: Mapping[int, Letter] = field(default_factory=dict)
    prefixes: Mapping[int, bytes] = field(default_factory=dict)
    blobs: Mapping[int, bytes] = field(default_factory=dict)
    missed: list[tuple[int, int]] = field(default_factory=list)

    def part(self, start: int, stop: int) -> Page:
        """Some of them, of which nothing has been read yet."""
        span = slice(start, stop)
        numbers, uids, places = self.numbers[span], self.uids[span], self.places[span]
        return replace(
            self,
            numbers=numbers,
            uids=uids,
            places=places,
            letters={},
            prefixes={},
            blobs={},
            missed=self.missed,
        )

    def sources(self, needs: Needs) -> list[Mapping[int, object]]:
        """What was read by UID."""
        sources: list[Mapping[int, object]] = [self.letters] if Needs.LETTERS in needs else []
        return [*sources, self.prefixes] if Needs.PREFIXES in needs else sources

    @property
    def contents(self) -> Sequence[int]:
        """Their content ids."""
        return _picked(self.snapshot.contents, self.places)

    def index(self, position: int) -> IndexedContent:
        """What is known of one message's content."""
        return IndexedContent.read(self.blobs[self.snapshot.contents[self.places[position]]])


Column: TypeAlias = Callable[[Page], Iterable[Any]]


def _picked(values: Sequence[Any], places: Sequence[int]) -> Sequence[Any]:
    if isinstance(places, range):
        return values[places.start : places.stop]
    return [values[place] for place in places]


def _flags(page: Page) -> Iterable[bytes]:
    return page.box.flag_texts(page.snapshot, page.uids, page.places)


def _internal_dates(page: Page) -> Iterable[bytes]:
    return responses.internal_dates(map(int, _picked(page.snapshot.dates, page.places)))


def _save_dates(page: Page) -> Iterable[bytes]:
    dates = responses.internal_dates(map(int, _picked(page.snapshot.saved, page.places)))
    return [b'"%b"' % date for date in dates]


def _envelopes(page: Page) -> Iterable[bytes]:
    if page.is_utf8:
        return (page.index(n).envelope(utf8=True) for n in range(len(page.places)))
    return map(envelope_of, map(page.blobs.__getitem__, page.contents))


def _body_structures(page: Page) -> Iterable[bytes]:
    if page.is_utf8 or page.is_rev2:
        many = range(len(page.places))
        return (page.index(n).body_structure(rev2=page.is_rev2, utf8=page.is_utf8) for n in many)
    return map(body_structure_of, map(page.blobs.__getitem__, page.contents))


def _bodies(page: Page) -> Iterable[bytes]:
    return (page.index(n).body(rev2=page.is_rev2, utf8=page.is_utf8) for n in range(len(page.places)))


def _previews(page: Page) -> Iterable[bytes]:
    many = range(len(page.places))
    return (responses.text_string(page.index(n).preview, is_utf8=page.is_utf8) for n in many)


def _email_ids(page: Page) -> Iterable[bytes]:
    return email_ids(_picked(page.snapshot.letters, page.places))


def _thread_ids(page: Page) -> Iterable[bytes]:
    return thread_ids(page.letters[uid].thread_id for uid in page.uids)


def _array(name: str, page: Page) -> Sequence[int]:
    return _picked(getattr(page.snapshot, name), page.places)


_COLUMNS: Final[Mapping[FetchAtom, tuple[Needs, Column]]] = {
    FetchAtom.UID: (Needs.ARRAYS, lambda page: page.uids),
    FetchAtom.FLAGS: (Needs.ARRAYS, _flags),
    FetchAtom.INTERNALDATE: (Needs.ARRAYS, _internal_dates),
    FetchAtom.RFC822_SIZE: (Needs.ARRAYS, partial(_array, "sizes")),
    FetchAtom.MODSEQ: (Needs.ARRAYS, partial(_array, "modseqs")),
    FetchAtom.SAVEDATE: (Needs.ARRAYS, _save_dates),
    FetchAtom.EMAILID: (Needs.ARRAYS, _email_ids),
    FetchAtom.THREADID: (Needs.LETTERS, _thread_ids),
    FetchAtom.ENVELOPE: (Needs.INDEX, _envelopes),
    FetchAtom.BODYSTRUCTURE: (Needs.INDEX, _body_structures),
    FetchAtom.BODY: (Needs.INDEX, _bodies),
}


def column_of(item: Any) -> tuple[bytes, Needs, Column] | None:
    """How the item is written, what it needs, and its values; None: its octets are streamed."""
    if isinstance(item, FetchPreview):
        return b"PREVIEW %b", Needs.INDEX, _previews
    found = _COLUMNS.get(item)
    return None if found is None else (responses.COLUMNS[item], *found)


def fields_column_of(item: FetchSection) -> tuple[bytes, Column] | None:
    """How a selection of the message's own header fields is written, and its values, from prefixes and indexes.

    A value is None where the index has not kept all of them: then the header must be read.
    """
    section = item.section
    if item.form is not Form.BODY or section.part or section.text is not SectionText.FIELDS or item.octets:
        return None
    names = frozenset(name.lower() for name in section.fields)
    return item.name().replace(b"%", b"%%") + b" %b", partial(_fields, names)


def _fields(names: frozenset[bytes], page: Page) -> list[bytes | None]:
    blobs = map(page.blobs.__getitem__, page.contents)
    found = kept_fields_of(blobs, map(page.prefixes.__getitem__, page.uids), names)
    return [None if kept is None else b"{%d}\r\n%b" % (len(kept), kept) for kept in found]
