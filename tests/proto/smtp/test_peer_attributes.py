"""The attributes of XCLIENT and XFORWARD, both ways."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import BadSyntax
from postel.proto.smtp.peer_attributes import (
    COMMAND_LIMIT,
    XCLIENT,
    XFORWARD,
    format_xforward,
    parse_attributes,
)

ALL = tuple(XFORWARD)


def test_what_is_said_is_what_is_heard() -> None:
    said = {"NAME": "c+d.example", "ADDR": "2001:db8::7", "PORT": "25", "HELO": None, "SOURCE": "LOCAL"}
    [line] = format_xforward(said, ALL)
    assert line == "XFORWARD NAME=c+2Bd.example ADDR=IPV6:2001:db8::7 PORT=25 HELO=[UNAVAILABLE] SOURCE=LOCAL"
    assert parse_attributes(line.removeprefix("XFORWARD"), XFORWARD) == said


def test_only_what_the_server_wants_is_said() -> None:
    assert list(format_xforward({"NAME": "x", "IDENT": "1"}, ("IDENT", "COLOUR"))) == ["XFORWARD IDENT=1"]
    assert list(format_xforward({"NAME": "x"}, ())) == []


@given(
    st.dictionaries(
        st.sampled_from(["NAME", "PROTO", "HELO", "IDENT"]), st.from_regex(r"[!-~]{1,255}", fullmatch=True)
    )
)
def test_long_values_are_said_in_several_commands_and_none_is_lost(said: dict[str, str]) -> None:
    lines = list(format_xforward(said, ALL))
    heard: dict[str, str | None] = {}
    for line in lines:
        heard |= parse_attributes(line.removeprefix("XFORWARD"), XFORWARD)
        # A single value of 255 octets may take three octets for each.
        assert len(line) <= COMMAND_LIMIT or line.count("=") == 1
    unknown = ("[UNAVAILABLE]", "[TEMPUNAVAIL]")
    assert heard == {name: None if value.upper() in unknown else value for name, value in said.items()}


@pytest.mark.parametrize("value", ["[UNAVAILABLE]", "[unavailable]", "[TEMPUNAVAIL]", "+5BUNAVAILABLE+5D"])
def test_what_is_not_known_is_none(value: str) -> None:
    assert parse_attributes(f"NAME={value}", XCLIENT) == {"NAME": None}


@given(st.text(max_size=60))
def test_nothing_else_escapes(text: str) -> None:
    for readers in (XCLIENT, XFORWARD):
        with contextlib.suppress(BadSyntax):
            assert parse_attributes(text, readers)
