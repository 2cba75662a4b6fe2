"""Orders: base subjects, collations, SORT."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.message import SortCriterion, SortRow, base_subject, casemap_ascii, casemap_unicode, sort_numbers


@pytest.mark.parametrize(
    ("subject", "base", "is_reply"),
    [
        ("hello", "hello", False),
        ("Re: hello", "hello", True),
        ("RE : Fwd: fw: hello", "hello", True),
        ("[list] hello", "hello", False),
        ("[list] Re: hello", "hello", True),
        ("Re: [list] hello", "hello", True),
        ("Re[2]: hello", "hello", True),
        ("[a] [b] Re: [c] hello", "hello", True),
        ("[list]", "[list]", False),
        ("[a] [b]", "[b]", False),
        ("Re: [list]", "[list]", True),
        ("hello (fwd)", "hello", True),
        ("hello (fwd) (FWD) ", "hello", True),
        ("[fwd: hello]", "hello", True),
        ("[Fwd: Re: [list] hello (fwd)]", "hello", True),
        ("Re: [fwd: [fwd: hello] ]", "hello", True),
        ("  two \t words\r\n ", "two words", False),
        ("Re:", "", True),
        ("", "", False),
        ("Really: no", "Really: no", False),
        ("[open hello", "[open hello", False),
        ("re hello", "re hello", False),
        ("Réf: x", "Réf: x", False),
    ],
)
def test_the_base_of_a_subject(subject: str, base: str, is_reply: bool) -> None:
    """RFC 5256 2.1 and 5."""
    assert base_subject(subject) == (base, is_reply)


@given(st.text(alphabet="[]()re:fwdRE ", max_size=60))
def test_the_base_of_a_base_is_itself(subject: str) -> None:
    base, _ = base_subject(subject)
    assert base_subject(base)[0] == base


@pytest.mark.parametrize("piece", ["[a]", "[fwd:", "(fwd)", "re:", "[", "re [", " "])
def test_long_subjects_cost_what_they_are_long(piece: str) -> None:
    """What is quadratic would outlast the time limit of a test."""
    assert base_subject(piece * 60_000 + "]" * 60_000) is not None
    assert base_subject("x" + piece * 60_000) is not None


@pytest.mark.parametrize(
    ("one", "other"), [("Grüße", "GRÜßE"), ("ä", "A\u0308"), ("ǆ", "ǅ"), ("å", "\u212b")]
)
def test_unicode_casemap(one: str, other: str) -> None:
    """RFC 5051 2."""
    assert casemap_unicode(one) == casemap_unicode(other)


def test_ascii_casemap() -> None:
    """RFC 4790 9.2.1."""
    assert casemap_ascii("aBc{ä") == "ABC{ä"


def test_the_first_criterion_counts_most() -> None:
    rows = [
        SortRow(1, subject="B", sent_at=3, size_bytes=9),
        SortRow(2, subject="A", sent_at=2, size_bytes=9),
        SortRow(3, subject="B", sent_at=1, size_bytes=7),
    ]
    assert sort_numbers(rows, [(SortCriterion.SUBJECT, False), (SortCriterion.DATE, False)]) == [2, 3, 1]
    assert sort_numbers(rows, [(SortCriterion.SUBJECT, True), (SortCriterion.DATE, False)]) == [3, 1, 2]


def test_equals_stay_in_the_order_of_the_mailbox_even_reversed() -> None:
    """RFC 5256 3: REVERSE does not affect the sequence number."""
    rows = [SortRow(number, size_bytes=number % 2) for number in range(1, 6)]
    assert sort_numbers(rows, [(SortCriterion.SIZE, True)]) == [1, 3, 5, 2, 4]


@pytest.mark.parametrize("criterion", SortCriterion)
def test_each_criterion_has_its_value(criterion: SortCriterion) -> None:
    first = SortRow(1, 9, "z", 9, "z", 9, "z", "z", "z", "z")
    assert sort_numbers([first, SortRow(2)], [(criterion, False)]) == [2, 1]
