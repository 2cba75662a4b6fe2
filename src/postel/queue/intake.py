"""DRAFT -> QUEUED: the rows of a new message.

Implements  RFC 5321 4.2.5, 6.1 (responsibility begins with the 250, so the rows come first).
Gives       Placed, LaneOf, insert_message, insert_rows, insert_recipients, set_errand, extend_errand, job_of,
            times_of, sort_by_lane.
Not here    Who waits for the commit (queue.queue); the content's own rows (contents).

When the transaction that holds `insert_message` is durable, we are responsible for the message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from postel.contents import keep
from postel.database import Transaction, Value
from postel.mail import Domain, Mailbox, Parameters, deliver_by_of, priority_of, release_of
from postel.queue.ids import QueueId
from postel.queue.job import Job, NewMessage, QueuedRecipient
from postel.queue.rows import format_origin, format_parameters
from postel.queue.schema import State, Watch

LaneOf: TypeAlias = Callable[[Mailbox], str]

# RFC 2852 4.1.3: whose time is over is reported. A message that comes late was late at the hop before, which had that
# duty; the originator hears of it again only when it is stuck here.
_LATE_ALREADY_S: Final = 60

_MESSAGE: Final = """
INSERT INTO queue_message
    (id, reverse_path, parameters, content_id, size_bytes, received_at, origin, watch, next_number, starts_at,
     deadline_at, priority)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_RECIPIENT: Final = """
INSERT INTO queue_recipient
    (message_id, lane, number, mailbox, domain, original, parameters, state, next_at, attempts, tries, depth, parent,
     reply, remote, because)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', ?, ?, '', NULL, '')"""
_ERRAND: Final = """
INSERT INTO queue_errand (message_id, lane, next_at, priority) VALUES (?, ?, ?, ?)"""
_REFRESHED: Final = "UPDATE queue_errand SET next_at = ? WHERE message_id = ? AND lane = ?"
_MORE: Final = """
INSERT INTO queue_errand (message_id, lane, next_at, priority)
VALUES (?, ?, ?, (SELECT priority FROM queue_message WHERE id = ?))
ON CONFLICT (message_id, lane) DO UPDATE SET next_at =
    CASE WHEN queue_errand.next_at < excluded.next_at THEN queue_errand.next_at ELSE excluded.next_at END"""


@dataclass(frozen=True, slots=True)
class Placed:
    """A message that has its rows: what there is to do for it, by lane, and from when on.

    deadline_at     when its time for delivery is over; None: it has no such wish.
    """

    queue_id: QueueId
    starts_at: float
    deadline_at: float | None
    jobs: tuple[Job, ...]


def sort_by_lane(
    message: NewMessage, lane_of: LaneOf, home: Domain
) -> Mapping[str, tuple[QueuedRecipient, ...]]:
    """The recipients of each lane, numbered in the order they were given; `home` is whose postmaster a bare
    one is.
    """
    lanes: dict[str, list[QueuedRecipient]] = {}
    for number, recipient in enumerate(message.envelope.recipients):
        mailbox = recipient.forward_path.at(home)
        queued = QueuedRecipient(
            id=number, mailbox=mailbox, original=mailbox, parameters=recipient.parameters
        )
        lanes.setdefault(lane_of(mailbox), []).append(queued)
    return {lane: tuple(recipients) for lane, recipients in lanes.items()}


async def insert_message(
    tx: Transaction, message: NewMessage, lanes: Mapping[str, tuple[QueuedRecipient, ...]]
) -> Placed:
    """The rows of a message and its content. The instant is the commit, not the return."""
    content_id = await keep(tx, message.content)
    starts_at, deadline_at, _ = times_of(message.envelope.parameters, message.received_at)
    jobs = [job_of(message, lane, to, content_id, starts_at) for lane, to in lanes.items()]
    placed = Placed(message.queue_id, starts_at, deadline_at, tuple(jobs))
    await insert_rows(tx, [placed])
    return placed


def job_of(
    message: NewMessage,
    lane: str,
    recipients: tuple[QueuedRecipient, ...],
    content_id: int,
    starts_at: float,
    *,
    is_arrival: bool = False,
) -> Job:
    """These recipients of a new message as a job."""
    return Job(
        queue_id=message.queue_id,
        lane=lane,
        reverse_path=message.envelope.reverse_path,
        parameters=message.envelope.parameters,
        recipients=recipients,
        content_id=content_id,
        size_bytes=message.content.size_bytes,
        received_at=message.received_at,
        origin=message.origin,
        starts_at=starts_at,
        is_arrival=is_arrival,
    )


async def insert_rows(tx: Transaction, placed: Sequence[Placed]) -> None:
    """The rows of messages whose contents are kept."""
    await tx.execute_many(_MESSAGE, [_message(one) for one in placed])
    for one in placed:
        for job in one.jobs:
            await insert_recipients(tx, job.queue_id, job.lane, job.recipients, one.starts_at)
    jobs = [(job, one.starts_at) for one in placed for job in one.jobs]
    errands = [(int(job.queue_id), job.lane, starts_at, job.priority) for job, starts_at in jobs]
    await tx.execute_many(_ERRAND, errands)


def _message(placed: Placed) -> tuple[Value, ...]:
    job = placed.jobs[0]
    return (
        int(job.queue_id),
        str(job.reverse_path),
        format_parameters(job.parameters),
        job.content_id,
        job.size_bytes,
        job.received_at,
        format_origin(job.origin),
        int(Watch.FRESH),
        sum(len(each.recipients) for each in placed.jobs),
        placed.starts_at,
        placed.deadline_at,
        job.priority,
    )


def times_of(parameters: Parameters, received_at: float) -> tuple[float, float | None, int]:
    """When a message starts, the time by which it wants to be delivered, and its priority."""
    if not parameters:
        return received_at, None, 0
    release_at, wish = release_of(parameters, received_at), deliver_by_of(parameters)
    deadline_at = None
    if wish is not None:
        deadline_at = received_at + (wish.seconds if wish.seconds > 0 else _LATE_ALREADY_S)
    return max(received_at, release_at or 0.0), deadline_at, priority_of(parameters)


async def insert_recipients(
    tx: Transaction,
    queue_id: QueueId,
    lane: str,
    recipients: Iterable[QueuedRecipient],
    next_at: float,
    parent: int | None = None,
) -> None:
    """Rows of recipients that are due at `next_at`; `parent` is the alias they come from."""
    rows = [
        (
            int(queue_id),
            lane,
            r.id,
            str(r.mailbox),
            r.mailbox.domain.ascii,
            str(r.original),
            format_parameters(r.parameters),
            int(State.WAITING),
            next_at,
            r.depth,
            parent,
        )
        for r in recipients
    ]
    await tx.execute_many(_RECIPIENT, rows)


async def set_errand(tx: Transaction, queue_id: QueueId, lane: str, next_at: float | None) -> None:
    """There is work for the message in the lane, first due then; None: only held recipients."""
    number = int(queue_id)
    if not await tx.execute(_REFRESHED, (next_at, number, lane)):
        await tx.execute(_MORE, (number, lane, next_at, number))


async def extend_errand(tx: Transaction, queue_id: QueueId, lane: str, next_at: float) -> None:
    """There is more work for the message in the lane, due then; what was there may be due earlier."""
    await tx.execute(_MORE, (int(queue_id), lane, next_at, int(queue_id)))
