"""SORT, THREAD, SEARCH and BINARY over many letters, compared with what Dovecot answers."""

from __future__ import annotations

import base64
import quopri
import random
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from asking_imap import Client
from dovecot_instance import FILLED_AT, DovecotInstance, dovecot
from loopback import own_address
from peer_programs import need_root

from postel.message import (
    Finder,
    IndexedContent,
    SortCriterion,
    SortRow,
    Thread,
    ThreadRow,
    field_contains,
    find_binary,
    fold,
    format_threads,
    index_content,
    sort_numbers,
    text_parts,
    thread_by_references,
    thread_by_subject,
)

pytestmark = [pytest.mark.peer, pytest.mark.slow]

COUNT: Final = 400
_NAMES: Final = ("Ann <ann@x>", "bob@y", "=?utf-8?q?J=C3=BCrgen?= <j@z>", '"Quoted, A" <q@q>', "Zed <zed@z>")
_TEXTS: Final = ("Schöne Grüße", "plain words", "STRASSE und Straße", "日本語のテキスト", "ÄÖÜ ﬁ")
_CHARSETS: Final = ("utf-8", "iso-8859-1", "iso-2022-jp", "windows-1252", "utf-16")


def made(count: int) -> Iterator[bytes]:
    """Letters that answer each other, in some character sets."""
    pick = random.Random(8)
    for number in range(1, count + 1):
        fields = [f"From: {pick.choice(_NAMES)}", f"To: {pick.choice(('a@b', 'Zed <c@d>', 'G: x@y;', ''))}"]
        fields.append(f"Cc: {pick.choice(('b@b', 'Y <x@d>'))}")
        if pick.random() < 0.9:
            fields.append(f"Message-ID: <{number if pick.random() < 0.9 else pick.randrange(count)}@x>")
        near = [f"<{other}@x>" for other in range(max(1, number - 20), number + 5)]
        if pick.random() < 0.6:
            fields.append("References: " + " ".join(pick.choices(near, k=pick.choice((1, 1, 2, 3, 6)))))
        elif pick.random() < 0.5:
            fields.append(f"In-Reply-To: {pick.choice(near)} your mail")
        subject = pick.choice((*[f"S{pick.randrange(50)}"] * 3, f"[l] S{pick.randrange(50)} (fwd)", ""))
        fields.append(
            "Subject: "
            + pick.choice(("", "Re: ", "re: [x] ", "Fwd: ", "=?utf-8?q?Gr=C3=BC=C3=9Fe?= "))
            + subject
        )
        day, hour, zone = pick.randrange(1, 29), pick.randrange(24), pick.choice(("+0000", "-0800", "+0200"))
        fields.append(
            f"Date: {day} Nov 2026 {hour:02}:{pick.randrange(60):02}:00 {zone}"
            if number % 20
            else "X-No: date"
        )
        yield "\r\n".join(fields).encode() + b"\r\n" + body(pick)


def body(pick: random.Random) -> bytes:
    charset, text = pick.choice(_CHARSETS), f"{pick.choice(_TEXTS)}\nsecond line\n"
    octets = text.encode(charset, "replace")
    if charset == "utf-16" or pick.random() < 0.4:
        encoding, octets = "base64", base64.encodebytes(octets)
    elif pick.random() < 0.5:
        encoding, octets = "quoted-printable", quopri.encodestring(octets)
    else:
        encoding = "8bit"
    is_html = pick.random() < 0.2 and encoding == "8bit"
    kind = "html" if is_html else "plain"
    octets = b"<p>" + octets + b"</p>" if is_html else octets
    head = f"Content-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + octets.replace(b"\n", b"\r\n")


LETTERS: Final = tuple(made(COUNT))
INDEXES: Final = tuple(IndexedContent.read(index_content(letter)) for letter in LETTERS)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    need_root("Dovecot on port 24")
    with dovecot(own_address(port=24), {"kitt@store.example": "sesame"}) as store:
        fill(store)
        client = Client(store.address, "kitt@store.example")
        yield client
        client.close()


def fill(store: DovecotInstance) -> None:
    store.fill("kitt", LETTERS)


def sent_at(number: int) -> float:
    found = INDEXES[number - 1].sent_at
    return FILLED_AT + number - 1 if found is None else found


def thread_rows() -> Iterator[ThreadRow]:
    for number, index in enumerate(INDEXES, 1):
        k = index.keys
        yield ThreadRow(number, k.message_id, k.references, k.base_subject, k.is_reply, sent_at(number))


