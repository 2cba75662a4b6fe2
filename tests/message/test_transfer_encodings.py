"""message.decoders and message.encoders: both ways, in pieces of any size."""

from __future__ import annotations

import base64
import binascii
import quopri
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.message import (
    Base64Encoder,
    QuotedPrintableEncoder,
    Transform,
    decode_content,
    decoder_for,
)

QUOTED = st.lists(
    st.sampled_from(
        [
            b"text",
            b"=C3",
            b"=BC",
            b"=",
            b"=\r\n",
            b"\r\n",
            b" ",
            b"\t",
            b"\xff",
            b"=3d",
            b"=g",
            b"\n",
            b"x" * 80,
        ]
    )
).map(b"".join)


def through(transform: Transform, octets: bytes, size: int) -> bytes:
    out = [transform.feed(octets[start : start + size]) for start in range(0, len(octets), size)]
    return b"".join([*out, transform.finish()])


@given(st.binary(max_size=400), st.integers(1, 200))
def test_base64_gives_back_what_went_in(octets: bytes, size: int) -> None:
    encoded = through(Base64Encoder(), octets, size)
    assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))
    assert base64.b64decode(encoded) == decode_content(encoded, "base64") == octets


@given(st.one_of(st.binary(max_size=400), QUOTED), st.integers(1, 200), st.booleans())
def test_quoted_printable_gives_back_what_went_in(octets: bytes, size: int, ends_content: bool) -> None:
    encoded = through(QuotedPrintableEncoder(ends_content=ends_content), octets, size)
    assert encoded.isascii()
    lines = encoded.split(b"\r\n")
    assert all(len(line) <= 76 and not line.endswith((b" ", b"\t")) for line in lines)
    assert b"\n" not in encoded.replace(b"\r\n", b"")
    # RFC 2045 6.7: CRLF is a line break and stays one; nothing else may be added to the end.
    ended = encoded + b"\r\n" if ends_content and not encoded.endswith(b"\r\n") and encoded else encoded
    assert decode_content(ended, "quoted-printable") == octets


@given(QUOTED, st.integers(1, 50))
def test_any_split_of_quoted_printable_decodes_alike(octets: bytes, size: int) -> None:
    decoder = decoder_for("quoted-printable")
    assert decoder is not None
    assert through(decoder, octets, size) == decode_content(octets, "quoted-printable")


@given(
    st.lists(st.sampled_from([b"QUJD", b"Q", b"=", b"==", b"\r\n", b"-", b"QU", b"\xff"])).map(b"".join),
    st.integers(1, 20),
)
def test_any_split_of_base64_decodes_alike(octets: bytes, size: int) -> None:
    decoder = decoder_for("base64")
    assert decoder is not None
    assert through(decoder, octets, size) == decode_content(octets, "base64")


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (b"QUJD", b"ABC"),
        (b"QU JD\r\n", b"ABC"),
        (b"Q!U@J#D", b"ABC"),  # RFC 2045 6.8: what is not of the alphabet is ignored
        (b"QQ==\r\nQg==", b"AB"),  # two encodings, one after the other
        (b"QUI", b"AB"),  # the padding is missing
        (b"Q", b""),
        (b"====", b""),
    ],
)
def test_base64_makes_the_best_of_what_is_wrong(encoded: bytes, expected: bytes) -> None:
    assert decode_content(encoded, "base64") == expected


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (b"a=20b", b"a b"),
        (b"soft=\r\nbreak", b"softbreak"),
        (b"soft= \t\r\nbreak", b"softbreak"),  # RFC 2045 6.7 (3)
        (b"trailing  \r\nblanks\t", b"trailing\r\nblanks"),
        (b"=c3=bc", b"\xc3\xbc"),  # lower-case digits are tolerated
        (b"=ZZ and = alone", b"=ZZ and = alone"),
        (b"=\rfoo\n", b"=\rfoo\n"),
        (b"at the end =", b"at the end "),
        (b"\xff raw", b"\xff raw"),
    ],
)
def test_quoted_printable_makes_the_best_of_what_is_wrong(encoded: bytes, expected: bytes) -> None:
    assert decode_content(encoded, "quoted-printable") == expected


@given(st.binary(min_size=1, max_size=200), st.integers(1, 30))
def test_uuencode_is_read(octets: bytes, size: int) -> None:
    lines = [binascii.b2a_uu(octets[at : at + 45]) for at in range(0, len(octets), 45)]
    encoded = b"Here it is:\n\nbegin 644 x.bin\n" + b"".join(lines) + b"`\nend\nBye\n"
    decoder = decoder_for("x-uuencode")
    assert decoder is not None
    assert through(decoder, encoded, size) == octets


def test_unknown_encodings_have_no_decoder() -> None:
    assert decoder_for("x-own") is None
    assert decode_content(b"as it is", "x-own") == b"as it is"


def test_the_standard_library_reads_what_we_quote() -> None:
    text = ("Grüße " * 50 + "\r\n").encode() * 3
    encoded = through(QuotedPrintableEncoder(), text, 17)
    assert quopri.decodestring(encoded).replace(b"\n", b"\r\n").replace(b"\r\r\n", b"\r\n") == text


def _decode(encoding: str) -> Callable[[bytes], bytes]:
    def decode(octets: bytes) -> bytes:
        decoder = decoder_for(encoding)
        assert decoder is not None
        return through(decoder, octets, 4096)

    return decode


@pytest.mark.parametrize(
    "octets", [b" " * 1_000_000, b"=" * 1_000_000, b"= " * 500_000, b"\r" * 1_000_000, b"a \r\n" * 250_000]
)
@pytest.mark.parametrize("work", [_decode("quoted-printable"), _decode("base64"), _decode("uuencode")])
def test_nasty_octets_cost_no_more_than_their_number(octets: bytes, work: Callable[[bytes], bytes]) -> None:
    begun = time.process_time()
    work(octets)
    through(QuotedPrintableEncoder(), octets, 4096)
    assert time.process_time() - begun < 30
