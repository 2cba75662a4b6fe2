"""From a server's octets to what they say.

Implements  RFC 9051 7 and 9 (responses), 4 (data formats), RFC 7162 3.2.10, RFC 9586 3.4.
Gives       parse_response, parse_told, capabilities_of, name_of, fetch_item_before.
Not here    Where a response ends, large literals: client.

Every server is a stranger: nesting is bounded, and what cannot be read raises BadSyntax and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from postel.mail import BadSyntax
from postel.proto.imap.client_values import (
    STREAMED,
    CapabilityData,
    ClientEvent,
    Completed,
    Exists,
    Expunged,
    FetchData,
    ListData,
    OtherData,
    Remark,
    SearchData,
    StatusData,
    Told,
    Value,
    Vanished,
)
from postel.proto.imap.codes import Code, Condition
from postel.proto.imap.names import decode_utf7
from postel.proto.imap.sequences import parse_uid_set

_NESTING: Final = 200  # a message within a message within ... has its structure in parentheses
_STATUS: Final = re.compile(
    rb"(OK|NO|BAD|BYE|PREAUTH)(?: \[([^\] ]+)(?: ((?:[^\]\"]|\"(?:[^\"\\]|\\.)*\")*))?\])? ?(.*)",
    re.IGNORECASE | re.DOTALL,
)
_NUMBERED: Final = re.compile(rb"([0-9]{1,10}) ([A-Za-z]+)")
_WORD: Final = re.compile(rb"[^\s()\"{\0]+")  # RFC 9051 9: of braces, an atom may have the closing one
_QUOTED: Final = re.compile(rb'"((?:[^"\\\r\n]|\\.)*)"')
_ESCAPED: Final = re.compile(rb"\\(.)")
_LITERAL: Final = re.compile(rb"~?\{([0-9]{1,20})\}\r\n")
_ITEM: Final = re.compile(rb"[A-Za-z0-9.\-]+(?:\[[^\]\r\n]*\])?(?:<[0-9]+>)?")
_ITEM_BEFORE: Final = re.compile(rb"([A-Za-z0-9.]+(?:\[[^\]\r\n]*\])?(?:<[0-9]+>)?) ~?\{[0-9]+\}\r\n\Z")
_FETCHING: Final = re.compile(rb"\* ([0-9]{1,10}) (?:UID)?FETCH ", re.IGNORECASE)


def fetch_item_before(text: bytes | bytearray) -> tuple[int, bytes] | None:
    """Number and item whose literal this unfinished response announces at its end; None: it is no FETCH."""
    begin = _FETCHING.match(text)
    end = _ITEM_BEFORE.search(text, max(0, len(text) - 2000))
    return (int(begin[1]), end[1].upper()) if begin and end else None


def parse_response(text: bytes) -> ClientEvent:
    """One whole response with its literals, but for those that were streamed. Raises BadSyntax."""
    if not text.startswith(b"* "):
        return _tagged(text)
    status = _STATUS.fullmatch(text, 2, len(text) - 2)
    if status:
        return Remark(_told(status))
    reader = _Reader(text, 2)
    numbered = _NUMBERED.match(text, 2)
    if numbered:
        reader.place = numbered.end()
        return _of_number(int(numbered[1]), numbered[2].upper(), reader)
    name = reader.word().upper()
    return _READERS.get(name, _other)(name, reader)


def parse_told(text: bytes) -> Told:
    """The status response that these octets are, without a tag and the line's end. Raises BadSyntax."""
    match = _STATUS.fullmatch(text)
    if match is None:
        raise BadSyntax("a status response is expected")
    return _told(match)


def _told(match: re.Match[bytes]) -> Told:
    name, data = match[2], match[3]
    code = Code(name.upper(), data or b"") if name else None
    return Told(Condition(match[1].upper()), match[4].decode("utf-8", "replace"), code)


def _tagged(text: bytes) -> Completed:
    tag, space, rest = text[:-2].partition(b" ")
    if not space or not tag:
        raise BadSyntax("a response begins with a tag, * or +")
    return Completed(tag, parse_told(rest))


def capabilities_of(told: Told) -> CapabilityData | None:
    """What a status response's code says of capabilities."""
    if told.code is None or told.code.name != b"CAPABILITY":
        return None
    return _capabilities(told.code.data.split())


def _capabilities(words: list[bytes]) -> CapabilityData:
    return CapabilityData(frozenset(word.decode("ascii", "replace").upper() for word in words))


def _of_number(number: int, name: bytes, reader: _Reader) -> ClientEvent:
    match name:
        case b"EXISTS":
            return Exists(number)
        case b"EXPUNGE":
            return Expunged(number)
        case b"FETCH" | b"UIDFETCH":
            reader.space()
            items = reader.items()
            return FetchData(number, items if name == b"FETCH" else {b"UID": b"%d" % number, **items})
        case _:
            return OtherData(name, (b"%d" % number, *reader.rest()))


def _capability(name: bytes, reader: _Reader) -> ClientEvent:
    return _capabilities([word for word in reader.rest() if isinstance(word, bytes)])


