"""QUEUED -> SETTLED or QUEUED again: what an attempt has come to, in one transaction.

Implements  RFC 3461 5.2.7.3 (what members of an alias inherit), RFC 5321 6.1 (no recipient is forgotten without
            delivery, a report, or a reason for neither).
Gives       record, take_effect, refresh_errand, remove_if_over, Recorded, EffectFailed, Refused.
Not here    What an outcome means (queue.settle).

Invariants: a recipient's effect, its end, and the report about it are one transaction. A row that is gone or
settled already (an operator was faster) is left alone, and so is its effect. When the last recipient is settled,
the message, its recipients and its hold on the content go in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from postel.contents import release_all
from postel.database import DatabaseTrouble, Transaction, Value
from postel.mail import parse_mailbox
from postel.queue.ids import QueueId
from postel.queue.intake import LaneOf, Placed, extend_errand, insert_recipients, set_errand
from postel.queue.job import Job, QueuedRecipient
from postel.queue.notify import passed_on
from postel.queue.options import QueueOptions
from postel.queue.rows import format_reply, format_try, member_key
from postel.queue.schema import State
from postel.queue.settle import Change, Grown, Known, Member, Postponed, Settled, settle_members

_SETTLE: Final = f"""
UPDATE queue_recipient
SET state = {State.SETTLED:d}, attempts = attempts + 1, tries = tries || ?, reply = ?, remote = ?, because = ?
WHERE message_id = ? AND lane = ? AND number = ? AND state <> {State.SETTLED:d}"""
_POSTPONE: Final = f"""
UPDATE queue_recipient
SET next_at = ?, attempts = attempts + 1, tries = tries || ?, reply = ?, remote = ?, because = ?
WHERE message_id = ? AND lane = ? AND number = ? AND state <> {State.SETTLED:d}"""
_LANE_NOW: Final = "SELECT lane FROM queue_recipient WHERE message_id = ? AND number = ?"
_REST: Final = f"""
SELECT COUNT(*), MIN(CASE WHEN state = {State.WAITING:d} THEN next_at END) FROM queue_recipient
WHERE message_id = ? AND lane = ? AND state <> {State.SETTLED:d}"""

_EXPANDED: Final = "expanded"
_EXPANDED_AND_KEPT: Final = "expanded, and kept a copy"


class EffectFailed(Exception):
    """The effect of one delivery raised `fault`; nothing of the transaction happened."""

    def __init__(self, number: int, fault: Exception) -> None:
        super().__init__(f"recipient {number}: {fault!r}")
        self.number = number
        self.fault = fault


class Refused(Exception):
    """An expansion leads nowhere or too far: record `change` instead; nothing of the transaction happened."""

    def __init__(self, change: Settled) -> None:
        super().__init__(change.because)
        self.change = change


@dataclass(slots=True)
class Recorded:
    """What a transaction leaves to do.

    due      lanes that have work, and when.
    placed   messages that were queued in it: a report.
    applied  the changes whose rows were still there.
    """

    due: dict[str, float] = field(default_factory=dict)
    placed: list[Placed] = field(default_factory=list)
    applied: list[Change] = field(default_factory=list)

    def hear(self, lane: str, due_at: float | None) -> None:
        """There is work in that lane, due then."""
        if due_at is not None:
            self.due[lane] = min(due_at, self.due.get(lane, due_at))


async def record(
    tx: Transaction,
    job: Job,
    changes: Sequence[Change],
    now: float,
    lane_of: LaneOf,
    options: QueueOptions,
    *,
    is_last: bool,
) -> Recorded:
    """Record the changes. `is_last`: no other part of the errand is being worked on.

    Raises EffectFailed and Refused: then the caller has another change to record for one recipient.
    """
    recorded = Recorded()
    lanes = {job.lane} if is_last else set()
    for change in changes:
        lane = await _apply(tx, job, change, now)
        if lane is None:
            continue
        recorded.applied.append(change)
        if lane != job.lane:
            lanes.add(lane)
        if isinstance(change, Grown):
            await _insert_members(tx, job, change, now, lane_of, options, recorded)
    for lane in sorted(lanes):
        recorded.hear(lane, await refresh_errand(tx, job.queue_id, lane))
    if lanes:
        await remove_if_over(tx, job.queue_id)
    return recorded


async def refresh_errand(tx: Transaction, queue_id: QueueId, lane: str) -> float | None:
    """Make the errand tell the truth about its recipients again. When it is due; None: never."""
    row = await tx.fetch_one(_REST, (int(queue_id), lane))
    assert row is not None
    count, next_at = row
    if count:
        await set_errand(tx, queue_id, lane, next_at)
    else:
        await tx.execute("DELETE FROM queue_errand WHERE message_id = ? AND lane = ?", (int(queue_id), lane))
    return None if next_at is None else float(next_at)


async def remove_if_over(tx: Transaction, queue_id: QueueId) -> bool:
    """Let the message go when it has no errand left. True when it went."""
    number = int(queue_id)
    if await tx.fetch_one("SELECT 1 FROM queue_errand WHERE message_id = ? LIMIT 1", (number,)):
        return False
    row = await tx.fetch_one("SELECT content_id FROM queue_message WHERE id = ?", (number,))
    if row is None:
        return False
    await tx.execute("DELETE FROM queue_recipient WHERE message_id = ?", (number,))
    await tx.execute("DELETE FROM queue_message WHERE id = ?", (number,))
    await release_all(tx, (row[0],))
    return True


async def _apply(tx: Transaction, job: Job, change: Change, now: float) -> str | None:
    """One recipient's row, and its effect. The lane it was in; None when the row is gone or settled."""
    tried = format_try(job.received_at, now)
    match change:
        case Postponed(next_at=next_at, reply=reply, remote=remote, because=because):
            words = (format_reply(reply), remote, because)
            return await _update(tx, _POSTPONE, (next_at, tried, *words), job, change.recipient)
        case Settled(reply=reply, remote=remote, because=because):
            words = (format_reply(reply), remote, because)
        case Grown(effect=effect):
            words = ("", None, _EXPANDED if effect is None else _EXPANDED_AND_KEPT)
    lane = await _update(tx, _SETTLE, (tried, *words), job, change.recipient)
    if lane is not None:
        await take_effect(tx, change)
    return lane


