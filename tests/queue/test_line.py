"""Higher ones first, and nobody for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from postel.queue.line import FAIR_TURN, Line


def test_equals_come_in_their_order_or_the_last_first() -> None:
    line: Line[str] = Line()
    for item in "abc":
        line.append(item)
    assert (line.pop(), line.pop(takes_last=True), line.pop()) == ("a", "c", "b")
    assert not line


def test_higher_ones_come_first() -> None:
    line: Line[str] = Line()
    for item, level in (("bulk", -4), ("mail", 0), ("flash", 9), ("urgent", 4)):
        line.append(item, level)
    assert line.highest == 9
    assert list(line) == ["flash", "urgent", "mail", "bulk"]
    assert [line.pop() for _ in range(4)] == ["flash", "urgent", "mail", "bulk"]
    assert line.highest is None


def test_a_stream_of_urgent_ones_does_not_keep_another_waiting() -> None:
    line: Line[int] = Line()
    line.append(-1, -9)
    for number in range(FAIR_TURN):
        line.append(number, 9)
    popped = []
    while -1 not in popped:
        popped.append(line.pop())
        line.append(100, 9)
    assert len(popped) <= FAIR_TURN


def test_all_leave() -> None:
    line: Line[int] = Line()
    line.append(1, 3)
    line.clear()
    assert (len(line), line.highest, list(line)) == (0, None, [])


@given(st.lists(st.tuples(st.integers(-9, 9), st.booleans())))
def test_everybody_who_came_gets_a_turn_once(steps: list[tuple[int, bool]]) -> None:
    line: Line[int] = Line()
    popped = []
    for number, (level, pops) in enumerate(steps):
        line.append(number, level)
        if pops:
            popped.append(line.pop())
    while line:
        popped.append(line.pop())
    assert sorted(popped) == list(range(len(steps)))
