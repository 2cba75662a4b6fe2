"""What the queue may be told: schedules and limits.

Gives       QueueOptions, RetrySchedule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Final

_DEFAULT_STEPS: Final = (60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0)
_LANE_LIMITS: Final[Mapping[str, int]] = MappingProxyType({"local": 64, "discard": 16, "pull": 1})


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """How long to wait after the first failure, the second, and so on; the last step repeats.

    RFC 5321 4.5.4.1 wants at least 30 minutes between tries as a rule, and the first ones sooner where the
    trouble may pass: greylisting and restarts of the peer are over in minutes.
    """

    steps_s: tuple[float, ...] = _DEFAULT_STEPS

    def __post_init__(self) -> None:
        if not self.steps_s or min(self.steps_s) <= 0:
            raise ValueError("a retry schedule has at least one step, and every step takes time")
        if any(later < sooner for sooner, later in pairwise(self.steps_s)):
            raise ValueError("a retry schedule never speeds up")

    @classmethod
    def of(cls, *steps: timedelta) -> RetrySchedule:
        """From durations."""
        return cls(tuple(step.total_seconds() for step in steps))

    @property
    def first_s(self) -> float:
        """The wait after a first failure."""
        return self.steps_s[0]

    def wait_s(self, failures: int) -> float:
        """The wait after that many failures (1 or more)."""
        return self.steps_s[min(max(failures, 1), len(self.steps_s)) - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """Settings of the queue.

    hostname             ours, for reports.
    retry                waits between attempts.
    warn_after_s         when the originator is told that a message is late.
    expire_after_s       when we give up. RFC 5321 4.5.4.1: at least 4 to 5 days.
    concurrency          agents at work at once, all lanes together.
    reserve              of these, places that only lanes known to be well may take.
    down_limit           of these, places that lanes found dead may take while they are tried again.
    lane_limit           agents at once in one lane.
    lane_limits          the same for lanes by the word before their colon.
    patient_lanes        lanes, by the same word, whose mail waits by arrangement: nobody is told that it is late.
    max_recipients_per_job  recipients that one transaction names; RFC 5321 4.5.3.1.8 promises 100.
    page_limit           messages of one lane that are known in memory before they are worked on.
    fresh_limit          messages accepted a moment ago that wait in memory for their first attempt (queue.fresh).
    turn_jobs            jobs an agent may do in a row while other lanes wait for a place.
    member_limit         recipients that one message may grow to by expansion.
    depth_limit          aliases of aliases of aliases ... (RFC 5321 6.3: loops).
    return_limit_bytes   content up to this size is returned whole in a report of failure.
    head_limit_bytes     how much of a header a report quotes.
    """

    hostname: str = "localhost"
    retry: RetrySchedule = field(default_factory=RetrySchedule)
    warn_after_s: float = 4 * 3600.0
    expire_after_s: float = 5 * 86400.0
    concurrency: int = 1000
    reserve: int = 250
    down_limit: int = 250
    lane_limit: int = 10
    lane_limits: Mapping[str, int] = field(default_factory=lambda: _LANE_LIMITS)
    patient_lanes: frozenset[str] = frozenset({"pull"})
    max_recipients_per_job: int = 100
    page_limit: int = 100
    fresh_limit: int = 10_000
    turn_jobs: int = 20
    member_limit: int = 10_000
    depth_limit: int = 10
    return_limit_bytes: int = 64 * 1024
    head_limit_bytes: int = 64 * 1024

    def limit_of(self, lane: str) -> int:
        """Agents at once in that lane."""
        return self.lane_limits.get(lane.partition(":")[0], self.lane_limit)

    def is_patient(self, lane: str) -> bool:
        """Whether mail in that lane waits until somebody comes for it."""
        return lane.partition(":")[0] in self.patient_lanes
