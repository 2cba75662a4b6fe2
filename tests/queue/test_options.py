"""The retry schedule and the limits."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.queue import QueueOptions, RetrySchedule

STEPS = st.lists(st.floats(min_value=0.1, max_value=1e6), min_size=1).map(sorted)


@given(STEPS, st.integers(min_value=-1, max_value=100))
def test_waits_never_shrink_and_the_last_repeats(steps: list[float], failures: int) -> None:
    schedule = RetrySchedule(tuple(steps))
    assert schedule.first_s == schedule.wait_s(1) == steps[0]
    assert schedule.wait_s(failures) <= schedule.wait_s(failures + 1) <= steps[-1]
    assert schedule.wait_s(len(steps)) == schedule.wait_s(1000) == steps[-1]


@pytest.mark.parametrize("steps", [(), (0.0,), (-1.0, 2.0), (60.0, 30.0)])
def test_a_schedule_that_stands_still_or_speeds_up_is_refused(steps: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="schedule"):
        RetrySchedule(steps)


def test_a_schedule_is_made_of_durations() -> None:
    assert RetrySchedule.of(timedelta(minutes=1), timedelta(hours=2)).steps_s == (60.0, 7200.0)


def test_lane_limits_go_by_the_word_before_the_colon() -> None:
    options = QueueOptions(lane_limit=3, lane_limits={"local": 9, "hop": 4})
    assert options.limit_of("local") == 9
    assert options.limit_of("hop:smtp:[127.0.0.9]:25") == 4
    assert options.limit_of("mx:local") == 3
