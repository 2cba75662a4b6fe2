"""DRAFT -> QUEUED: the rows of a new message.

Implements  RFC 5321 4.2.5, 6.1 (responsibility begins with the 250, so the rows come first).
Gives       Intake, Placed, LaneOf, insert_message, insert_recipients, set_errand, extend_errand.
Not here    Who waits for the commit (queue.queue); the content's own rows (contents).

When the transaction that holds `insert_message` is durable, we are responsible for the message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from postel.contents import keep
from postel.database import Transaction
from postel.mail import Domain, Mailbox
from postel.queue.ids import QueueId
from postel.queue.job import Job, NewMessage, QueuedRecipient
from postel.queue.rows import format_origin, format_parameters
from postel.queue.schema import State, Watch

LaneOf: TypeAlias = Callable[[Mailbox], str]

_MESSAGE: Final = """
INSERT INTO queue_message
    (id, reverse_path, parameters, content_id, size_bytes, received_at, origin, watch, next_number)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_RECIPIENT: Final = """
INSERT INTO queue_recipient
    (message_id, lane, number, mailbox, domain, original, parameters, state, next_at, attempts, tries, depth, parent,
     reply, remote, because)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '', ?, ?, '', NULL, '')"""
_ERRAND: Final = """
INSERT INTO queue_errand (message_id, lane, next_at) VALUES (?, ?, ?)
ON CONFLICT (message_id, lane) DO UPDATE SET next_at = excluded.next_at"""
_MORE: Final = """
INSERT INTO queue_errand (message_id, lane, next_at) VALUES (?, ?, ?)
ON CONFLICT (message_id, lane) DO UPDATE SET next_at =
    CASE WHEN queue_errand.next_at < excluded.next_at THEN queue_errand.next_at ELSE excluded.next_at END"""


@dataclass(frozen=True, slots=True)
class Placed:
    """A message that has its rows: what there is to do for it, by lane."""

    queue_id: QueueId
    received_at: float
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
    envelope, received_at = message.envelope, message.received_at
    size_bytes = message.content.size_bytes
    row = (
        int(message.queue_id),
        str(envelope.reverse_path),
        format_parameters(envelope.parameters),
        content_id,
        size_bytes,
        received_at,
        format_origin(message.origin),
        int(Watch.FRESH),
        len(envelope.recipients),
    )
    await tx.execute(_MESSAGE, row)
    jobs = []
    for lane, recipients in lanes.items():
        await insert_recipients(tx, message.queue_id, lane, recipients, received_at)
        await set_errand(tx, message.queue_id, lane, received_at)
        jobs.append(
            Job(
                queue_id=message.queue_id,
                lane=lane,
                reverse_path=envelope.reverse_path,
                parameters=envelope.parameters,
                recipients=recipients,
                content_id=content_id,
                size_bytes=size_bytes,
                received_at=received_at,
                origin=message.origin,
            )
        )
    return Placed(message.queue_id, received_at, tuple(jobs))


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
    await tx.execute(_ERRAND, (int(queue_id), lane, next_at))


async def extend_errand(tx: Transaction, queue_id: QueueId, lane: str, next_at: float) -> None:
    """There is more work for the message in the lane, due then; what was there may be due earlier."""
    await tx.execute(_MORE, (int(queue_id), lane, next_at))
