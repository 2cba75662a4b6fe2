"""The mark of how far a mailbox of another server was taken: nothing is passed over, whatever comes in which order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from postel.cli.imap_mark import LONGEST, Mark

UIDS = st.sets(st.integers(1, 60), max_size=30)


@given(UIDS, st.lists(st.integers(1, 60), max_size=40, unique=True))
def test_a_run_that_ends_anywhere_leaves_the_rest_to_the_next(there: set[int], comes: list[int]) -> None:
    mark = Mark(1, "/private/x", 7)
    mark.expect(sorted(there))
    for uid in comes:
        mark.take(uid)
        then = Mark(1, "/private/x", 7)
        then.read(mark.value())
        assert then.passed | {uid for uid in there if uid > then.reached} == there - mark.taken
        assert mark.left() == sorted(there - mark.taken)


def test_a_mailbox_that_was_made_anew_is_taken_anew() -> None:
    mark = Mark(1, "/private/x", 8)
    mark.read(b"7 900 3:5")
    assert (mark.reached, mark.passed) == (0, set())


def test_marks_of_before_and_damaged_ones_are_read() -> None:
    for value in (b"7 900", b"7 900 x"):
        mark = Mark(1, "/private/x", 7)
        mark.read(value)
        assert (mark.reached, mark.passed) == (900, set())


def test_a_mark_fits_into_an_annotation() -> None:
    mark = Mark(1, "/private/x", 7, 100_000, set(range(1, 100_000, 2)))
    assert mark.value() == b"7 100000"
    mark.passed = set(range(1, 99_000))
    assert mark.value() == b"7 100000 1:98999" and len(mark.value()) < LONGEST
