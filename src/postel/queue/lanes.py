"""Which lane gets the next place.

Gives       Lanes.
Not here    What one lane may do (queue.lane); the agents that take the places (queue.scheduler).

Invariants, with c, r and d for options.concurrency, reserve and down_limit:

- at most c agents run; at most c - r of them in lanes that are not known to be well; at most d in dead ones;
- a fifth of r is lent to newcomers, lanes never tried for which mail has just come: where all other places are taken by
  what a restart found, or by what hangs, a living destination still has its mail at once;
- lanes of one health take turns, those with urgent mail first and more often, and the three healths take turns, so
  no lane waits behind another's backlog;
- of the lanes never tried, every other place goes to the one that came last: a living destination does not
  wait until thousands of unknown ones before it have timed out;
- memory is held for lanes that have mail, and for the names of a bounded number that were well lately.

No clock and no disk: time comes in as an argument. Whoever changes a lane calls `consider` afterwards.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from postel.queue.lane import Health, Lane
from postel.queue.line import Line
from postel.queue.options import QueueOptions

_REMEMBERED_LIMIT: Final = 10_000
_LENT_TO_NEWCOMERS: Final = 5  # one place of so many in the reserve
_ORDER: Final = (Health.WELL, Health.NEW, Health.DOWN)


@dataclass(slots=True)
class _Place:
    """What this file knows of a lane beside its state."""

    counted_as: Health = Health.NEW
    counted: int = 0
    waiting_as: Health | None = None
    waiting_at: int = 0
    alarm_at: float | None = None


@dataclass(slots=True)
class _Waiting:
    """Lanes of one health that wait for a place."""

    lanes: Line[Lane] = field(default_factory=Line)
    takes_last: bool = False


class Lanes:
    """All lanes that have mail."""

    def __init__(self, options: QueueOptions) -> None:
        self.options = options
        self._lanes: dict[str, Lane] = {}
        self._places: dict[Lane, _Place] = {}
        self._lines = {health: _Waiting() for health in Health}
        self._newcomers: dict[Lane, None] = {}
        self._running = dict.fromkeys(Health, 0)
        self._alarms: list[tuple[float, int, Lane]] = []
        self._ticket = count()
        self._well_lately: OrderedDict[str, None] = OrderedDict()
        self._turn = 0

    def __len__(self) -> int:
        return len(self._lanes)

    def __iter__(self) -> Iterator[Lane]:
        return iter(list(self._lanes.values()))

    @property
    def running(self) -> int:
        """Agents at work."""
        return sum(self._running.values())

    def find(self, name: str) -> Lane | None:
        """The lane, if it has mail."""
        return self._lanes.get(name)

    def get(self, name: str) -> Lane:
        """The lane, made if need be."""
        lane = self._lanes.get(name)
        if lane is None:
            lane = Lane(name, self.options.limit_of(name), self.options.retry)
            if name in self._well_lately:
                lane.health = Health.WELL
            self._lanes[name], self._places[lane] = lane, _Place(counted_as=lane.health)
        return lane

    def consider(self, lane: Lane, now: float) -> None:
        """Something about the lane has changed: count it, line it up, set its alarm, or forget it."""
        place = self._places.get(lane)
        if place is None:
            return
        self._count(lane, place)
        if lane.may_start(now):
            self._line_up(lane, place)
        elif lane.is_idle:
            self._forget(lane)
        else:
            self._set_alarm(lane, place)

    def pick(self, now: float) -> Lane | None:
        """The lane that shall start one more agent now, if any. The caller starts it, then considers it."""
        self._ring(now)
        for step in range(len(_ORDER)):
            health = _ORDER[(self._turn + step) % len(_ORDER)]
            lane = self._next_in_line(health, now) if self._has_room(health) else None
            if lane is not None:
                self._turn += step + 1
                return lane
        return self._next_newcomer(now)

    def is_crowded(self, lane: Lane) -> bool:
        """Whether other lanes wait for a place that an agent of this lane could leave."""
        waits = any(other is not lane for line in self._lines.values() for other in line.lanes)
        return waits and self.running >= self.options.concurrency

    def next_alarm_at(self) -> float | None:
        """When to call `pick` again if nothing else happens."""
        return self._alarms[0][0] if self._alarms else None

    def configure(self, options: QueueOptions) -> None:
        """New limits; they hold from the next start of an agent on."""
        self.options = options
        for lane in self._lanes.values():
            lane.limit, lane.schedule = options.limit_of(lane.name), options.retry

    def _count(self, lane: Lane, place: _Place) -> None:
        if place.counted_as is lane.health and place.counted == lane.running:
            return
        self._running[place.counted_as] -= place.counted
        place.counted_as, place.counted = lane.health, lane.running
        self._running[place.counted_as] += place.counted

    @property
    def _unproven(self) -> int:
        return self._running[Health.NEW] + self._running[Health.DOWN]

    def _has_room(self, health: Health) -> bool:
        options = self.options
        if self.running >= options.concurrency:
            return False
        if health is Health.WELL:
            return True
        if health is Health.DOWN and self._running[Health.DOWN] >= options.down_limit:
            return False
        return self._unproven < max(1, options.concurrency - options.reserve)

    def _line_up(self, lane: Lane, place: _Place) -> None:
        # RFC 6710 5.1: a lane that has urgent mail by now goes to that line; where it waited it is passed over.
        if place.waiting_as is not lane.health or lane.urgency > place.waiting_at:
            place.waiting_as, place.waiting_at = lane.health, lane.urgency
            self._lines[lane.health].lanes.append(lane, lane.urgency)
        if lane.health is Health.NEW and lane.loaded:
            self._newcomers[lane] = None

    def _next_in_line(self, health: Health, now: float) -> Lane | None:
        line = self._lines[health]
        while line.lanes:
            lane = line.lanes.pop(takes_last=line.takes_last)
            place = self._places.get(lane)
            if place is None or place.waiting_as is not health:
                continue  # forgotten, or lined up elsewhere since
            place.waiting_as = None
            self._newcomers.pop(lane, None)
            if lane.health is health and lane.may_start(now):
                line.takes_last = health is Health.NEW and not line.takes_last
                return lane
            self.consider(lane, now)
        return None

    def _next_newcomer(self, now: float) -> Lane | None:
        """Who came last goes first: a place that is lent goes to mail of this moment."""
        options = self.options
        lent = options.reserve // _LENT_TO_NEWCOMERS
        if (
            self.running >= options.concurrency
            or self._unproven >= options.concurrency - options.reserve + lent
        ):
            return None
        while self._newcomers:
            lane, _ = self._newcomers.popitem()
            place = self._places[lane]
            if place.waiting_as is Health.NEW and lane.health is Health.NEW and lane.may_start(now):
                place.waiting_as = None
                return lane
        return None

    def _set_alarm(self, lane: Lane, place: _Place) -> None:
        at = lane.wakes_at()
        if at is not None and (place.alarm_at is None or at < place.alarm_at):
            place.alarm_at = at
            heapq.heappush(self._alarms, (at, next(self._ticket), lane))

    def _ring(self, now: float) -> None:
        while self._alarms and self._alarms[0][0] <= now:
            at, _, lane = heapq.heappop(self._alarms)
            place = self._places.get(lane)
            if place is not None and place.alarm_at == at:
                place.alarm_at = None
                self.consider(lane, now)

    def _forget(self, lane: Lane) -> None:
        del self._lanes[lane.name], self._places[lane]
        self._newcomers.pop(lane, None)
        if lane.health is not Health.WELL:
            self._well_lately.pop(lane.name, None)
            return
        self._well_lately[lane.name] = None
        self._well_lately.move_to_end(lane.name)
        if len(self._well_lately) > _REMEMBERED_LIMIT:
            self._well_lately.popitem(last=False)
