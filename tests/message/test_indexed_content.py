"""The blob of a content: what is in it, the same for any split, and what is no blob."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_kit import Letters
from imap_values import value_of
from postel.message import (
    ContentIndexer,
    IndexedContent,
    StaleIndex,
    body_structure_of,
    envelope_of,
    index_content,
)

LETTER = (
    b"Received: from a by b; Tue, 24 Nov 2026 03:00:00 +0000\r\n"
    b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\nTo: Friends: Ann <ann@example.net>, bob@example.net;\r\n"
    b"Subject: Re: [list] =?utf-8?q?Gr=C3=BC=C3=9Fe?= (fwd)\r\nDate: Tue, 24 Nov 2026 00:30:00 +0100\r\n"
    b'Message-ID: <"1"@example.org>\r\nReferences: <a@b> <c@d>\r\n <e@f>\r\n'
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    b"--x\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"<style>p { }</style><p>Gr=C3=BC=C3=9Fe &amp;\r\n<b>mehr</b>\r\n"
    b"--x\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--x--\r\n"
)


def test_all_that_imap_asks_for_is_in_it() -> None:
    blob = index_content(LETTER)
    index = IndexedContent.read(blob)
    assert (index.size_bytes, index.lines) == (len(LETTER), LETTER.count(b"\n"))
    assert LETTER[index.body_start :].startswith(b"--x\r\n")
    assert index.envelope() == envelope_of(blob) == (
        b'("Tue, 24 Nov 2026 00:30:00 +0100" "Re: [list] =?utf-8?q?Gr=C3=BC=C3=9Fe?= (fwd)" '
        b'(("=?utf-8?q?J=C3=BCrgen?=" NIL "j" "example.org")) (("=?utf-8?q?J=C3=BCrgen?=" NIL "j" "example.org")) '
        b'(("=?utf-8?q?J=C3=BCrgen?=" NIL "j" "example.org")) ((NIL NIL "Friends" NIL)'
        b'("Ann" NIL "ann" "example.net")(NIL NIL "bob" "example.net")(NIL NIL NIL NIL)) NIL NIL NIL '
        b'"<\\"1\\"@example.org>")'
    )  # fmt: skip
    assert index.body_structure() == body_structure_of(blob) == (
        b'(("text" "html" ("charset" "utf-8") NIL NIL "quoted-printable" 57 1 NIL NIL NIL NIL)'
        b'("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 4 NIL ("attachment" NIL) NIL NIL)'
        b' "mixed" ("boundary" "x") NIL NIL NIL)'
    )  # fmt: skip
    assert index.body() == (
        b'(("text" "html" ("charset" "utf-8") NIL NIL "quoted-printable" 57 1)'
        b'("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 4) "mixed")'
    )
    assert index.preview == "Grüße & mehr"
    assert index.has_attachments
    assert not index.needs_utf8
    assert index.sent_at == datetime.datetime(2026, 11, 23, 23, 30, tzinfo=datetime.UTC).timestamp()
    assert index.sent_day == datetime.date(2026, 11, 24).toordinal()
    assert [(part.media, part.encoding, part.charset, part.filename) for part in index.parts] == [
        ("multipart/mixed", "7bit", "", ""),
        ("text/html", "quoted-printable", "utf-8", ""),
        ("application/pdf", "base64", "", "a.pdf"),
    ]


def test_keys_are_folded_for_search_and_for_sorting() -> None:
    keys = IndexedContent.read(index_content(LETTER)).keys
    assert keys.subject == "re: [list] grüsse (fwd)"
    assert (keys.base_subject, keys.is_reply) == ("GRU\N{COMBINING DIAERESIS}ßE", True)
    assert keys.from_ == "jürgen <j@example.org>"
    assert (keys.sort_from, keys.display_from) == ("J", "JU\N{COMBINING DIAERESIS}RGEN")
    assert (keys.sort_to, keys.display_to) == ("FRIENDS", "FRIENDS")
    assert (keys.message_id, keys.references) == ("1@example.org", ("a@b", "c@d", "e@f"))


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_pieces_do_not_matter(size: int) -> None:
    for letter in (LETTER, *Letters(4).some(25)):
        indexer = ContentIndexer()
        for start in range(0, len(letter), size):
            indexer.feed(letter[start : start + size])
        assert indexer.finish() == index_content(letter)


def test_what_is_rendered_is_imap_whatever_the_letter() -> None:
    for letter in Letters(5).some(80):
        index = IndexedContent.read(index_content(letter))
        for utf8 in (False, True):
            envelope = value_of(index.envelope(utf8=utf8))
            assert len(envelope) == 10
            structure = value_of(index.body_structure(rev2=True, utf8=utf8))
            assert is_structure(structure)
            assert is_structure(value_of(index.body(utf8=utf8)))
        assert len(index.preview) <= 256


def is_structure(value: list[object]) -> bool:
    """Whether it has the parts that RFC 9051 9 asks for, however deep."""
    waiting: list[object] = [value]
    while waiting:
        now = waiting.pop()
        assert isinstance(now, list)
        if isinstance(now[0], list):
            parts = [one for one in now if isinstance(one, list)]
            count = next(at for at, one in enumerate(now) if not isinstance(one, list))
            assert isinstance(now[count], bytes)
            waiting += parts[:count]
            continue
        assert all(isinstance(text, bytes) for text in (now[0], now[1], now[5]))
        assert str(now[6]).isdigit()
        if (now[0].lower(), now[1].lower()) == (b"message", b"rfc822"):
            assert len(now[7]) == 10
            waiting.append(now[8])
    return True


@given(st.binary(max_size=400), st.integers(1, 50))
@settings(max_examples=60)
def test_any_octets_have_an_index(content: bytes, size: int) -> None:
    indexer = ContentIndexer()
    for start in range(0, len(content), size):
        indexer.feed(content[start : start + size])
    blob = indexer.finish()
    assert blob == index_content(content)
    index = IndexedContent.read(blob)
    assert index.size_bytes == len(content)
    value_of(index.envelope())
    assert is_structure(value_of(index.body_structure()))


def test_other_octets_are_no_index() -> None:
    blob = index_content(LETTER)
    for octets in (b"", b"\x01", b"\x00" + blob[1:], blob[:-10], blob[: len(blob) // 2]):
        with pytest.raises(StaleIndex):
            index = IndexedContent.read(octets)
            assert index.keys and index.parts
    with pytest.raises(StaleIndex):
        envelope_of(b"")
    with pytest.raises(StaleIndex):
        body_structure_of(b"\x02")


@given(st.data())
@settings(max_examples=60)
def test_a_damaged_index_is_stale_or_read(data: st.DataObject) -> None:
    blob = bytearray(index_content(LETTER))
    for _ in range(data.draw(st.integers(1, 4))):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    try:
        index = IndexedContent.read(bytes(blob))
        assert index.keys is not None
        assert index.children is not None
        assert index.kept(range(256)) is not None
        assert isinstance(index.preview, str)
    except StaleIndex:
        pass


def test_octets_above_ascii_are_literals_or_quoted_utf8() -> None:
    """RFC 3501 9 has no 8-bit octets in quoted strings; RFC 6855 3 has."""
    index = IndexedContent.read(
        index_content("From: Jürgen <j@example.org>\r\nSubject: Grüße\r\n\r\n".encode())
    )
    assert index.needs_utf8
    assert "{7}\r\nGrüße".encode() in index.envelope()
    assert '"Grüße" (("Jürgen" NIL "j" "example.org"))'.encode() in index.envelope(utf8=True)
    latin = IndexedContent.read(index_content("Subject: Grüße {5}\r\n\r\n".encode("latin-1")))
    assert latin.envelope(utf8=True) == latin.envelope()
    assert value_of(latin.envelope())[1] == "Grüße {5}".encode("latin-1")


def test_a_nul_is_in_no_string() -> None:
    """RFC 9051 9: CHAR8 begins at 1."""
    index = IndexedContent.read(index_content(b"Subject: a\0b\r\nFrom: \0 <a\0@b>\r\nContent-ID: \0\r\n\r\n"))
    assert b"\0" not in index.envelope() + index.body_structure()


def test_clients_of_rev2_are_told_what_is_in_a_message_global() -> None:
    """RFC 9051 9, media-message; RFC 3501 knows message/rfc822 only."""
    letter = b"Content-Type: message/global\r\n\r\nSubject: inside\r\n\r\ntext"
    index = IndexedContent.read(index_content(letter))
    assert index.body() == b'("message" "global" NIL NIL NIL "7bit" 23)'
    assert b'"inside"' in index.body_structure(rev2=True)
    assert index.body(rev2=True).endswith(b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 0) 2)')


def test_all_addresses_count_where_a_field_is_there_more_than_once() -> None:
    letter = (
        b"From: ann@example.org\r\nTo: bob@example.org\r\nCc:\r\ncc: Carl <carl@example.org>\r\n"
        b'TO: "Dora" <dora@example.org>\r\nCC: eve@example.org\r\nSubject: one\r\nSubject: two\r\n\r\n'
    )
    index = IndexedContent.read(index_content(letter))
    envelope = value_of(index.envelope())
    assert envelope[1] == b"one"
    assert [address[2] for address in envelope[5]] == [b"bob", b"dora"]
    assert [address[2] for address in envelope[6]] == [b"carl", b"eve"]
    assert "dora@example.org" in index.keys.to and "carl@example.org" in index.keys.cc


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (b'"a b.txt"', b"a b.txt"),
        (b'"a b.txt"=', b"a b.txt"),
        (b'"a b.txt" (the text)', b"a b.txt"),
        (b'"a "b".txt", x', b'a "b".txt'),
        (b'"a b.txt', b"a b.txt"),
        (b'"', b""),
    ],
)
def test_what_is_behind_a_quoted_value_is_no_part_of_it(written: bytes, value: bytes) -> None:
    letter = b"Content-Type: x/y; a=1; name=%b\r\n\r\nx\r\n" % written
    parameters = value_of(IndexedContent.read(index_content(letter)).body())[2]
    assert parameters[2:] == [b"name", value]
