"""Text as it is searched: folded, decoded, without markup, whatever the pieces."""

from __future__ import annotations

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.message import Finder, TextStream, decode_field, field_contains, fold, header_text
from postel.message.search.html import HtmlText
from postel.message.search.preview import preview_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("ＡＢＣ", "abc"),
        ("ﬁn", "FIN"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("Å", "a\u030a"),
        ("ｶﾞ", "ガ"),
    ],
)
def test_case_and_width_do_not_count(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("rest", "shown"),
    [
        (b" =?utf-8?q?Gr=C3=BC?=\r\n =?utf-8?q?=C3=9Fe?=\r\n", "Grüße"),
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
        (b" a \t b\r\n", "a b"),
        (b"=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本"),
        (b"=?nonsense?q?a?=", "=?nonsense?q?a?="),
    ],
)
def test_fields_are_read_as_people_do(rest: bytes, shown: str) -> None:
    assert decode_field(rest) == shown


HTML = (
    "<html><head><title>no</title><style>p { x: 'y' }</style></head><body><!-- not <b> this --><p>Gr&uuml;&szlig;e,"
    " <b>W</b>elt</p>\n\n<script>if (a < b) { }</script>1 &lt; 2 &amp;&nbsp;3 < 4<br>end &unknown; <a href='x>y'>z</a>"
)
TEXT = " Grüße, Welt 1 < 2 &\xa03 < 4 end &unknown; y'>z"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_html_is_read_without_its_markup(size: int) -> None:
    reader = HtmlText()
    pieces = [reader.feed(HTML[start : start + size]) for start in range(0, len(HTML), size)]
    assert "".join([*pieces, reader.finish()]) == TEXT.lstrip()


@given(
    st.lists(
        st.sampled_from(["<", ">", "<!--", "-->", "a", " ", "&amp;", "&", "<p>", "<style>", "</style>", "</"])
    )
)
def test_any_html_has_the_same_text_in_pieces(pieces: list[str]) -> None:
    whole, cut = HtmlText(), HtmlText()
    text = "".join(pieces)
    expected = whole.feed(text) + whole.finish()
    assert "".join([cut.feed(c) for c in text]) + cut.finish() == expected


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "utf-16", "windows-1252"])
@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_bodies_are_decoded_whatever_the_pieces(charset: str, encoding: str, size: int) -> None:
    octets = "Schöne GRÜẞE an alle".encode(charset, "replace")
    encode = {"8bit": bytes, "base64": base64.encodebytes, "quoted-printable": quopri.encodestring}[encoding]
    encoded = encode(octets)
    stream = TextStream(encoding, charset)
    pieces = [stream.feed(encoded[start : start + size]) for start in range(0, len(encoded), size)]
    found = "".join([*pieces, stream.finish()]).strip()
    assert found == fold(octets.decode(charset))


@given(st.text(alphabet="aA \u0301\u00c5ßﬁ日ｶﾞ\u1100\u1161한", max_size=60), st.integers(1, 9))
def test_folding_in_pieces_is_folding_whole(text: str, size: int) -> None:
    octets = text.encode()
    stream = TextStream("8bit", "utf-8")
    pieces = [stream.feed(octets[start : start + size]) for start in range(0, len(octets), size)]
    assert "".join([*pieces, stream.finish()]) == fold(text)


def test_unknown_charsets_and_encodings_are_read_as_well_as_can_be() -> None:
    stream = TextStream("x-unknown", "x-unknown")
    assert stream.feed("Grüße \udcff".encode("utf-8", "surrogateescape")) + stream.finish() == "grüsse \ufffd"


@given(st.text(alphabet="ab", max_size=40), st.text(alphabet="ab", min_size=1, max_size=5), st.integers(1, 7))
def test_a_finder_finds_across_pieces(text: str, needle: str, size: int) -> None:
    finder = Finder(needle)
    for start in range(0, len(text), size):
        finder.feed(text[start : start + size])
    assert finder.found == (needle in text)


def test_a_finder_looks_for_all_and_not_across_texts() -> None:
    finder = Finder("one", "two")
    finder.feed("...on")
    finder.end_part()
    finder.feed("e two")
    assert not finder.found
    finder.feed(" one")
    assert finder.found
    assert Finder("").found


def test_fields_are_searched() -> None:
    header = b"Subject: =?utf-8?q?GR=C3=9C=C3=9FE?=\r\nX-Empty:\r\nTo: Ann\r\n\tExample <a@b.org>\r\n\r\n"
    assert field_contains(header, b"subject", fold("grüße"))
    assert field_contains(header, b"TO", fold("ann example"))
    assert field_contains(header, b"x-empty", "")
    assert not field_contains(header, b"x-missing", "")
    assert not field_contains(header, b"x-empty", "a")
    assert fold("Subject: GRÜSSE") in header_text(header)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hello,\r\n\r\nhow are\tyou?\r\n", "Hello, how are you?"),
        ("> you said\r\n> that\r\nI say this", "I say this"),
        ("> only\r\n> quotes", "> only > quotes"),
        ("\0\x07bell", "bell"),
        ("", ""),
        ("word " * 100, ("word " * 40).strip()),
    ],
)
def test_a_preview_is_one_line(text: str, shown: str) -> None:
    assert preview_of(text) == shown


def test_a_preview_has_at_most_200_characters() -> None:
    assert len(preview_of("x" * 1000)) == 200
