"""One lane's life, event by event."""

import pytest
from queue_kit import UNREACHABLE

from postel.queue import LaneTrouble, RetrySchedule
from postel.queue.lane import Health, Lane

SCHEDULE = RetrySchedule((60.0, 300.0, 900.0))


@pytest.fixture
def lane() -> Lane:
    return Lane("mx:example.org", limit=4, schedule=SCHEDULE)


def start(lane: Lane) -> None:
    lane.started()
    lane.asked()


def test_a_lane_without_mail_is_idle_and_starts_nothing(lane: Lane) -> None:
    assert lane.is_idle
    assert not lane.may_start(0.0)
    assert lane.wakes_at() is None


def test_mail_that_is_due_later_sets_the_alarm(lane: Lane) -> None:
    lane.hear(100.0)
    lane.hear(200.0)
    assert not lane.may_start(99.0)
    assert lane.wakes_at() == 100.0
    assert lane.may_start(100.0)


def test_a_new_lane_gets_one_agent(lane: Lane) -> None:
    lane.hear(0.0)
    start(lane)
    assert not lane.may_start(1.0)
    assert lane.wakes_at() is None


def test_every_success_allows_one_more_up_to_the_limit(lane: Lane) -> None:
    lane.hear(0.0)
    for expected in (1, 2, 3, 4):
        while lane.may_start(1.0):
            start(lane)
        assert lane.running == expected
        lane.answered(1.0, is_success=True)
    assert not lane.may_start(1.0)


def test_an_answer_that_is_no_success_allows_no_more(lane: Lane) -> None:
    lane.answered(1.0, is_success=False)
    assert (lane.health, lane.allowed) == (Health.WELL, 1)


def test_no_agent_is_started_for_work_that_idle_agents_will_take(lane: Lane) -> None:
    lane.answered(0.0, is_success=True)
    lane.loaded = 1
    lane.started()
    assert not lane.may_start(0.0)
    assert lane.wakes_at() is None
    lane.loaded = 2
    assert lane.may_start(0.0)


def test_a_lane_goes_down_by_the_schedule(lane: Lane) -> None:
    lane.hear(0.0)
    now = 0.0
    for wait_s in (60.0, 300.0, 900.0, 900.0):
        start(lane)
        assert lane.went_down(now, UNREACHABLE, "refused")
        lane.ended()
        assert lane.wakes_at() == now + wait_s
        assert not lane.may_start(now + wait_s - 1)
        now += wait_s
        assert lane.may_start(now)


def test_a_lane_that_is_down_is_tried_by_one_agent_with_one_job(lane: Lane) -> None:
    lane.hear(0.0)
    lane.went_down(0.0, UNREACHABLE, "")
    assert lane.may_start(60.0)
    start(lane)
    assert not lane.may_start(60.0)
    assert lane.may_take(is_first=True)
    assert not lane.may_take(is_first=False)


def test_an_answer_brings_it_back(lane: Lane) -> None:
    lane.went_down(0.0, UNREACHABLE, "")
    assert lane.answered(60.0, is_success=True)
    assert not lane.answered(60.0, is_success=True)
    assert (lane.health, lane.trouble) == (Health.WELL, None)
    assert lane.may_take(is_first=False)


def test_one_refusal_among_many_agents_only_shrinks_their_number(lane: Lane) -> None:
    lane.hear(0.0)
    for _ in range(4):
        start(lane)
        lane.answered(0.0, is_success=True)
    assert not lane.went_down(0.0, UNREACHABLE, "too many connections")
    lane.ended()
    assert lane.health is Health.WELL
    assert not lane.may_start(0.0)
    lane.answered(59.0, is_success=True)
    assert lane.allowed == 3  # it does not try the same again at once
    lane.answered(60.0, is_success=True)
    assert lane.allowed == 4


def test_the_last_agent_that_finds_it_dead_takes_the_lane_down(lane: Lane) -> None:
    lane.answered(0.0, is_success=True)
    start(lane)
    start(lane)
    assert not lane.went_down(0.0, UNREACHABLE, "")
    lane.ended()
    assert lane.went_down(0.0, UNREACHABLE, "")


def test_a_fresh_message_tries_a_dead_lane_out_of_turn_but_not_in_quick_succession(lane: Lane) -> None:
    for at in (0.0, 60.0):
        lane.went_down(at, UNREACHABLE, "")
    assert lane.trouble is not None
    assert lane.trouble.retry_at == 360.0
    lane.hear(0.0)
    lane.greet(119.0)
    assert not lane.may_start(119.0)
    lane.greet(120.0)
    assert lane.may_start(120.0)
    lane.went_down(120.0, UNREACHABLE, "")
    assert lane.trouble.failures == 2
    assert lane.trouble.retry_at == 360.0  # the schedule keeps its place
    assert lane.trouble.tried_at == 120.0
    assert not lane.may_start(121.0)


def test_what_the_database_remembers_counts(lane: Lane) -> None:
    lane.hear(0.0)
    lane.recall(LaneTrouble(UNREACHABLE, "", 2, tried_at=60.0, retry_at=360.0))
    assert lane.wakes_at() == 360.0
    lane.recall(None)
    assert lane.health is Health.NEW
    lane.answered(0.0, is_success=True)
    lane.recall(None)
    assert lane.health is Health.WELL
