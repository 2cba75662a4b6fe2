"""Lists of FETCH items that were read before mean what they mean afresh."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.proto import imap
from postel.proto.imap.commands.fetch import read_fetch
from postel.proto.imap.cursor import Cursor, Reading
from postel.proto.imap.fault import BadCommand

ITEMS = (
    "FLAGS",
    "UID",
    "BODY.PEEK[]",
    "BODY[HEADER.FIELDS (From To)]",
    "BODY[1.2]<0.10>",
    "PREVIEW",
    "ALL",
    "X",
    ")",
)
READING = Reading(frozenset({"PREVIEW"}))


def _read(line: str, reading: Reading) -> imap.Fetch | None:
    cursor = Cursor(line.encode() + b"\r\n", reading)
    try:
        command = read_fetch(cursor)
        cursor.end()
    except BadCommand:
        return None
    return command


@given(st.lists(st.lists(st.sampled_from(ITEMS), min_size=1, max_size=4), max_size=40), st.booleans())
def test_what_was_read_before_is_read_the_same(lists: list[list[str]], in_list: bool) -> None:
    reading = Reading(frozenset({"PREVIEW"}))
    for number, items in enumerate(lists, 1):
        text = " ".join(items)
        line = f" {number}:* ({text})" if in_list else f" {number} {text}"
        for _ in range(2):
            assert _read(line, reading) == _read(line, Reading(frozenset({"PREVIEW"})))


def test_what_a_server_does_not_know_is_not_remembered_from_one_that_does() -> None:
    assert _read(" 1 PREVIEW", READING) is not None
    assert _read(" 1 PREVIEW", Reading()) is None


@pytest.mark.parametrize("count", [1, 100])
def test_a_session_remembers_only_some(count: int) -> None:
    reading = Reading()
    for number in range(count):
        _read(f" 1 BODY[{number + 1}]", reading)
    assert 0 < len(reading.remembered) <= 16
