"""Sections: what octets BODY[...] and BINARY[...] mean, and that together they are the message."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_kit import Letters
from postel.message import (
    KEPT_NAMES,
    IndexedContent,
    SectionText,
    Span,
    StaleIndex,
    find_binary,
    find_span,
    index_content,
    kept_fields,
    kept_fields_of,
    select_fields,
    text_parts,
)

PREFIX = b"Return-Path: <ann@example.net>\r\nDelivered-To: bob@example.org\r\n"
INNER = b"Subject: inside\r\nX-Inner: 1\r\n\r\nhello\r\nthere"
LETTER = (
    b"From: ann@example.net\r\nSubject: outside\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    b"--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nR3LDvMOfZQ==\r\n"
    b"--x\r\nContent-Type: message/rfc822\r\n\r\n" + INNER + b"\r\n"
    b"--x\r\nContent-Type: application/x; name=a.bin\r\nContent-Transfer-Encoding: x-unknown\r\n\r\n???\r\n--x--\r\n"
)
MESSAGE = PREFIX + LETTER
INDEX = IndexedContent.read(index_content(LETTER))


def section(*numbers: int, what: SectionText = SectionText.WHOLE) -> bytes | None:
    span = find_span(INDEX, PREFIX, numbers, what)
    return None if span is None else MESSAGE[span.start : span.end]


def test_sections_of_a_message_begin_with_what_the_copy_has_in_front() -> None:
    head = MESSAGE.index(b"\r\n\r\n") + 4
    assert section() == MESSAGE
    assert section(what=SectionText.HEADER) == MESSAGE[:head]
    assert section(what=SectionText.TEXT) == MESSAGE[head:]
    assert section(what=SectionText.MIME) is None


def test_sections_of_parts() -> None:
    assert section(1) == b"R3LDvMOfZQ=="
    assert section(1, what=SectionText.MIME) == (
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    assert section(2) == INNER
    assert section(2, what=SectionText.HEADER) == b"Subject: inside\r\nX-Inner: 1\r\n\r\n"
    assert section(2, what=SectionText.TEXT) == section(2, 1) == b"hello\r\nthere"
    assert section(2, what=SectionText.MIME) == b"Content-Type: message/rfc822\r\n\r\n"


@pytest.mark.parametrize("numbers", [(0,), (4,), (1, 1), (2, 2), (2, 1, 1), (3, 1), (1,) * 50])
def test_there_are_no_other_parts(numbers: tuple[int, ...]) -> None:
    assert find_span(INDEX, PREFIX, numbers) is None
    assert find_binary(INDEX, PREFIX, numbers) is None


def test_header_and_text_are_of_a_message_only() -> None:
    """RFC 9051 6.4.5.1."""
    assert section(1, what=SectionText.HEADER) is None
    assert section(3, what=SectionText.TEXT) is None


def test_a_message_without_parts_has_part_1() -> None:
    letter = b"Subject: x\r\n\r\ntext\r\n"
    index = IndexedContent.read(index_content(letter))
    assert (
        find_span(index, b"A: b\r\n", (1,))
        == find_span(index, b"A: b\r\n", (), SectionText.TEXT)
        == Span(20, 26)
    )
    assert find_span(index, b"A: b\r\n", (1,), SectionText.MIME) == Span(0, 20)


def test_a_multipart_without_parts_has_none() -> None:
    """Its structure says that an empty text is in it."""
    index = IndexedContent.read(index_content(b"Content-Type: multipart/mixed; boundary=x\r\n\r\ntext"))
    assert find_span(index, b"", (1,)) is None


def test_a_part_of_the_octets() -> None:
    """RFC 9051 6.4.5.1: an offset beyond the end gives an empty string."""
    span = Span(100, 110)
    assert span.cut(0, 4) == Span(100, 104)
    assert span.cut(8, 50) == Span(108, 110)
    assert span.cut(10, 1).size == span.cut(999, 1).size == 0


def test_mime_and_body_of_each_part_lie_one_behind_the_other_within_the_message() -> None:
    for letter in Letters(7).some(120):
        index = IndexedContent.read(index_content(letter))
        rebuilt, at = b"", 0
        for part in index.parts:
            if part.is_multipart or part.is_message:
                continue
            rebuilt += letter[at : part.start] + letter[part.start : part.body_start]
            rebuilt += letter[part.body_start : part.end]
            assert at <= part.start <= part.body_start <= part.end
            at = part.end
        assert rebuilt + letter[at:] == letter


# HEADER.FIELDS


def test_fields_come_from_prefix_and_content_in_their_order() -> None:
    names = frozenset({b"subject", b"delivered-to", b"from"})
    expected = b"Delivered-To: bob@example.org\r\nFrom: ann@example.net\r\nSubject: outside\r\n\r\n"
    assert kept_fields(INDEX, PREFIX, names) == expected
    header = section(what=SectionText.HEADER)
    assert header is not None
    assert select_fields(header, names) == expected
    assert select_fields(header, names, excluding=True) == (
        b"Return-Path: <ann@example.net>\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    )


def test_fields_that_are_not_kept_are_not_guessed() -> None:
    assert kept_fields(INDEX, PREFIX, frozenset({b"subject", b"x-inner"})) is None


def test_what_is_kept_is_what_is_there() -> None:
    names = frozenset(KEPT_NAMES)
    for letter in Letters(8).some(120):
        index = IndexedContent.read(index_content(letter))
        kept = kept_fields(index, b"", names)
        assert kept == select_fields(letter[: index.body_start], names)


def test_kept_fields_of_many_are_those_of_each() -> None:
    wanted = [frozenset(KEPT_NAMES[:7]), frozenset({b"to", b"date", b"return-path"}), frozenset({b"x-none"})]
    letters = Letters(9).some(120)
    blobs = [index_content(letter) for letter in letters]
    prefixes = [(b"", PREFIX, b"Return-Path: <>\r\n\r\n")[n % 3] for n in range(len(blobs))]
    for names in wanted:
        each = zip(blobs, prefixes, strict=True)
        expected = [kept_fields(IndexedContent.read(blob), prefix, names) for blob, prefix in each]
        assert kept_fields_of(blobs, prefixes, names) == expected


@given(st.binary(max_size=200), st.integers(0, 200))
def test_damaged_blobs_are_stale_and_nothing_worse(octets: bytes, cut: int) -> None:
    blob = index_content(b"From: a@b.org\r\nTo: c@d.org\r\nSubject: x\r\n\r\ntext\r\n")
    for damaged in (octets, b"\x01\x00" + octets, blob[:cut]):
        with suppress(StaleIndex):
            kept_fields_of([damaged], [b""], frozenset({b"from", b"subject"}))


def test_a_header_of_giants_is_not_kept() -> None:
    letter = b"To: " + b"a@b.org, " * 3000 + b"c@d.org\r\nSubject: x\r\n\r\n"
    assert kept_fields(IndexedContent.read(index_content(letter)), b"", frozenset({b"subject"})) is None


def test_a_content_without_a_header_has_that_of_its_prefix() -> None:
    content = b" blank first\r\n\r\ntext"
    prefix = b"Return-Path: <>\r\n\r\n"
    index = IndexedContent.read(index_content(content))
    assert find_span(index, prefix, (), SectionText.HEADER) == Span(0, len(prefix))
    assert kept_fields(index, prefix, frozenset({b"return-path", b"subject"})) == prefix


# BINARY


def test_parts_are_decoded_as_they_are_read() -> None:
    part = find_binary(INDEX, PREFIX, (1,))
    assert part is not None
    octets = MESSAGE[part.span.start : part.span.end]
    decoder = part.decoder()
    assert decoder is not None
    assert (
        b"".join([decoder.feed(octets[:5]), decoder.feed(octets[5:]), decoder.finish()]) == "Grüße".encode()
    )


def test_unknown_encodings_are_not_decoded() -> None:
    """RFC 3516 4.3: NO [UNKNOWN-CTE]."""
    part = find_binary(INDEX, PREFIX, (3,))
    assert part is not None
    assert part.decoder() is None


def test_what_has_parts_is_not_encoded() -> None:
    for numbers in ((), (2,)):
        part = find_binary(INDEX, PREFIX, numbers)
        assert part is not None
        assert part.encoding == ("binary")


# what search reads


def test_texts_are_read_decoded_and_folded() -> None:
    found = text_parts(INDEX, PREFIX)
    assert [part.filename for part in found] == ["", "", "", "", "a.bin"]
    texts = []
    for part in found:
        if part.span:
            reader = part.reader()
            octets = MESSAGE[part.span.start : part.span.end]
            texts.append(reader.feed(octets) + reader.finish())
    assert texts == ["grüsse", "hello\r\nthere"]
    assert MESSAGE[found[0].header_span.start : found[0].header_span.end] == section(what=SectionText.HEADER)