async def take_effect(tx: Transaction, change: Change) -> None:
    """What belongs into the transaction that records the change. Raises EffectFailed."""
    if isinstance(change, Postponed) or change.effect is None:
        return
    try:
        await change.effect(tx)
    except DatabaseTrouble:
        raise
    except Exception as fault:
        raise EffectFailed(change.recipient.id, fault) from fault


async def _update(
    tx: Transaction, sql: str, values: tuple[Value, ...], job: Job, recipient: QueuedRecipient
) -> str | None:
    """Change the row, wherever it is: a reload may have moved it to another lane meanwhile."""
    number = int(job.queue_id)
    if await tx.execute(sql, (*values, number, job.lane, recipient.id)):
        return job.lane
    row = await tx.fetch_one(_LANE_NOW, (number, recipient.id))
    if row is None or not await tx.execute(sql, (*values, number, row[0], recipient.id)):
        return None
    return str(row[0])


async def _insert_members(
    tx: Transaction,
    job: Job,
    grown: Grown,
    now: float,
    lane_of: LaneOf,
    options: QueueOptions,
    recorded: Recorded,
) -> None:
    """Members that the message does not know yet become recipients, due at once."""
    lanes = [lane_of(mailbox) for mailbox in grown.members]
    members = [
        Member(mailbox, lane, member_key(mailbox, is_ours=lane == job.lane))
        for mailbox, lane in zip(grown.members, lanes, strict=True)
    ]
    fresh = settle_members(grown, members, await _fetch_known(tx, job), options)
    if isinstance(fresh, Settled):
        raise Refused(fresh)
    number = int(job.queue_id)
    row = await tx.fetch_one("SELECT next_number FROM queue_message WHERE id = ?", (number,))
    assert row is not None  # the alias has a row, so the message has one
    await tx.execute("UPDATE queue_message SET next_number = ? WHERE id = ?", (row[0] + len(fresh), number))
    for lane, recipients in _recipients(grown, fresh, row[0]).items():
        await insert_recipients(tx, job.queue_id, lane, recipients, now, parent=grown.recipient.id)
        await extend_errand(tx, job.queue_id, lane, now)
        recorded.hear(lane, now)


async def _fetch_known(tx: Transaction, job: Job) -> list[Known]:
    """Every recipient that the message has or had."""
    rows = await tx.fetch_all(
        "SELECT number, mailbox, lane, parent, because FROM queue_recipient WHERE message_id = ?",
        (int(job.queue_id),),
    )
    return [
        Known(
            number, member_key(parse_mailbox(mailbox), is_ours=lane == job.lane), parent, because == _EXPANDED
        )
        for number, mailbox, lane, parent, because in rows
    ]


def _recipients(grown: Grown, members: Sequence[Member], number: int) -> dict[str, list[QueuedRecipient]]:
    """The members as recipients, by lane, numbered from `number` on."""
    alias = grown.recipient
    parameters = passed_on(alias.parameters, grown.copies)
    lanes: dict[str, list[QueuedRecipient]] = {}
    for one, member in enumerate(members, number):
        recipient = QueuedRecipient(
            id=one,
            mailbox=member.mailbox,
            original=alias.original,
            parameters=parameters,
            depth=alias.depth + 1,
        )
        lanes.setdefault(member.lane, []).append(recipient)
    return lanes
