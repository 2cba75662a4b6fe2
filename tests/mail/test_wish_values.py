"""The values of wishes, as written and as read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import (
    BY_LIMIT_S,
    BadSyntax,
    DeliverBy,
    deliver_by_of,
    format_instant,
    parse_deliver_by,
    parse_hold_for,
    parse_hold_until,
    parse_priority,
    parse_solicitation,
    priority_of,
    release_of,
    release_request,
    unwanted,
)

SECONDS = st.integers(-BY_LIMIT_S, BY_LIMIT_S)


@given(SECONDS, st.booleans(), st.booleans())
def test_a_time_for_delivery_comes_back_as_it_was_written(
    seconds: int, is_returned: bool, is_traced: bool
) -> None:
    wish = DeliverBy(seconds, is_returned, is_traced)
    assert deliver_by_of({"BY": str(wish)}) == wish
    if seconds > 0 or not is_returned:
        assert parse_deliver_by(str(wish)) == wish


@given(SECONDS, st.floats(0, 1e10))
def test_what_is_left_can_always_be_written(seconds: int, late_s: float) -> None:
    later = DeliverBy(seconds).later(late_s)
    assert parse_deliver_by(str(later)) == later


@given(st.integers(0, 253402300799))
def test_an_instant_comes_back_as_it_was_written(at: int) -> None:
    assert parse_hold_until(format_instant(at)) == at


@given(st.text())
def test_any_text_is_a_value_or_refused(text: str) -> None:
    for parse in (parse_deliver_by, parse_hold_for, parse_hold_until, parse_priority, parse_solicitation):
        try:
            parse(text)  # type: ignore[operator]
        except BadSyntax:
            continue


@pytest.mark.parametrize("level", range(-9, 10))
def test_there_are_nineteen_priorities(level: int) -> None:
    assert priority_of({"MT-PRIORITY": str(level)}) == level


def test_without_parameters_nothing_is_wished() -> None:
    assert (deliver_by_of({}), priority_of({}), release_of({}, 5.0), release_request({})) == (
        None,
        0,
        None,
        None,
    )


def test_a_release_is_an_interval_or_an_instant() -> None:
    assert release_of({"HOLDFOR": "60"}, 5.0) == 65.0
    assert release_request({"HOLDFOR": "60"}) == "for;60"
    assert release_of({"HOLDUNTIL": "1970-01-01T00:02:00Z"}, 5.0) == 120.0
    assert release_request({"HOLDUNTIL": "1970-01-01T00:02:00Z"}) == "until;1970-01-01T00:02:00Z"


def test_a_class_is_not_escaped_by_writing_it_otherwise() -> None:
    assert unwanted(("A:b", "c:d"), {"a:b"}) == ("A:b",)
