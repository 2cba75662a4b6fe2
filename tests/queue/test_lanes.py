"""Which lane gets the next place."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from queue_kit import UNREACHABLE

from postel.queue import QueueOptions
from postel.queue.lane import Health, Lane
from postel.queue.lanes import Lanes


def lanes_with_mail(*names: str, **options: int) -> Lanes:
    lanes = Lanes(QueueOptions(**options))  # type: ignore[arg-type]
    for name in names:
        lane = lanes.get(name)
        lane.hear(0.0)
        lanes.consider(lane, 0.0)
    return lanes


def start_all(lanes: Lanes, now: float = 0.0) -> list[str]:
    started = []
    while (lane := lanes.pick(now)) is not None:
        lane.started()
        lane.asked()
        lanes.consider(lane, now)
        started.append(lane.name)
    return started


def test_every_lane_with_mail_gets_a_place() -> None:
    lanes = lanes_with_mail("a", "b", "c")
    assert sorted(start_all(lanes)) == ["a", "b", "c"]
    assert lanes.running == 3


def test_lanes_that_may_be_dead_leave_room_for_those_known_to_be_well() -> None:
    lanes = lanes_with_mail(*(f"x{n}" for n in range(20)), concurrency=10, reserve=4)
    assert len(start_all(lanes)) == 6
    well = lanes.get("well")
    well.answered(0.0, is_success=True)
    well.hear(0.0)
    lanes.consider(well, 0.0)
    assert set(start_all(lanes)) == {"well"}


def test_dead_lanes_leave_room_for_those_never_tried() -> None:
    lanes = Lanes(QueueOptions(concurrency=10, reserve=2, down_limit=3))
    for n in range(20):
        lane = lanes.get(f"dead{n}")
        lane.hear(0.0)
        lane.went_down(0.0, UNREACHABLE, "")
        lanes.consider(lane, 0.0)
    assert start_all(lanes, 59.0) == []
    assert lanes.next_alarm_at() == 60.0
    assert len(start_all(lanes, 60.0)) == 3
    fresh = lanes.get("fresh")
    fresh.hear(60.0)
    lanes.consider(fresh, 60.0)
    assert start_all(lanes, 60.0) == ["fresh"]


def test_mail_that_has_just_come_for_a_destination_never_tried_has_places_of_its_own() -> None:
    lanes = lanes_with_mail(*(f"x{n}" for n in range(20)), concurrency=12, reserve=5)
    assert len(start_all(lanes)) == 7
    for name in ("x19", "new", "newer"):
        lane = lanes.get(name)
        lane.loaded += 1
        lanes.consider(lane, 1.0)
    assert start_all(lanes, 1.0) == ["newer"]  # a fifth of the reserve
    newer = lanes.get("newer")
    newer.loaded = 0
    newer.ended()
    newer.went_down(2.0, UNREACHABLE, "")
    lanes.consider(newer, 2.0)
    assert start_all(lanes, 2.0) == ["new"]


def test_of_lanes_never_tried_every_other_place_goes_to_the_newest() -> None:
    lanes = lanes_with_mail(*"abcdef", concurrency=4, reserve=0)
    assert start_all(lanes) == ["a", "f", "b", "e"]


def test_lanes_that_are_well_take_turns() -> None:
    lanes = lanes_with_mail("a", "b", concurrency=6)
    for name in "ab":
        lane = lanes.get(name)
        lane.allowed = 10
        lane.loaded = 10
        lane.answered(0.0, is_success=True)
        lanes.consider(lane, 0.0)
    assert start_all(lanes) in (list("ababab"), list("bababa"))


def test_an_agent_must_leave_only_when_others_wait_and_nothing_is_free() -> None:
    lanes = lanes_with_mail("a", "b", "c", concurrency=2, reserve=0)
    assert len(start_all(lanes)) == 2
    assert lanes.is_crowded(lanes.get("a"))
    lanes.options = QueueOptions(concurrency=3, reserve=0)
    assert not lanes.is_crowded(lanes.get("a"))


def test_a_lane_without_mail_is_forgotten_but_not_that_it_was_well() -> None:
    lanes = Lanes(QueueOptions())
    lane = lanes.get("a")
    lane.answered(0.0, is_success=True)
    lanes.consider(lane, 0.0)
    assert len(lanes) == 0
    assert lanes.find("a") is None
    lanes.consider(lane, 0.0)  # nobody minds
    again = lanes.get("a")
    assert (again is lane, again.health) == (False, Health.WELL)
    again.went_down(0.0, UNREACHABLE, "")
    lanes.consider(again, 0.0)
    assert lanes.get("a").health is Health.NEW


def test_new_limits_hold_for_lanes_that_exist() -> None:
    lanes = lanes_with_mail("a")
    lanes.configure(QueueOptions(lane_limit=2))
    assert lanes.get("a").limit == 2


class AnyLife(RuleBasedStateMachine):
    """Whatever happens in whatever order, the promises of the file hold."""

    @initialize(
        concurrency=st.integers(1, 6),
        reserve=st.integers(0, 6),
        down=st.integers(0, 3),
        lane=st.integers(1, 3),
    )
    def begin(self, concurrency: int, reserve: int, down: int, lane: int) -> None:
        self.now = 0.0
        options = QueueOptions(concurrency=concurrency, reserve=reserve, down_limit=down, lane_limit=lane)
        self.lanes = Lanes(options)
        self.agents: list[Lane] = []

    @rule(name=st.sampled_from("abcdef"), wait=st.integers(0, 100))
    def mail_comes(self, name: str, wait: int) -> None:
        lane = self.lanes.get(name)
        lane.greet(self.now)
        lane.hear(self.now + wait)
        self.lanes.consider(lane, self.now)

    @rule(name=st.sampled_from("abcdef"))
    def fresh_mail_comes(self, name: str) -> None:
        lane = self.lanes.get(name)
        lane.greet(self.now)
        lane.loaded += 1
        self.lanes.consider(lane, self.now)

    @rule(seconds=st.integers(0, 500))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def places_are_given(self) -> None:
        while (lane := self.lanes.pick(self.now)) is not None:
            assert lane.may_start(self.now)
            lane.started()
            lane.asked()
            self.lanes.consider(lane, self.now)
            self.agents.append(lane)
        alarm = self.lanes.next_alarm_at()
        assert alarm is None or alarm > self.now

    @rule(which=st.integers(0, 100), is_success=st.booleans())
    def an_answer_comes(self, which: int, is_success: bool) -> None:
        if self.agents:
            lane = self.agents[which % len(self.agents)]
            lane.answered(self.now, is_success=is_success)
            self.lanes.consider(lane, self.now)

    @rule(which=st.integers(0, 100), is_down=st.booleans(), has_more=st.booleans())
    def an_agent_ends(self, which: int, is_down: bool, has_more: bool) -> None:
        if self.agents:
            lane = self.agents.pop(which % len(self.agents))
            if is_down:
                lane.went_down(self.now, UNREACHABLE, "")
            elif not has_more:
                lane.due_at, lane.loaded = None, 0
            lane.ended()
            self.lanes.consider(lane, self.now)

    @invariant()
    def limits_hold(self) -> None:
        if not hasattr(self, "lanes"):
            return
        options = self.lanes.options
        assert self.lanes.running == len(self.agents) <= options.concurrency
        assert all(lane.running <= lane.limit for lane in self.lanes)

    @invariant()
    def nobody_who_may_work_is_overlooked(self) -> None:
        """A lane that may start stands in a line, or an alarm will ring for it."""
        if not hasattr(self, "lanes"):
            return
        for lane in self.lanes:
            if lane.may_start(self.now):
                alarm = self.lanes.next_alarm_at()
                in_line = any(lane in line.lanes for line in self.lanes._lines.values())
                assert in_line or (alarm is not None and alarm <= self.now)


TestAnyLife = pytest.mark.slow(AnyLife.TestCase)
TestAnyLife.settings = settings(max_examples=60, stateful_step_count=30)
