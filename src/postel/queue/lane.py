"""One destination: how many agents may work for it, and when it is worth trying.

Implements  RFC 5321 4.5.4.1 ("keep a list of hosts it cannot reach", not just retry message by message).
Gives       Lane, Health.
Not here    Which lane gets the next free place (queue.lanes); what its mail is (queue.worklist).

No clock and no disk: time comes in as an argument.

    NEW   not tried yet, or nothing known   one agent at first, more with every success
    WELL  answered when last tried          the same, and never behind lanes that may be dead
    DOWN  cannot be reached                 one agent, when `retry_at` has come; any answer makes it WELL,
                                            and all that waited flows
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from postel.mail import Reply
from postel.queue.options import RetrySchedule

__all__ = ["Health", "Lane", "LaneTrouble"]


class Health(enum.Enum):
    """What is known of a destination."""

    NEW = "new"
    WELL = "well"
    DOWN = "down"

    __hash__ = object.__hash__  # it is looked up for every message, and enum's own is written in Python


@dataclass(frozen=True, slots=True)
class LaneTrouble:
    """Why a lane is down, and when it is tried again.

    remote      the host whose word the reply is; None: nobody was reached.
    failures    tries by the schedule that failed in a row.
    tried_at    the last try, by the schedule or for a fresh message.
    """

    reply: Reply
    because: str
    failures: int
    tried_at: float
    retry_at: float
    remote: str | None = None


@dataclass(slots=True, eq=False)
class Lane:
    """The state of one lane. Every method that changes it is one event of its life.

    due_at      the earliest instant at which the database may hold work that is not in memory; None: never.
    loaded      messages in memory that wait for an agent.
    urgency     the priority of the most urgent of them.
    running     agents at work; `idle` of them have not asked for their first job yet.
    allowed     agents allowed at once; grows by one with every success.
    """

    name: str
    limit: int
    schedule: RetrySchedule
    health: Health = Health.NEW
    trouble: LaneTrouble | None = None
    due_at: float | None = None
    loaded: int = 0
    urgency: int = 0
    running: int = 0
    idle: int = 0
    allowed: int = 1
    _probes_fresh: bool = field(default=False)
    _grows_at: float = field(default=0.0)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to remember: no agent, no mail."""
        return not (self.running or self.loaded) and self.due_at is None

    # What it may do

    def may_start(self, now: float) -> bool:
        """Whether one more agent would find work and be allowed to do it."""
        if not self._has_work(now):
            return False
        if self.health is Health.DOWN:
            return self.running == 0 and (self._probes_fresh or now >= self._retry_at())
        return self.running < min(self.allowed, self.limit)

    def may_take(self, *, is_first: bool) -> bool:
        """Whether an agent may take a job. In a lane that is down only the first: that is the try."""
        return is_first or self.health is not Health.DOWN

    def wakes_at(self) -> float | None:
        """When `may_start` turns true by the passing of time alone; None: some event must come first."""
        if self.running >= (1 if self.health is Health.DOWN else min(self.allowed, self.limit)):
            return None
        due_at = 0.0 if self.loaded > self.idle else self.due_at
        if due_at is None or self.loaded + 1 <= self.idle:
            return None  # nothing to do, or the idle agents will do it
        return max(due_at, self._retry_at()) if self.health is Health.DOWN else due_at

    # What happens to it

    def hear(self, due_at: float) -> None:
        """Mail for this lane is in the database, due then."""
        self.due_at = due_at if self.due_at is None else min(self.due_at, due_at)

    def greet(self, now: float) -> None:
        """A fresh message came. It may try a dead lane out of turn, but not in quick succession."""
        if self.trouble and now - self.trouble.tried_at >= self.schedule.first_s:
            self._probes_fresh = True

    def started(self) -> None:
        """An agent begins."""
        self.running += 1
        self.idle += 1

    def asked(self) -> None:
        """An agent asked for its first job."""
        self.idle -= 1

    def ended(self) -> None:
        """An agent is through."""
        self.running -= 1

    def answered(self, now: float, *, is_success: bool) -> bool:
        """The destination said something. True when it was down before: its backlog flows from now on."""
        was_down = self.health is Health.DOWN
        self.health, self.trouble, self._probes_fresh = Health.WELL, None, False
        if is_success and self.allowed < self.limit and now >= self._grows_at:
            self.allowed += 1
        return was_down

    def went_down(self, now: float, reply: Reply, because: str, remote: str | None = None) -> bool:
        """An agent could not reach it. False when others can: then only their number shrinks."""
        if self.health is Health.WELL and self.running > 1:
            self.allowed = max(1, self.running - 1)
            self._grows_at = now + self.schedule.first_s
            return False
        self._count_failure(now, reply, because, remote)
        self.health, self.allowed, self._probes_fresh = Health.DOWN, 1, False
        return True

    def recall(self, trouble: LaneTrouble | None) -> None:
        """What the database knows of it: at start, and when an operator asks for a new try."""
        self.trouble = trouble
        if trouble is not None:
            self.health, self.allowed = Health.DOWN, 1
        elif self.health is Health.DOWN:
            self.health = Health.NEW

    def _count_failure(self, now: float, reply: Reply, because: str, remote: str | None) -> None:
        old = self.trouble
        if old is not None and now < old.retry_at:
            # A fresh message tried out of turn: the schedule keeps its place.
            self.trouble = LaneTrouble(reply, because, old.failures, now, old.retry_at, remote)
            return
        failures = old.failures + 1 if old else 1
        retry_at = now + self.schedule.wait_s(failures)
        self.trouble = LaneTrouble(reply, because, failures, now, retry_at, remote)

    def _retry_at(self) -> float:
        return self.trouble.retry_at if self.trouble else 0.0

    def _has_work(self, now: float) -> bool:
        is_due = self.due_at is not None and self.due_at <= now
        return self.loaded + is_due > self.idle
