"""From outcomes to what shall be recorded: pure decisions about the recipients of one job.

Implements  RFC 5321 4.5.4.1 (give-up time), 6.3 (loops of aliases), 3.9 (expansion), RFC 3464 2.3.3 (actions).
Gives       settle, settle_members, overdue, Change and its kinds, Known, Member.
Not here    SQL (queue.record); reports (queue.reports).

Invariant: every recipient of a job gets exactly one change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from postel.mail import Mailbox, Reply, Status
from postel.mail.replies import ALIAS_LOOP, EXPIRED, OK, SYSTEM_TROUBLE, TOO_MANY_MEMBERS
from postel.message import Action
from postel.queue.job import Job, QueuedRecipient
from postel.queue.options import QueueOptions
from postel.queue.outcome import Delayed, Delivered, Discarded, Effect, Expanded, Failed, Outcome, Relayed

DELAYED_BY_US = Delayed(SYSTEM_TROUBLE, because="the agent gave no outcome")
_TIME_IS_UP = Status(5, 4, 7)  # RFC 3463 3.5: delivery time expired


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """No more work for this recipient. `action` is None when it was discarded.

    reply       the words that settled it: the remote server's where `remote` names one.
    status      when it says more than the reply's own.
    is_reported_elsewhere  the next hop took the duty of reporting over.
    is_traced   the originator is told of a relayed message all the same (RFC 2852 4.1.4).
    """

    recipient: QueuedRecipient
    action: Action | None
    reply: Reply = OK
    remote: str | None = None
    because: str = ""
    status: Status | None = None
    effect: Effect | None = None
    is_reported_elsewhere: bool = False
    is_traced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponed:
    """To be tried again at `next_at`."""

    recipient: QueuedRecipient
    next_at: float
    reply: Reply
    remote: str | None
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """An alias: its members become recipients of the same message."""

    recipient: QueuedRecipient
    members: tuple[Mailbox, ...]
    effect: Effect | None = None

    @property
    def copies(self) -> int:
        """How many the message leads to now: the members, and what is kept under the alias's own name."""
        return len(self.members) + (self.effect is not None)


Change: TypeAlias = Settled | Postponed | Grown


def settle(job: Job, outcomes: Mapping[int, Outcome], now: float, options: QueueOptions) -> list[Change]:
    """What to record for each recipient of the job."""
    return [_change(job, r, outcomes.get(r.id, DELAYED_BY_US), now, options) for r in job.recipients]


def overdue(recipient: QueuedRecipient, reply: Reply, remote: str | None, because: str) -> Settled:
    """A recipient whose time is up: the last words we heard become the reason of the failure."""
    return Settled(
        recipient=recipient,
        action=Action.FAILED,
        reply=reply if remote or because else EXPIRED,
        remote=remote,
        because=because,
        status=_TIME_IS_UP,
    )


def _change(
    job: Job, recipient: QueuedRecipient, outcome: Outcome, now: float, options: QueueOptions
) -> Change:
    match outcome:
        case Delivered(effect):
            return Settled(recipient=recipient, action=Action.DELIVERED, effect=effect)
        case Relayed(remote, reply, is_reporting, is_traced):
            return Settled(
                recipient=recipient,
                action=Action.RELAYED,
                reply=reply,
                remote=remote,
                is_reported_elsewhere=is_reporting,
                is_traced=is_traced,
            )
        case Expanded(members, effect):
            return _grow(recipient, members, effect, options)
        case Failed(reply, remote, because):
            return Settled(
                recipient=recipient, action=Action.FAILED, reply=reply, remote=remote, because=because
            )
        case Discarded(because):
            return Settled(recipient=recipient, action=None, because=because)
        case Delayed(reply, remote, because):
            if now >= job.counts_from + options.expire_after_s or job.is_too_late(now):
                return overdue(recipient, reply, remote, because or "time is up")
            next_at = now + options.retry.wait_s(recipient.attempts + 1)
            return Postponed(
                recipient=recipient, next_at=next_at, reply=reply, remote=remote, because=because
            )


def _grow(
    recipient: QueuedRecipient, members: tuple[Mailbox, ...], effect: Effect | None, options: QueueOptions
) -> Change:
    if not members:
        return Settled(recipient=recipient, action=None, because="the alias has no members")
    if recipient.depth >= options.depth_limit:
        # RFC 5321 6.3: simple counting stops every loop.
        return _refused(recipient, ALIAS_LOOP, f"more than {options.depth_limit} aliases in a row")
    if len(members) > options.member_limit:
        return _refused(recipient, TOO_MANY_MEMBERS, f"{len(members)} members")
    return Grown(recipient=recipient, members=members, effect=effect)


def _refused(recipient: QueuedRecipient, reply: Reply, because: str) -> Settled:
    return Settled(recipient=recipient, action=Action.FAILED, reply=reply, because=because)


@dataclass(frozen=True, slots=True)
class Known:
    """A recipient that the message has or had, as far as expansion must know it.

    is_alias    it was expanded, and nothing was kept under its own name.
    """

    id: int
    key: str
    parent: int | None
    is_alias: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an alias."""

    mailbox: Mailbox
    lane: str
    key: str


def settle_members(
    grown: Grown, members: Sequence[Member], known: Sequence[Known], options: QueueOptions
) -> Sequence[Member] | Settled:
    """The members whom the message has not reached yet, each once; or the end of the alias.

    An alias that leads to nobody but aliases that led to it would swallow the mail, so it fails.
    """
    ancestors = _ancestors(grown.recipient.id, known)
    if grown.effect is None and all(member.key in ancestors for member in members):
        return _refused(grown.recipient, ALIAS_LOOP, "every member is an ancestor")
    taken = {one.key for one in known}
    fresh: dict[str, Member] = {}
    for member in members:
        if member.key not in taken:
            fresh.setdefault(member.key, member)
    total = len(known) + len(fresh)
    if total > options.member_limit:
        return _refused(grown.recipient, TOO_MANY_MEMBERS, f"{total} recipients")
    return list(fresh.values())


def _ancestors(number: int | None, known: Sequence[Known]) -> set[str]:
    by_id = {one.id: one for one in known}
    keys: set[str] = set()
    while number is not None and (one := by_id.get(number)) is not None:
        if one.is_alias:
            keys.add(one.key)
        number = one.parent if one.parent != number else None
    return keys
