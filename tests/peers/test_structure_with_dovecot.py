"""ENVELOPE, BODYSTRUCTURE, BODY and sections of many letters, compared with what Dovecot says of them.

Where the two differ, and why, is in ODD.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest
from asking_imap import Client
from dovecot_instance import DovecotInstance, dovecot
from loopback import own_address
from peer_programs import need_root

from corpus_kit import Letters
from imap_values import value_of
from postel.message import (
    IndexedContent,
    SectionText,
    find_span,
    index_content,
    kept_fields,
    select_fields,
)

pytestmark = [pytest.mark.peer, pytest.mark.slow]

COUNT: Final = 600
TAME: Final = tuple(Letters(20261124, is_tame=True).some(COUNT))

_BODY: Final = b"\r\n\r\nbody\r\n"
_NOBODY: Final = [None, None, b"MISSING_MAILBOX", b"MISSING_DOMAIN"]
_TEXT: Final = [b"text", b"plain", [b"charset", b"us-ascii"], None, None]
_SIZE: Final = ["6", "1"]
_NO: Final = [None, None, None]

# RFC or reason, the letter, what is looked at, what we say, what Dovecot says.
ODD: Final[Sequence[tuple[str, bytes, str, Any, Any]]] = (
    ("RFC 5322 4.4: empty members of a list mean nothing", b"To: ," + _BODY, "ENVELOPE 5", None, [_NOBODY]),
    ("RFC 5322 4.4: empty members of a list mean nothing", b"To: ,,a@b.org,," + _BODY, "ENVELOPE 5",
     [[None, None, b"a", b"b.org"]], [_NOBODY, _NOBODY, [None, None, b"a", b"b.org"], _NOBODY]),
    ("what is there is shown", b"To: Ann <ann@b.org" + _BODY, "ENVELOPE 5",
     [[b"Ann", None, b"ann", b"b.org"]], [[b"Ann", None, b"ann", b"SYNTAX_ERROR"]]),
    ("what is there is shown", b"To: Ann ann@b.org>" + _BODY, "ENVELOPE 5",
     [[b"Ann", None, b"ann", b"b.org"]], [[b"Ann ann", *_NOBODY[1:]]]),
    ("RFC 5322 4.4: blanks around dots mean nothing", b"To: ann . dots @ b . org" + _BODY, "ENVELOPE 5",
     [[None, None, b"ann.dots", b"b.org"]], [[b"ann. dots", *_NOBODY[1:]]]),
    ("what is there is shown", b'To: "never closed <x@b.org>' + _BODY, "ENVELOPE 5",
     [[b'"never closed <x@b.org>', *_NOBODY[1:]]], [_NOBODY]),
    ("what is there is shown", b"To: (never closed x@b.org" + _BODY, "ENVELOPE 5",
     [[b"(never closed x@b.org", *_NOBODY[1:]]], None),
    ("a semicolon parts addresses, as some write", b"To: a@b.org; c@d.org" + _BODY, "ENVELOPE 5",
     [[None, None, b"a", b"b.org"], [None, None, b"c", b"d.org"]], [[None, None, b"a", b"b.org"]]),
    ("RFC 2045 5.2: what is no type is text/plain", b"Content-Type: text" + _BODY, "BODY",
     [*_TEXT, b"7bit", *_SIZE], [b"text", b"", *_TEXT[2:], b"7bit", *_SIZE]),
    ("RFC 2045 5.2: what is no type is text/plain", b"Content-Type: /" + _BODY, "BODY",
     [*_TEXT, b"7bit", *_SIZE], [b"", b"", None, None, None, b"7bit", "6"]),
    ("an empty parameter ends nothing", b"Content-Type: text/plain; ; charset=utf-8" + _BODY, "BODY 2",
     [b"charset", b"utf-8"], [b"charset", b"us-ascii"]),
    ("the first of two parameters counts", b"Content-Type: x/y; a=1; A=2" + _BODY, "BODY 2",
     [b"a", b"1"], [b"a", b"1", b"A", b"2"]),
    ("a quote in a token is part of it", b'Content-Type: x/y; name=never"closed' + _BODY, "BODY 2",
     [b"name", b'never"closed'], [b"name", b"never"]),
    ("RFC 2183 2: a disposition has a type", b"Content-Type: x/y\r\nContent-Disposition:" + _BODY,
     "BODYSTRUCTURE 8", None, [b"", None]),
    ("RFC 2183 2: a type is one token", b"Content-Type: x/y\r\nContent-Disposition: x y" + _BODY,
     "BODYSTRUCTURE 8", None, [b"x", None]),
    ("what is meant is plain", b"Content-Type: x/y\r\nContent-Transfer-Encoding: base64;" + _BODY, "BODY 5",
     b"base64", b"7bit"),
    ("RFC 2045 6.1: an encoding needs no Content-Type beside it",
     b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment" + _BODY, "BODYSTRUCTURE",
     [*_TEXT, b"base64", *_SIZE, None, [b"attachment", None], None, None], [*_TEXT, b"7bit", *_SIZE, None, *_NO]),
    ("of two fields of one name the first counts",
     b"Content-Type: x/y\r\nContent-Language:\r\nContent-Language: en" + _BODY, "BODYSTRUCTURE 9", None, [b"en"]),
    ("a boundary is a whole line (mime_reader)",
     b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--bc\r\n\r\ntwo\r\n--b--\r\n", "BODY 0",
     [*_TEXT, b"7bit", "16", "3"], [*_TEXT, b"7bit", "3", "0"]),
    ("what begins with a blank has no header (header.HeadCollector)", b" blank: x\r\nSubject: x" + _BODY,
     "ENVELOPE 1", None, b"x"),
)  # fmt: skip


def stripped(value: Any) -> Any:
    """Dovecot keeps blanks at the end of a value: we do not."""
    if isinstance(value, list):
        return [stripped(one) for one in value]
    return value.strip() if isinstance(value, bytes) else value


def said(letter: bytes) -> dict[str, Any]:
    """What we say of a letter."""
    index = IndexedContent.read(index_content(letter))
    return {
        "ENVELOPE": stripped(value_of(index.envelope())),
        "BODYSTRUCTURE": stripped(value_of(index.body_structure())),
        "BODY": stripped(value_of(index.body())),
    }


@pytest.fixture(scope="module")
def store() -> Iterator[DovecotInstance]:
    need_root("Dovecot on port 24")
    people = {"kitt@store.example": "sesame", "odd@store.example": "sesame"}
    with dovecot(own_address(port=24), people) as made:
        made.fill("kitt", TAME)
        made.fill("odd", [letter for _, letter, *_ in ODD])
        yield made


def test_dovecot_says_the_same_of_hundreds_of_letters(store: DovecotInstance) -> None:
    client = Client(store.address, "kitt@store.example")
    theirs = client.structures(COUNT)
    client.close()
    for number, (letter, their) in enumerate(zip(TAME, theirs, strict=True), 1):
        ours = said(letter)
        for name in ours:
            assert ours[name] == stripped(their[name]), (number, name, letter)


def test_dovecot_finds_the_same_octets_in_every_section(store: DovecotInstance) -> None:
    client = Client(store.address, "kitt@store.example")
    compared = 0
    for number, letter in enumerate(TAME, 1):
        index = IndexedContent.read(index_content(letter))
        theirs = client.sections(number, list(names_of_sections(index)))
        for name, their in theirs.items():
            assert is_same(section(index, letter, name), their), (number, name, letter)
        compared += len(theirs)
    client.close()
    assert compared > 10 * COUNT


def names_of_sections(index: IndexedContent) -> Iterator[bytes]:
    """All there are, but for those of a letter with very many."""
    yield from (b"", b"HEADER", b"TEXT", b"HEADER.FIELDS (FROM TO SUBJECT)", b"HEADER.FIELDS (X-ODD)")
    yield b"HEADER.FIELDS.NOT (FROM TO SUBJECT)"
    for numbers in list(numbers_of(index, 0, b""))[:12]:
        yield from (numbers, numbers + b".MIME", numbers + b".HEADER", numbers + b".TEXT")


def numbers_of(index: IndexedContent, at: int, before: bytes) -> Iterator[bytes]:
    """Part numbers of a message, outermost first (RFC 9051 6.4.5.1)."""
    is_multipart = index.parts[at].is_multipart
    for number, child in enumerate(index.children[at] if is_multipart else [at], 1):
        numbers = before + b"%d" % number
        yield numbers
        if index.parts[child].is_message:
            yield from numbers_of(index, index.children[child][0], numbers + b".")
        elif index.parts[child].is_multipart:
            yield from numbers_of(index, child, numbers + b".")


def section(index: IndexedContent, letter: bytes, name: bytes) -> bytes | None:
    """The octets that we find."""
    match = re.fullmatch(rb"([\d.]*?)\.?(HEADER\.FIELDS(?:\.NOT)?|HEADER|TEXT|MIME|)(?: \((.*)\))?", name)
    assert match is not None
    numbers = tuple(int(number) for number in match[1].split(b".") if number)
    what = SectionText(match[2].partition(b".")[0].decode())
    span = find_span(index, b"", numbers, what)
    if span is None:
        return None
    octets = letter[span.start : span.end]
    if match[3] is None:
        return octets
    names = frozenset(match[3].lower().split())
    is_not = match[2].endswith(b"NOT")
    found = select_fields(octets, names, excluding=is_not)
    kept = None if is_not else kept_fields(index, b"", names)
    assert kept in (None, found)
    return found


def is_same(ours: bytes | None, theirs: bytes | None) -> bool:
    """A section that is not there is NIL or empty. Where a boundary follows the empty line of a header at once, that
    line is the header's for us and the boundary's for Dovecot.
    """
    return (ours or b"") == (theirs or b"") or ours == (theirs or b"") + b"\r\n"


@pytest.mark.parametrize("number", range(len(ODD)), ids=[why for why, *_ in ODD])
def test_where_we_differ_from_dovecot_it_is_meant(store: DovecotInstance, number: int) -> None:
    _, letter, what, ours, theirs = ODD[number]
    client = Client(store.address, "odd@store.example")
    found = client.structures(len(ODD))[number]
    client.close()
    assert looked_up(said(letter), what) == ours
    assert stripped(looked_up(found, what)) == theirs


def looked_up(found: dict[str, Any], what: str) -> Any:
    name, *places = what.split()
    value = found[name]
    for place in places:
        value = value[int(place)]
    return value
