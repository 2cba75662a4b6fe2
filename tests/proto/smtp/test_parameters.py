"""The parameters of MAIL and RCPT."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.proto.smtp import ServerOptions
from postel.proto.smtp.fault import CommandRefused
from postel.proto.smtp.parameters import (
    Check,
    check_envid,
    check_notify,
    check_orcpt,
    check_ret,
    split_parameters,
    unknown_parameter,
)


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


OPTIONS = ServerOptions(hostname="mx.example.org")
ATYPE = "rfc822;"


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (check_ret, "FULL"),
        (check_ret, "hdrs"),
        (check_envid, "QQ314159"),
        (check_envid, "a+20b+2B"),
        (check_envid, "x" * 100),
        (check_notify, "NEVER"),
        (check_notify, "never"),
        (check_notify, "SUCCESS,FAILURE,DELAY"),
        (check_notify, "delay"),
        (check_orcpt, "rfc822;bob@example.org"),
        (check_orcpt, "rfc822;e+3Dmc2@example.org"),
        (check_orcpt, "rfc822;not/an/address"),
        (check_orcpt, "rfc822;k+C3+A4the@example.org"),  # as Postfix writes it
        (check_orcpt, "RFC822;"),
        (check_orcpt, "x400;/C+3DUS/"),
        (check_orcpt, "utf-8;käthe@example.org"),
        (check_orcpt, "utf-8;k\\x{E4}the@example.org"),
        (check_orcpt, "utf-8;a\\x{2B}b\\x{1F600}@example.org"),
        (check_orcpt, ATYPE + "x" * (500 - len(ATYPE))),
    ],
)
def test_what_asks_for_reports_rightly_is_taken(check: Check, value: str) -> None:
    assert check(value, OPTIONS) is None


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (check_ret, None),
        (check_ret, "BOTH"),
        (check_envid, None),
        (check_envid, "a+2b"),
        (check_envid, "a+0D+0Ab"),  # what a report shows may not break its lines
        (check_envid, "+C3+A4"),
        (check_envid, "ä"),
        (check_envid, "x" * 101),
        (check_notify, None),
        (check_notify, "NEVER,DELAY"),
        (check_notify, "NEVER,NEVER"),
        (check_notify, "SUCCESS,"),
        (check_notify, "SUCCESS;FAILURE"),
        (check_notify, "ALWAYS"),
        (check_orcpt, None),
        (check_orcpt, "bob@example.org"),
        (check_orcpt, ";bob@example.org"),
        (check_orcpt, "rfc(822);bob@example.org"),
        (check_orcpt, "rfc822;a+b@example.org"),
        (check_orcpt, "rfc822;+0A@example.org"),
        (check_orcpt, "rfc822;+C2+9B@example.org"),
        (check_orcpt, "rfc822;+E4@example.org"),
        (check_orcpt, "rfc822;ä@example.org"),
        (check_orcpt, "utf-8;"),
        (check_orcpt, "utf-8;a+2Bb@example.org"),
        (check_orcpt, "utf-8;\\x{D800}@example.org"),
        (check_orcpt, "utf-8;\\x{61}@example.org"),
        (check_orcpt, ATYPE + "x" * (501 - len(ATYPE))),
        (check_orcpt, "utf-8;" + "ä" * 248),
    ],
)
def test_what_asks_for_reports_wrongly_is_refused(check: Check, value: str | None) -> None:
    assert str(check(value, OPTIONS)).startswith("501 5.5.4 ")


@given(st.text(alphabet="aZ+=;,xX{}\\0ÄäE\t 9", max_size=30))
def test_any_value_is_taken_or_refused(text: str) -> None:
    for check in (check_ret, check_envid, check_notify, check_orcpt):
        reply = check(text, OPTIONS)
        assert reply is None or reply.code == 501


def test_an_unknown_keyword_is_quoted_only_so_far() -> None:
    assert len(unknown_parameter("X" * 500).text) < 80
