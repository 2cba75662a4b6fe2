"""Messages as the database holds them, for those who look at whole messages.

Gives       QueuedMessage, RecipientState, fetch_message, fetch_trouble.
Not here    The page by page reading of due work (queue.worklist).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from postel.database import Row, Transaction
from postel.mail import Parameters, Reply, ReversePath, parse_mailbox, parse_reverse_path
from postel.queue.ids import QueueId
from postel.queue.job import Job, Origin, QueuedRecipient
from postel.queue.lane import LaneTrouble
from postel.queue.rows import parse_origin, parse_parameters, parse_reply, parse_tries
from postel.queue.schema import State, Watch

_MESSAGE: Final = """
SELECT reverse_path, parameters, content_id, size_bytes, received_at, origin, watch, starts_at
FROM queue_message WHERE id = ?"""
_RECIPIENTS: Final = """
SELECT number, mailbox, original, parameters, attempts, depth, lane, state, next_at, tries, reply, remote, because
FROM queue_recipient WHERE message_id = ? ORDER BY number"""
_LANE: Final = "SELECT failures, tried_at, retry_at, reply, remote, because FROM queue_lane WHERE name = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientState:
    """One row.

    tries_s     when it was tried, in seconds since the message came.
    reply       what was said last, by `remote` or else by us; None before the first attempt.
    """

    recipient: QueuedRecipient
    lane: str
    state: State
    next_at: float
    tries_s: tuple[int, ...]
    reply: Reply | None
    remote: str | None
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedMessage:
    """A message with all its recipients, in the order of their numbers.

    starts_at   from when its time counts: when it came, or when it is released.
    """

    queue_id: QueueId
    reverse_path: ReversePath
    parameters: Parameters
    content_id: int
    size_bytes: int
    received_at: float
    starts_at: float
    origin: Origin
    watch: Watch
    recipients: tuple[RecipientState, ...]

    def job(self, lane: str, recipients: tuple[QueuedRecipient, ...]) -> Job:
        """These recipients of it as a job."""
        return Job(
            queue_id=self.queue_id,
            lane=lane,
            reverse_path=self.reverse_path,
            parameters=self.parameters,
            recipients=recipients,
            content_id=self.content_id,
            size_bytes=self.size_bytes,
            received_at=self.received_at,
            origin=self.origin,
            starts_at=self.starts_at,
        )

    def is_scheduled(self, now: float) -> bool:
        """Whether its release is yet to come (RFC 4865)."""
        return self.starts_at > now


async def fetch_message(tx: Transaction, queue_id: QueueId) -> QueuedMessage | None:
    """The message, if it is still in the queue."""
    row = await tx.fetch_one(_MESSAGE, (int(queue_id),))
    if row is None:
        return None
    rows = await tx.fetch_all(_RECIPIENTS, (int(queue_id),))
    reverse_path, parameters, content_id, size_bytes, received_at, origin, watch, starts_at = row
    return QueuedMessage(
        queue_id=queue_id,
        reverse_path=parse_reverse_path(f"<{reverse_path}>"),
        parameters=parse_parameters(parameters),
        content_id=content_id,
        size_bytes=size_bytes,
        received_at=received_at,
        starts_at=starts_at,
        origin=parse_origin(origin),
        watch=Watch(watch),
        recipients=tuple(_recipient(row) for row in rows),
    )


async def fetch_trouble(tx: Transaction, lane: str) -> LaneTrouble | None:
    """Why the lane is down; None when it is not."""
    row = await tx.fetch_one(_LANE, (lane,))
    return parse_trouble(row) if row else None


def parse_trouble(row: Row) -> LaneTrouble:
    """From failures, tried_at, retry_at, reply, remote, because."""
    failures, tried_at, retry_at, words, remote, because = row
    reply = parse_reply(words)
    assert reply is not None  # a lane goes down with a reply
    return LaneTrouble(reply, because, failures, tried_at, retry_at, remote)


def _recipient(row: Row) -> RecipientState:
    number, mailbox, original, parameters, attempts, depth, lane, state, next_at, tries, *words = row
    reply, remote, because = words
    recipient = QueuedRecipient(
        id=number,
        mailbox=parse_mailbox(mailbox),
        original=parse_mailbox(original),
        parameters=parse_parameters(parameters),
        attempts=attempts,
        depth=depth,
    )
    return RecipientState(
        recipient=recipient,
        lane=lane,
        state=State(state),
        next_at=next_at,
        tries_s=parse_tries(tries),
        reply=parse_reply(reply),
        remote=remote,
        because=because,
    )
