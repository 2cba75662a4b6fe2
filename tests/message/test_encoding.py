"""message.encoding and message.encoded_words."""

from __future__ import annotations

import base64
import quopri
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.message import decode_words
from postel.message.encoding import encode


@given(st.binary(max_size=300))
def test_encoded_octets_are_ascii_in_short_lines_and_decode_to_themselves(octets: bytes) -> None:
    quoted, based = encode(octets, "quoted-printable"), encode(octets, "base64")
    assert quopri.decodestring(quoted.replace(b"=\r\n", b"")) == octets
    assert base64.b64decode(based) == octets
    for encoded in (quoted, based):
        assert encoded.isascii()
        assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))
        assert b"\n" not in encoded.replace(b"\r\n", b"")


def test_what_needs_no_encoding_stays_as_it_is() -> None:
    assert encode(b"a\r\n", "7bit") == b"a\r\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?H=C3=A4llo_du?=", "Hällo du"),
        ("=?UTF-8?B?SMOkbGxv?= =?utf-8?q?!?= end", "Hällo! end"),
        ("=?iso-8859-1*de?Q?=E4?=", "ä"),
        ("=?utf-8?b?SMOkbGxv", "=?utf-8?b?SMOkbGxv"),
        ("=?nonsense?q?x?=", "=?nonsense?q?x?="),
        ("=?utf-8?b?!!!?=", "=?utf-8?b?!!!?="),
        ("=?utf-7?q?+AGE-?=", "=?utf-7?q?+AGE-?="),
        ("=?rot13?q?x?=", "=?rot13?q?x?="),
        ("=?utf-8?q?=FF?=", "=?utf-8?q?=FF?="),
        ("cut =?utf-8?q?=C3?= =?utf-8?b?pA==?= in two", "cut ä in two"),
        ("=?utf-8?q?=C3?= =?utf-8?q?ok?=", "=?utf-8?q?=C3?=ok"),
        ("=?x?q?a?= =?x?q?b?=", "=?x?q?a?= =?x?q?b?="),
        ("=?utf-8?q?a?= =?iso-8859-1?q?=E4?=", "aä"),
    ],
)
def test_encoded_words_are_shown_decoded(text: str, shown: str) -> None:
    assert decode_words(text) == shown


@given(
    st.text(
        st.characters(codec="utf-8", exclude_characters="\r\n", exclude_categories=["C"]),
        min_size=1,
        max_size=30,
    )
)
def test_what_the_standard_library_encodes_is_decoded(text: str) -> None:
    from email.header import Header

    encoded = Header(text, "utf-8", maxlinelen=998).encode()
    assert decode_words(encoded) == str(make_header(decode_header(encoded)))


@given(st.text(st.sampled_from("=?utf-8bqQB*_a+\0ü \t"), max_size=60))
def test_nothing_escapes(text: str) -> None:
    decode_words(text)


@pytest.mark.parametrize("unit", ["=?", "=?a?q?", "?= ", "=?utf-8?q?a?= ", " ", "=?" + "a" * 40])
@pytest.mark.timeout(60)
def test_hostile_texts_cost_no_more_than_their_length(unit: str) -> None:
    decode_words("=?" + unit * (500_000 // len(unit)))  # quadratic work would not end in time
