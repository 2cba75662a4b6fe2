"""message.dates: writing and reading dates."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.message import format_date, parse_date


def test_a_date_is_written_with_its_offset() -> None:
    assert format_date(1767225600.9) == "Thu, 01 Jan 2026 00:00:00 +0000"
    assert format_date(1767225600, timedelta(hours=-8)) == "Wed, 31 Dec 2025 16:00:00 -0800"


@given(st.integers(0, 4_000_000_000), st.integers(-12 * 60, 14 * 60))
def test_what_is_written_is_read_back_and_the_standard_library_agrees(at: int, minutes: int) -> None:
    text = format_date(at, timedelta(minutes=minutes))
    assert parse_date(text) == at
    assert parsedate_to_datetime(text).timestamp() == at


@pytest.mark.parametrize(
    "text",
    [
        "1 Jan 2026 00:00 +0000",
        "Thu, 1 Jan 26 00:00:00 GMT",
        "Thu (day), 1 Jan 2026 (comment) 00 : 00 : 00 -0000",
        "Wed, 31 Dec 2025 16:00:00 PST",
        "Thursday, 01-January-2026 00:00:00 UT",
        "Thu, 1 jan 2026 00:00:00 XYZ",
        "1 Jan 126 00:00 Z",
        "1 Jan 2026 00:00",
        "Thu,  1 Jan 2026\r\n 00:00:00 +0000",
    ],
)
def test_obsolete_and_sloppy_dates_are_read(text: str) -> None:
    assert parse_date(text) == 1767225600


def test_a_leap_second_is_the_last_second_of_its_minute() -> None:
    assert parse_date("31 Dec 2016 23:59:60 +0000") == parse_date("31 Dec 2016 23:59:59 +0000")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "32 Jan 2026 00:00",
        "1 Foo 2026 00:00",
        "1 Jan 2026",
        "1 Jan 2026 25:00",
        "9" * 1000,
        "1 Jan 0000 00:00",
    ],
)
def test_no_date_is_no_date(text: str) -> None:
    assert parse_date(text) is None


@given(st.text(max_size=60))
def test_nothing_escapes(text: str) -> None:
    parse_date(text)
