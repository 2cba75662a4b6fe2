"""Sets of numbers behave as Python's sets do, and read as they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import BadSyntax
from postel.proto.imap import (
    SAVED,
    STAR,
    Partial,
    SequenceSet,
    UidSet,
    parse_partial,
    parse_sequence_set,
    parse_uid_set,
)

small = st.sets(st.integers(1, 60))
numbers = st.integers(1, STAR - 1)
ends = st.one_of(st.integers(1, 40), st.just(STAR))


@given(small, small)
def test_they_behave_as_sets(these: set[int], those: set[int]) -> None:
    one, other = UidSet.of(these), UidSet.of(those)
    assert set(one | other) == these | those
    assert set(one & other) == these & those
    assert set(one - other) == these - those
    assert list(one) == sorted(these)
    assert len(one) == len(these)
    assert bool(one) == bool(these)
    assert all((number in one) == (number in these) for number in range(62))
    assert (one == other) == (these == those)


@given(st.sets(numbers, min_size=1))
def test_a_set_reads_as_it_is_written(these: set[int]) -> None:
    found = UidSet.of(these)
    assert parse_uid_set(found.format()) == found
    assert (found.least, found.largest) == (min(these), max(these))


@given(st.lists(st.tuples(ends, ends).map(lambda pair: (min(pair), max(pair))), min_size=1, max_size=8))
def test_what_a_command_writes_reads_the_same(ranges: list[tuple[int, int]]) -> None:
    written = SequenceSet(tuple(ranges))
    assert parse_sequence_set(written.format()) == written


@given(st.lists(st.tuples(ends, ends), min_size=1, max_size=8), st.integers(1, 40))
def test_star_is_the_largest_number_whichever_end_it_is(ranges: list[tuple[int, int]], largest: int) -> None:
    text = ",".join(":".join("*" if end == STAR else str(end) for end in pair) for pair in ranges)
    expected: set[int] = set()
    for pair in ranges:
        low, high = sorted(largest if end == STAR else end for end in pair)
        expected |= set(range(low, high + 1))
    assert set(parse_sequence_set(text.encode()).resolve(largest)) == expected


def test_star_in_an_empty_mailbox_is_nothing() -> None:
    assert not parse_sequence_set(b"*").resolve(0)
    assert list(parse_sequence_set(b"1:*,3").resolve(0)) == [3]


def test_the_saved_result_is_a_set_of_its_own() -> None:
    assert parse_sequence_set(b"$") == SAVED
    assert SAVED.is_saved
    assert SAVED.format() == b"$"


def test_the_largest_number_that_is_named() -> None:
    assert parse_sequence_set(b"1:7,3,9:*").largest_named == 9
    assert parse_sequence_set(b"*").largest_named == 0


def test_a_range_of_four_thousand_million_costs_nothing() -> None:
    everything = parse_sequence_set(b"1:*").resolve(STAR - 1)
    assert len(everything) == STAR - 1
    assert len((everything - UidSet.of([7])).ranges) == 2


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"0",
        b"01",
        b"1,",
        b",1",
        b"1:",
        b":1",
        b"1:2:3",
        b"a",
        b"-1",
        b"4294967296",
        b"1 2",
        b"$,1",
        b"**",
    ],
)
def test_nonsense_is_refused(text: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_sequence_set(text)


def test_a_set_has_so_many_ranges_and_no_more() -> None:
    assert parse_sequence_set(b",".join([b"1"] * 20_000))
    with pytest.raises(BadSyntax):
        parse_sequence_set(b",".join([b"1"] * 20_001))


@pytest.mark.parametrize("text", [b"*", b"1:*", b"$"])
def test_known_uids_have_no_star(text: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_uid_set(text)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 40), st.booleans())
def test_a_window_cuts_as_it_says(first: int, last: int, count: int, from_end: bool) -> None:
    results = list(range(1, count + 1))
    low, high = sorted((first, last))
    if from_end:
        window = Partial(-first, -last)
        expected = [n for n in results if low <= count - n + 1 <= high]
    else:
        window = Partial(first, last)
        expected = [n for n in results if low <= n <= high]
    assert results[window.cut(count)] == expected
    assert parse_partial(window.format()) == window


@pytest.mark.parametrize("text", [b"1", b"0:1", b"1:-1", b"-1:1", b"1:*", b"4294967296:1", b""])
def test_no_window(text: bytes) -> None:
    with pytest.raises(BadSyntax):
        parse_partial(text)
