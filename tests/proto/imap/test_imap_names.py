"""Names of mailboxes, and the wildcards that find them."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import BadSyntax
from postel.proto.imap import (
    NAME_LIMIT,
    Pattern,
    check_name,
    decode_utf7,
    encode_utf7,
    format_name,
    parse_name,
)

texts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("INBOX", b"INBOX"),
        ("a&b", b"a&-b"),
        ("&", b"&-"),
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("grün", b"gr&APw-n"),
        ("😀", b"&2D3eAA-"),
        ("", b""),
    ],
)
def test_modified_utf7(text: str, octets: bytes) -> None:
    assert encode_utf7(text) == octets
    assert decode_utf7(octets) == text


@given(st.text(max_size=40).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)))
def test_any_text_reads_as_it_is_written(text: str) -> None:
    assert encode_utf7(text).isascii()
    assert decode_utf7(encode_utf7(text)) == text


@given(st.binary(max_size=30))
def test_octets_have_one_meaning_or_none(octets: bytes) -> None:
    try:
        text = decode_utf7(octets)
    except BadSyntax:
        return
    assert encode_utf7(text) == octets


@pytest.mark.parametrize(
    "octets",
    [
        b"&",
        b"&AGE-",
        b"&Jjo",
        b"&Jjo!",
        b"&Jj-",
        b"&AAAAAAA-&-x&",
        b"a\xfc",
        b"&2D0-",
        b"&Jjo-&Jjo-",
        b"&U/BT-",
    ],
)
def test_what_is_no_modified_utf7(octets: bytes) -> None:
    with pytest.raises(BadSyntax):
        decode_utf7(octets)


@given(texts, st.booleans())
def test_names_read_as_they_are_written(text: str, is_utf8: bool) -> None:
    try:
        name = check_name(text)
    except BadSyntax:
        return
    assert parse_name(format_name(name, is_utf8=is_utf8), is_utf8=is_utf8) == name
    assert unicodedata.is_normalized("NFC", name)


@pytest.mark.parametrize("text", ["inbox", "InBox", "INBOX"])
def test_inbox_is_one_name(text: str) -> None:
    assert check_name(text) == "INBOX"


def test_another_letter_that_has_an_i_for_its_capital_makes_another_name() -> None:
    assert check_name("\u0131nbox") == "\u0131nbox"


@pytest.mark.parametrize("text", ["", "a\nb", "a\x7fb", "a\u2028b", "x" * (NAME_LIMIT + 1)])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(BadSyntax):
        check_name(text)


def reference(pattern: str, delimiter: str) -> re.Pattern[str]:
    parts = {"*": ".*", "%": f"[^{re.escape(delimiter)}]*" if delimiter else ".*"}
    return re.compile("".join(parts.get(char, re.escape(char)) for char in pattern), re.DOTALL)


@given(st.text("ab/%*", max_size=8), st.text("ab/", max_size=8), st.sampled_from(["/", ""]))
def test_wildcards_match_as_a_regular_expression_does(pattern: str, name: str, delimiter: str) -> None:
    assert Pattern(pattern, delimiter).matches(name) == bool(reference(pattern, delimiter).fullmatch(name))


@given(st.text("INBOXinbox1\u0131%*", max_size=8))
def test_inbox_is_matched_in_any_case_of_ascii(pattern: str) -> None:
    expected = re.compile(reference(pattern, "/").pattern, re.IGNORECASE | re.ASCII)
    assert Pattern(pattern).matches("INBOX") == bool(expected.fullmatch("INBOX"))


def test_inbox_is_found_in_any_case() -> None:
    assert Pattern("inbox").matches("INBOX")
    assert Pattern("iNb%").matches("INBOX")
    assert not Pattern("inbox").matches("Inboxes")
    assert not Pattern("drafts").matches("Drafts")


def test_wildcards_without_end_cost_no_time() -> None:
    assert not Pattern("*a%" * 300 + "b").matches("a" * 1000)
    assert Pattern("%*" * 300).matches("a/" * 500)
