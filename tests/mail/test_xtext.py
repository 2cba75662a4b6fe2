"""xtext and unitext: read, written, and refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import (
    BadSyntax,
    as_ascii,
    format_original_recipient,
    format_unitext,
    format_xtext,
    parse_mailbox,
    parse_unitext,
    parse_xtext,
)


@pytest.mark.parametrize(
    ("text", "plain"),
    [("ann@example.net", "ann@example.net"), ("a+2Bb+3D", "a+b="), ("+C3+A4", "ä"), ("", "")],
)
def test_xtext_is_decoded(text: str, plain: str) -> None:
    assert parse_xtext(text) == plain


@pytest.mark.parametrize("text", ["a=b", "a+", "a+2b", "a b", "+FF", "ä", "a\n"])
def test_what_is_no_xtext_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_xtext(text)


@given(st.text())
def test_xtext_is_one_word_of_ascii_and_comes_back(plain: str) -> None:
    text = format_xtext(plain)
    assert text.isascii() and not set(" =\r\n") & set(text)
    assert parse_xtext(text) == plain


@given(
    st.text(alphabet=st.characters(codec="utf-8", min_codepoint=0x20, exclude_characters="\x7f"), min_size=1)
)
def test_unitext_comes_back_in_both_its_forms(address: str) -> None:
    text = format_unitext(address)
    assert parse_unitext(text) == address
    assert as_ascii(text).isascii()
    assert parse_unitext(as_ascii(text)) == address


@given(st.text())
def test_any_text_is_decoded_or_refused(text: str) -> None:
    for parse in (parse_xtext, parse_unitext):
        try:
            parse(text)
        except BadSyntax:
            continue


@pytest.mark.parametrize(
    "text", ["", "a b", "a+b", "a=b", "a\\b", "\\x{61}", "\\x{DFFF}", "\\x{110000}", "\\x{0A}"]
)
def test_what_is_no_unitext_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_unitext(text)


@pytest.mark.parametrize(
    ("address", "value"),
    [
        ("bob@example.org", "rfc822;bob@example.org"),
        ("a+b@example.org", "rfc822;a+2Bb@example.org"),
        ('"a b"@example.org', 'rfc822;"a+20b"@example.org'),
        ("käthe+x@example.org", "utf-8;käthe\\x{2B}x@example.org"),
    ],
)
def test_an_address_becomes_the_value_of_orcpt(address: str, value: str) -> None:
    assert format_original_recipient(parse_mailbox(address)) == value