@pytest.mark.parametrize(
    ("algorithm", "thread"), [(b"REFERENCES", thread_by_references), (b"ORDEREDSUBJECT", thread_by_subject)]
)
def test_threads_are_the_same(
    client: Client, algorithm: bytes, thread: Callable[[Iterator[ThreadRow]], list[Thread]]
) -> None:
    (theirs,) = client.ask(b"THREAD " + algorithm + b" UTF-8 ALL")
    assert b"* THREAD " + format_threads(thread(thread_rows())) == theirs.strip()


@pytest.mark.parametrize("is_reverse", [False, True])
@pytest.mark.parametrize("criterion", SortCriterion)
def test_sorting_is_the_same(client: Client, criterion: SortCriterion, is_reverse: bool) -> None:
    reverse = b"REVERSE " if is_reverse else b""
    theirs = client.numbers(b"SORT (%b%b DATE) UTF-8 ALL" % (reverse, criterion.value.encode()))
    rows = []
    for number, index in enumerate(INDEXES, 1):
        k, size = index.keys, len(LETTERS[number - 1])
        texts = (k.base_subject, k.sort_to, k.display_from, k.display_to)
        rows.append(
            SortRow(number, FILLED_AT + number, k.sort_cc, sent_at(number), k.sort_from, size, *texts)
        )
    assert sort_numbers(rows, [(criterion, is_reverse), (SortCriterion.DATE, False)]) == theirs


@pytest.mark.parametrize(
    "needle", ["grüße", "GRÜSSE", "s1", "re: s", "jürgen", "JÜRGEN", "quoted", "@z", "zed", "nobody", "x"]
)
@pytest.mark.parametrize("name", ["SUBJECT", "FROM", "TO", "CC"])
def test_fields_are_searched_with_the_same_result(client: Client, name: str, needle: str) -> None:
    found = [
        n
        for n, letter in enumerate(LETTERS, 1)
        if field_contains(header(letter), name.encode(), fold(needle))
    ]
    theirs = client.numbers(
        b"SEARCH CHARSET UTF-8 %b {%d+}\r\n%b" % (name.encode(), len(needle.encode()), needle.encode())
    )
    if needle == "GRÜSSE":
        assert set(theirs) <= set(found)  # ß is ss by Unicode's full case folding, but not by RFC 5051
    else:
        assert found == theirs


def header(letter: bytes) -> bytes:
    return letter[: letter.index(b"\r\n\r\n") + 4]


@pytest.mark.parametrize(
    "needle", ["schöne", "SCHÖNE GR", "Straße", "日本", "äöü", "second LINE", "=C3", "nothing"]
)
def test_bodies_are_searched_with_the_same_result(client: Client, needle: str) -> None:
    found = [n for n, letter in enumerate(LETTERS, 1) if body_contains(letter, INDEXES[n - 1], fold(needle))]
    theirs = client.numbers(
        b"SEARCH CHARSET UTF-8 BODY {%d+}\r\n%b" % (len(needle.encode()), needle.encode())
    )
    if needle == "Straße":
        assert set(theirs) <= set(found)
    else:
        assert found == theirs


def test_markup_is_no_text(client: Client) -> None:
    """Dovecot finds tags, too; a reader of the letter never saw them."""
    assert not any(body_contains(letter, INDEXES[n], "<p>") for n, letter in enumerate(LETTERS))
    assert client.numbers(b'SEARCH BODY "<p>"')


def body_contains(letter: bytes, index: IndexedContent, needle: str) -> bool:
    finder = Finder(needle)
    for part in text_parts(index, b""):
        if part.span:
            reader = part.reader()
            finder.feed(reader.feed(letter[part.span.start : part.span.end]) + reader.finish())
            finder.end_part()
    return finder.found


def test_what_is_decoded_is_the_same(client: Client) -> None:
    for number, letter in enumerate(LETTERS, 1):
        (line,) = client.ask(b"FETCH %d (BINARY.SIZE[1] BINARY.PEEK[1])" % number)
        part = find_binary(INDEXES[number - 1], b"", (1,))
        assert part is not None
        decoder = part.decoder()
        assert decoder is not None
        octets = decoder.feed(letter[part.span.start : part.span.end]) + decoder.finish()
        assert b"BINARY.SIZE[1] %d " % len(octets) in line
        assert octets in line
