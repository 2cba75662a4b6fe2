"""Base64 as the mail protocols carry it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import BadSyntax
from postel.proto.sasl import LINE_LIMIT, decode, decode_initial, encode, encode_initial


@given(st.binary())
def test_what_was_encoded_is_decoded(data: bytes) -> None:
    assert decode(encode(data)) == data
    assert decode_initial(encode_initial(data)) == data


def test_an_empty_initial_response_is_an_equals_sign() -> None:
    assert encode_initial(b"") == b"="  # RFC 4954 4
    assert encode(b"") == b""


@pytest.mark.parametrize(
    "line", [b"=AAA", b"AAA=BBB", b"AAA=BBBB", b"AA AA", b"AAA", b"A===", b"AAAA\n", b"AA-_", b"="]
)
def test_nothing_outside_the_alphabet_is_ignored(line: bytes) -> None:
    with pytest.raises(BadSyntax):
        decode(line)


def test_a_line_has_a_limit() -> None:
    decode(b"A" * LINE_LIMIT)
    with pytest.raises(BadSyntax):
        decode(b"A" * (LINE_LIMIT + 4))
