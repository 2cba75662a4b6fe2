"""The parameters of MAIL and RCPT."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import BadSyntax
from postel.proto.smtp.fault import CommandRefused
from postel.proto.smtp.parameters import parse_xtext, split_parameters, unknown_parameter


def test_keywords_are_folded_and_values_kept() -> None:
    assert split_parameters(" size=10 Flag x-y=A~b", 5) == {"SIZE": "10", "FLAG": None, "X-Y": "A~b"}


def test_nothing_is_no_parameters() -> None:
    assert split_parameters("", 5) == {}
    assert split_parameters("  ", 5) == {}


@pytest.mark.parametrize(
    "text", ["SIZE=1", " =1", " A=", " A=b=c", " -A", " A A", " a=1 A=2", " Ä", " A_B", " a b c d e f"]
)
def test_what_does_not_follow_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        split_parameters(text, 5)
    assert str(refused.value.reply).startswith("501 5.5.4")


@given(st.text())
def test_any_text_is_split_or_refused(text: str) -> None:
    try:
        parameters = split_parameters(" " + text, 100)
    except CommandRefused:
        return
    assert all(keyword == keyword.upper() for keyword in parameters)


@pytest.mark.parametrize(
    ("text", "plain"), [("ann@example.net", "ann@example.net"), ("a+2Bb+3D", "a+b="), ("+C3+A4", "ä")]
)
def test_xtext_is_decoded(text: str, plain: str) -> None:
    assert parse_xtext(text) == plain


@pytest.mark.parametrize("text", ["", "a=b", "a+", "a+2b", "a b", "+FF", "ä"])
def test_what_is_no_xtext_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_xtext(text)


def test_an_unknown_keyword_is_quoted_only_so_far() -> None:
    assert len(unknown_parameter("X" * 500).text) < 80
