"""Threads: RFC 5256's examples and rules, and what hostile references do to them."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from postel.message import Thread, ThreadRow, format_threads, thread_by_references, thread_by_subject


def row(
    number: int,
    message_id: str = "",
    *references: str,
    subject: str = "",
    is_reply: bool = False,
    at: float | None = None,
) -> ThreadRow:
    return ThreadRow(number, message_id, references, subject, is_reply, number if at is None else at)


def referenced(*rows: ThreadRow) -> bytes:
    return format_threads(thread_by_references(rows))


def test_threads_are_written_as_the_standard_has_it() -> None:
    """RFC 5256 BASE.7.2.THREAD: the example."""
    threads = [
        Thread(2),
        Thread(3, [Thread(6, [Thread(4, [Thread(23)]), Thread(44, [Thread(7, [Thread(96)])])])]),
        Thread(0, [Thread(3), Thread(5)]),
    ]
    assert format_threads(threads) == b"(2)(3 6 (4 23)(44 7 96))((3)(5))"


def test_one_subject_is_one_thread() -> None:
    """RFC 5256 3, ORDEREDSUBJECT: no grandchildren; threads by the date of their first."""
    rows = [
        row(1, subject="B", at=5),
        row(2, subject="A", at=1),
        row(3, subject="B", at=2),
        row(4, subject="A", at=9),
    ]
    rows.append(row(5, subject="B", at=7))
    assert format_threads(thread_by_subject(rows)) == b"(2 4)(3 (1)(5))"


def test_answers_are_below_what_they_answer() -> None:
    assert (
        referenced(row(1, "a"), row(2, "b", "a"), row(3, "c", "a", "b"), row(4, "d", "a")) == b"(1 (2 3)(4))"
    )


def test_answers_may_come_before() -> None:
    assert referenced(row(1, "c", "a", "b"), row(2, "b", "a"), row(3, "a")) == b"(3 2 1)"


def test_what_is_missing_is_left_out() -> None:
    """RFC 5256 3 (3): below the root its children take its place; at the root it stays if it has several."""
    assert referenced(row(1, "a"), row(2, "c", "a", "gone")) == b"(1 2)"
    assert referenced(row(1, "b", "gone"), row(2, "c", "gone")) == b"((1)(2))"
    assert referenced(row(1, "b", "gone")) == b"(1)"


def test_a_message_goes_by_its_last_reference_whatever_others_said() -> None:
    """RFC 5256 3 (1.B): the link that others made is broken."""
    assert referenced(row(1, "a"), row(2, "x", "a", "b", "c"), row(3, "b"), row(4, "c", "b")) == b"(1)(3 4 2)"


def test_references_in_a_circle_are_not_followed() -> None:
    found = referenced(row(1, "a", "b"), row(2, "b", "a"), row(3, "c", "c"))
    assert sorted(int(n) for n in found.replace(b"(", b" ").replace(b")", b" ").split()) == [1, 2, 3]


def test_what_others_said_is_forgotten_even_where_the_new_link_would_be_a_circle() -> None:
    """RFC 5256 3 (1.B): the old link is broken before the new one is looked at."""
    assert referenced(row(1, "r"), row(2, "x", "r", "a", "b"), row(3, "a", "b", "x")) == b"(1)(3 2)"


def test_two_messages_of_one_identifier_are_two() -> None:
    assert referenced(row(1, "a"), row(2, "a"), row(3, "b", "a")) == b"(1 3)(2)"


def test_threads_of_one_subject_become_one() -> None:
    """RFC 5256 3 (5)."""
    assert referenced(row(1, "a", subject="S"), row(2, "b", subject="S", is_reply=True)) == b"(1 2)"
    assert referenced(row(1, "a", subject="S"), row(2, "b", subject="S")) == b"((1)(2))"
    assert referenced(row(1, "b", subject="S", is_reply=True), row(2, "a", subject="S")) == b"(2 1)"
    assert (
        referenced(row(1, "a", "x"), row(2, "b", "x", subject="S"), row(3, "c", subject="S"))
        == b"((1)(2))(3)"
    )
    two = [row(1, "a", "x", subject="S"), row(2, "b", "x", subject="S")]
    assert referenced(*two, row(3, "c", subject="S")) == b"((1)(2)(3))"
    assert referenced(*two, row(3, "d", "y", subject="S"), row(4, "e", "y", subject="S")) == b"((1)(2)(3)(4))"


def test_siblings_are_in_the_order_of_their_dates() -> None:
    rows = [row(1, "a", at=9), row(2, "b", "a", at=8), row(3, "c", "a", at=7), row(4, "d", at=1)]
    assert referenced(*rows) == b"(4)(1 (3)(2))"


def test_equal_dates_are_in_the_order_of_the_mailbox() -> None:
    """RFC 5256 2.2."""
    assert referenced(row(2, "b", at=0), row(1, "a", at=0), row(3, "c", at=0)) == b"(1)(2)(3)"


_IDS = st.sampled_from("abcdefgh")


@given(
    st.lists(
        st.tuples(
            _IDS,
            st.lists(_IDS, max_size=5),
            st.sampled_from(["", "S", "T"]),
            st.booleans(),
            st.integers(0, 5),
        )
    )
)
def test_every_message_is_in_one_place(rows: list[tuple[str, list[str], str, bool, int]]) -> None:
    made = [
        ThreadRow(number, message_id, references, subject, is_reply, at)
        for number, (message_id, references, subject, is_reply, at) in enumerate(rows, 1)
    ]
    for threads in (thread_by_references(made), thread_by_subject(made)):
        found = []
        waiting = list(threads)
        while waiting:
            thread = waiting.pop()
            found.append(thread.number)
            waiting += thread.children
            assert thread.number or len(thread.children) > 1
        assert sorted(number for number in found if number) == list(range(1, len(made) + 1))


def test_threads_as_deep_as_strangers_like() -> None:
    rows = [row(number, str(number), str(number - 1)) for number in range(1, 5_001)]
    assert referenced(*rows).count(b"(") == 1
    random.Random(1).shuffle(rows)
    assert referenced(*rows).count(b"(") == 1


def test_hostile_references_cost_no_more_than_honest_ones() -> None:
    """Each letter tries to close a circle through all that came before: looking for it has a limit."""
    chain = [row(number, str(number), str(number - 1)) for number in range(1, 3001)]
    circles = [row(3000 + n, f"x{n}", *(["3000", "1"] * 50)) for n in range(1, 300)]
    assert referenced(*chain, *circles).count(b"(") >= 1