def _search(name: bytes, reader: _Reader) -> ClientEvent:
    numbers = tuple(int(word) for word in reader.rest() if isinstance(word, bytes) and word.isdigit())
    return SearchData(numbers)


def _list(name: bytes, reader: _Reader) -> ClientEvent:
    values = reader.rest()
    match values:
        case (tuple() as attributes, bytes() | None as delimiter, bytes() as mailbox, *_):
            flags = tuple(flag for flag in attributes if isinstance(flag, bytes))
            return ListData(flags, (delimiter or b"").decode("latin-1"), name_of(mailbox), name == b"LSUB")
    raise BadSyntax("a listed mailbox is expected")


def _status(name: bytes, reader: _Reader) -> ClientEvent:
    match reader.rest():
        case (bytes() as mailbox, tuple() as pairs, *_):
            names = [word.upper() if isinstance(word, bytes) else b"" for word in pairs[::2]]
            return StatusData(name_of(mailbox), dict(zip(names, pairs[1::2], strict=False)))
    raise BadSyntax("a mailbox's status is expected")


def _vanished(name: bytes, reader: _Reader) -> ClientEvent:
    match reader.rest():
        case (bytes() as uids,):
            return Vanished(parse_uid_set(uids), earlier=False)
        case (tuple(), bytes() as uids):
            return Vanished(parse_uid_set(uids), earlier=True)
    raise BadSyntax("a set of UIDs is expected")


def _other(name: bytes, reader: _Reader) -> ClientEvent:
    return OtherData(name, reader.rest())


_READERS: Final[Mapping[bytes, Callable[[bytes, _Reader], ClientEvent]]] = {
    b"CAPABILITY": _capability,
    b"LIST": _list,
    b"LSUB": _list,
    b"SEARCH": _search,
    b"SORT": _search,
    b"STATUS": _status,
    b"VANISHED": _vanished,
}


def name_of(octets: bytes) -> str:
    """A mailbox's name: UTF-8 where it is, modified UTF-7 where it can be, else as it stands."""
    if not octets.isascii():
        return octets.decode("utf-8", "replace")
    try:
        return decode_utf7(octets)
    except BadSyntax:
        return octets.decode("ascii")


class _Reader:
    """A place in one response."""

    __slots__ = ("_depth", "_text", "place")

    def __init__(self, text: bytes, place: int) -> None:
        self._text = text
        self._depth = 0
        self.place = place

    def word(self) -> bytes:
        """An atom of any kind."""
        match = _WORD.match(self._text, self.place)
        if match is None:
            raise BadSyntax("a word is expected")
        self.place = match.end()
        return match[0]

    def space(self) -> None:
        """Pass over spaces."""
        while self._text.startswith(b" ", self.place):
            self.place += 1

    @property
    def _at_end(self) -> bool:
        return self.place >= len(self._text) or self._text.startswith(b"\r\n", self.place)

    def rest(self) -> tuple[Value, ...]:
        """All values up to the end."""
        values: list[Value] = []
        self.space()
        while not self._at_end:
            values.append(self.value())
            self.space()
        return tuple(values)

    def value(self) -> Value:
        """A string, an atom, NIL or a list."""
        first = self._text[self.place : self.place + 1]
        if first == b"(":
            return self._list()
        if first == b'"':
            return self._quoted()
        if first == STREAMED:
            self.place += 1
            return STREAMED
        if first in (b"{", b"~") and (match := _LITERAL.match(self._text, self.place)):
            return self._literal(match)
        word = self.word()
        return None if word.upper() == b"NIL" else word

    def _list(self) -> tuple[Value, ...]:
        self._depth += 1
        if self._depth > _NESTING:
            raise BadSyntax("nested too deeply")
        self.place += 1
        values: list[Value] = []
        self.space()
        while not self._text.startswith(b")", self.place):
            if self._at_end:
                raise BadSyntax("a list is not closed")
            values.append(self.value())
            self.space()
        self.place += 1
        self._depth -= 1
        return tuple(values)

    def _quoted(self) -> bytes:
        match = _QUOTED.match(self._text, self.place)
        if match is None:
            raise BadSyntax("a quoted string is expected")
        self.place = match.end()
        return _ESCAPED.sub(rb"\1", match[1])

    def _literal(self, match: re.Match[bytes]) -> bytes:
        end = match.end() + int(match[1])
        if end > len(self._text):
            raise BadSyntax("a literal is cut off")
        self.place = end
        return self._text[match.end() : end]

    def items(self) -> dict[bytes, Value]:
        """(NAME value NAME value ...)"""
        if not self._text.startswith(b"(", self.place):
            raise BadSyntax("a list of items is expected")
        self.place += 1
        items: dict[bytes, Value] = {}
        self.space()
        while not self._text.startswith(b")", self.place):
            match = _ITEM.match(self._text, self.place)
            if match is None:
                raise BadSyntax("an item is expected")
            self.place = match.end()
            self.space()
            items[match[0].upper()] = self.value()
            self.space()
        return items
