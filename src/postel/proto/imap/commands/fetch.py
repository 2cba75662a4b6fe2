"""FETCH and UID FETCH.

Implements  RFC 9051 6.4.5, 6.4.9, RFC 3501 6.4.5 (RFC822 items), RFC 3516 4.2, RFC 7162 3.1.4 and 3.2.6 (CHANGEDSINCE,
            VANISHED), RFC 8474 5, RFC 8514 4.2, RFC 8970 3.1, RFC 9394 3.2 (PARTIAL).
Gives       Fetch, read_fetch, read_uid_fetch, read_fetch_items, read_section.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from postel.proto.imap.commands.command import Command
from postel.proto.imap.cursor import MAX_63, Cursor
from postel.proto.imap.fault import BadCommand
from postel.proto.imap.sequences import Partial, SequenceSet
from postel.proto.imap.values import (
    FetchAtom,
    FetchItem,
    FetchPreview,
    FetchSection,
    Form,
    Octets,
    Section,
    SectionText,
)


@dataclass(frozen=True, slots=True)
class Fetch(Command):
    """Items of messages; macros are expanded, nothing stands twice.

    changed_since   only messages whose mod-sequence is above this.
    vanished        and what was expunged since then (UID FETCH under QRESYNC).
    partial         only this window of the messages (UID FETCH).
    """

    numbers: SequenceSet
    items: tuple[FetchItem, ...]
    uid: bool = False
    changed_since: int | None = None
    vanished: bool = False
    partial: Partial | None = None


_FAST = (FetchAtom.FLAGS, FetchAtom.INTERNALDATE, FetchAtom.RFC822_SIZE)
_MACROS: dict[bytes, tuple[FetchItem, ...]] = {
    b"FAST": _FAST,
    b"ALL": (*_FAST, FetchAtom.ENVELOPE),
    b"FULL": (*_FAST, FetchAtom.ENVELOPE, FetchAtom.BODY),
}
_ATOMS = {item.value: item for item in FetchAtom}
_NEEDS = {
    FetchAtom.MODSEQ: "CONDSTORE",
    FetchAtom.EMAILID: "OBJECTID",
    FetchAtom.THREADID: "OBJECTID",
    FetchAtom.SAVEDATE: "SAVEDATE",
}
_SECTIONED = {
    b"BODY": (Form.BODY, False),
    b"BODY.PEEK": (Form.BODY, True),
    b"BINARY": (Form.BINARY, False),
    b"BINARY.PEEK": (Form.BINARY, True),
    b"BINARY.SIZE": (Form.BINARY_SIZE, True),
}
_TEXTS = {text.value: text for text in SectionText}
_ITEM = re.compile(rb"[A-Za-z0-9.]+")
_PARTS = re.compile(rb"[0-9]+(?:\.[0-9]+)*")
_OCTETS = re.compile(rb"<([0-9]{1,19})\.([0-9]{1,19})>")
_DEPTH_LIMIT = 100  # parts within parts
_ITEMS_LIMIT = 1000
_FIELDS_LIMIT = 500
_REMEMBERED = 16  # lists of items, of each session
_REMEMBERED_OCTETS = 400


def read_fetch(cursor: Cursor) -> Fetch:
    """A set of sequence numbers, items, and perhaps modifiers."""
    return _read_modifiers(cursor, _read(cursor, uid=False))


def read_uid_fetch(cursor: Cursor) -> Fetch:
    """The same with UIDs."""
    return _read_modifiers(cursor, _read(cursor, uid=True))


def _read(cursor: Cursor, *, uid: bool) -> Fetch:
    cursor.space()
    numbers = cursor.sequence_set()
    cursor.space()
    return Fetch(numbers, _read_items_again(cursor), uid)


def _read_items_again(cursor: Cursor) -> tuple[FetchItem, ...]:
    """Items that end the command are remembered: clients fetch one message after another."""
    rest, known = cursor.text[cursor.place :], cursor.reading.remembered
    items: tuple[FetchItem, ...] | None = known.get(rest)
    if items is not None:
        cursor.place = len(cursor.text)
        return items
    items = _read_items(cursor)
    if cursor.at_end and len(rest) <= _REMEMBERED_OCTETS:
        if len(known) >= _REMEMBERED:
            known.clear()
        known[rest] = items
    return items


def _read_items(cursor: Cursor) -> tuple[FetchItem, ...]:
    match = _ITEM.match(cursor.text, cursor.place)
    if match and match[0].upper() in _MACROS:
        cursor.place = match.end()
        return _MACROS[match[0].upper()]
    return read_fetch_items(cursor)


def read_fetch_items(cursor: Cursor) -> tuple[FetchItem, ...]:
    """One item, or several in parentheses; no macros."""
    if not cursor.is_at(b"("):
        return (_read_item(cursor),)
    return tuple(dict.fromkeys(cursor.listed(lambda: _read_item(cursor), most=_ITEMS_LIMIT)))


def _read_item(cursor: Cursor) -> FetchItem:
    match = _ITEM.match(cursor.text, cursor.place)
    if match is None:
        raise BadCommand("a fetch item is expected")
    cursor.place = match.end()
    name = match[0].upper()
    if name in _SECTIONED and cursor.is_at(b"["):
        return _read_section_item(cursor, *_SECTIONED[name])
    if name == b"PREVIEW" and cursor.knows("PREVIEW"):
        return _read_preview(cursor)
    item = _ATOMS.get(name)
    if item is None or (item in _NEEDS and not cursor.knows(_NEEDS[item])):
        raise BadCommand("unknown fetch item")
    return item


def _read_preview(cursor: Cursor) -> FetchPreview:
    if not cursor.skip(b" ("):
        return FetchPreview()
    is_lazy = cursor.keyword() == b"LAZY"
    cursor.expect(b")")
    if not is_lazy:
        raise BadCommand("unknown modifier of PREVIEW")
    return FetchPreview(is_lazy=True)


def _read_section_item(cursor: Cursor, form: Form, is_peek: bool) -> FetchSection:
    if form is not Form.BODY and not cursor.knows("BINARY"):
        raise BadCommand("unknown fetch item")
    cursor.expect(b"[")
    section = read_section(cursor)
    cursor.expect(b"]")
    if form is not Form.BODY and section.text is not None:
        raise BadCommand("BINARY takes part numbers only")
    octets = None
    if form is not Form.BINARY_SIZE and cursor.is_at(b"<"):
        octets = _read_octets(cursor)
    return FetchSection(section, is_peek, octets, form)


def read_section(cursor: Cursor) -> Section:
    """What stands between the brackets of BODY[...]."""
    part: tuple[int, ...] = ()
    match = _PARTS.match(cursor.text, cursor.place)
    if match:
        cursor.place = match.end()
        part = tuple(int(number[:10]) for number in match[0].split(b"."))
        if 0 in part or max(part) >= 1 << 32 or len(part) > _DEPTH_LIMIT:
            raise BadCommand("part numbers count from 1")
    if cursor.is_at(b"]") or cursor.at_end:
        return Section(part)
    if part:
        cursor.expect(b".")
    return _read_section_text(cursor, part)


def _read_section_text(cursor: Cursor, part: tuple[int, ...]) -> Section:
    text = cursor.word(_TEXTS, "section")
    if text is SectionText.MIME and not part:  # RFC 9051 6.4.5.1
        raise BadCommand("MIME belongs to a part")
    if text not in (SectionText.FIELDS, SectionText.FIELDS_NOT):
        return Section(part, text)
    cursor.space()
    return Section(part, text, tuple(cursor.listed(lambda: _read_field(cursor), most=_FIELDS_LIMIT)))


def _read_field(cursor: Cursor) -> bytes:
    name = cursor.astring()
    # RFC 5322 2.2: printable ASCII but the colon. What else is asked for would spoil the response.
    if not name or not all(33 <= octet <= 126 and octet != 58 for octet in name):
        raise BadCommand("a header field's name is expected")
    return name


def _read_octets(cursor: Cursor) -> Octets:
    match = _OCTETS.match(cursor.text, cursor.place)
    if match is None or int(match[2]) == 0 or max(int(match[1]), int(match[2])) > MAX_63:
        raise BadCommand("<offset.count> is expected")
    cursor.place = match.end()
    return Octets(int(match[1]), int(match[2]))


def _read_modifiers(cursor: Cursor, fetch: Fetch) -> Fetch:
    if not cursor.skip(b" ("):
        return fetch
    while not cursor.skip(b")"):
        fetch = _read_modifier(cursor, fetch)
        cursor.skip(b" ")
    # RFC 7162 3.2.6: VANISHED only with UID FETCH, CHANGEDSINCE and QRESYNC enabled.
    if fetch.vanished and (fetch.changed_since is None or not fetch.uid):
        raise BadCommand("VANISHED needs UID FETCH and CHANGEDSINCE")
    return fetch


def _read_modifier(cursor: Cursor, fetch: Fetch) -> Fetch:
    name = cursor.keyword()
    if name == b"CHANGEDSINCE" and cursor.knows("CONDSTORE"):
        cursor.space()
        return replace(fetch, changed_since=cursor.modseq())
    if name == b"VANISHED" and cursor.knows("QRESYNC"):
        if "QRESYNC" not in cursor.reading.enabled:
            raise BadCommand("ENABLE QRESYNC comes first")
        return replace(fetch, vanished=True)
    if name == b"PARTIAL" and cursor.knows("PARTIAL") and fetch.uid:
        cursor.space()
        return replace(fetch, partial=cursor.partial())
    raise BadCommand("unknown modifier")
