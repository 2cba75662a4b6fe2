"""DRAFT -> ARRIVED -> GONE: mail that comes and leaves at once, one row in and one row out.

Implements  RFC 5321 4.2.5, 6.1 (responsibility begins with the 250, so the row comes first).
Gives       Arrival, Ended, is_simple, insert_arrivals, end_arrivals, file_arrivals, file_first_arrivals,
            oldest_arrival, newest_arrival, any_arrival_until.
Not here    Which messages are let in (queue.fresh). What becomes of those that do not leave at once: they are filed
            in the tables of queue.intake, and everything is as if they had been there from the start.

Invariant: a message has its row here or its rows there, never both. So whoever ends or files an arrival takes its row
away in the same transaction, and looks whether it was still there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from postel.contents import keep_all, lend, release_all
from postel.database import Row, Transaction, Value
from postel.mail import parse_mailbox, parse_reverse_path
from postel.queue.crew import claim, disclaim
from postel.queue.ids import QueueId
from postel.queue.intake import Placed, insert_rows, job_of, times_of
from postel.queue.job import Job, NewMessage, QueuedRecipient
from postel.queue.record import take_effect
from postel.queue.rows import format_origin, format_parameters, parse_origin, parse_parameters
from postel.queue.settle import Change

_COLUMNS: Final = (
    "id, lane, reverse_path, parameters, recipients, content_id, size_bytes, received_at, origin, owner"
)
_INSERT: Final = f"INSERT INTO queue_arrival ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_END: Final = "DELETE FROM queue_arrival WHERE id = ? RETURNING id"
_FILE: Final = f"DELETE FROM queue_arrival WHERE id = ? RETURNING {_COLUMNS}"
_LANES_OF: Final = "SELECT lane FROM queue_errand WHERE message_id = ?"
_FIRST: Final = "SELECT id FROM queue_arrival ORDER BY id LIMIT ?"
_NEWEST: Final = "SELECT MAX(id) FROM queue_arrival"
_IS_OLDER: Final = "SELECT 1 FROM queue_arrival WHERE id <= ? LIMIT 1"
_OLDEST: Final = "SELECT received_at FROM queue_arrival ORDER BY id LIMIT 1"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A new message for one lane. `then` hears of it once it is durable. `owner`: see queue.crew."""

    message: NewMessage
    lane: str
    recipients: tuple[QueuedRecipient, ...]
    then: Callable[[NewMessage, Placed], None]
    owner: int | None = None

    @property
    def weight(self) -> int:
        """What its row costs: in statements of some hundred octets."""
        return 1 + (len(self.message.content.data) >> 12)


@dataclass(frozen=True, slots=True)
class Ended:
    """An arrival all of whose recipients are settled."""

    job: Job
    changes: Sequence[Change]


def is_simple(
    message: NewMessage, lanes: Mapping[str, tuple[QueuedRecipient, ...]], recipients_limit: int
) -> bool:
    """Whether the message may be one row: one job that is due now, small, and without a deadline."""
    if len(lanes) != 1 or message.content.file is not None:
        return False
    starts_at, deadline_at, _ = times_of(message.envelope.parameters, message.received_at)
    is_due = starts_at == message.received_at and deadline_at is None
    return is_due and len(message.envelope.recipients) <= recipients_limit


async def insert_arrivals(tx: Transaction, arrivals: Sequence[Arrival]) -> Sequence[Placed]:
    """The rows of messages and their contents. The instant is the commit, not the return."""
    ids = await keep_all(tx, [one.message.content.data for one in arrivals])
    placed = [_placed(one, content_id) for one, content_id in zip(arrivals, ids, strict=True)]
    await tx.execute_many(
        _INSERT, [(*_row(its.jobs[0]), one.owner) for one, its in zip(arrivals, placed, strict=True)]
    )
    tx.after_commit(lambda: _tell(arrivals, placed))
    return placed


async def end_arrivals(tx: Transaction, ended: Sequence[Ended]) -> Sequence[bool]:
    """The last word about messages: effects, and no row. False for those that are no arrivals any more.

    Raises EffectFailed.
    """
    gone = {row[0] for row in await tx.fetch_many(_END, [(int(one.job.queue_id),) for one in ended])}
    left = [one for one in ended if one.job.queue_id in gone]
    lent = lend(tx, [one.job.content_id for one in left])
    for one in left:
        for change in one.changes:
            await take_effect(tx, change)
    await release_all(tx, lent)
    lent.clear()
    return [one.job.queue_id in gone for one in ended]


async def file_arrivals(tx: Transaction, ids: Iterable[int]) -> Sequence[Job]:
    """ARRIVED -> QUEUED: give messages their rows in the other tables. Those that were arrivals.

    A helper that has one keeps it, by a claim.
    """
    rows = await tx.fetch_many(_FILE, [(int(one),) for one in ids])
    jobs = [_job(row[:-1]) for row in rows]
    await claim(tx, [(row[0], row[-1]) for row in rows])
    await insert_rows(tx, [Placed(job.queue_id, job.received_at, None, (job,)) for job in jobs])
    return jobs


async def give_up_arrivals(tx: Transaction, ids: Sequence[int]) -> set[str]:
    """File messages of a helper for the scheduler. The lanes in which they are."""
    await file_arrivals(tx, ids)
    await disclaim(tx, ids)
    found = [await tx.fetch_all(_LANES_OF, (int(one),)) for one in ids]
    return {row[0] for rows in found for row in rows}


async def file_first_arrivals(tx: Transaction, limit: int) -> Sequence[Job]:
    """File the oldest arrivals."""
    return await file_arrivals(tx, [row[0] for row in await tx.fetch_all(_FIRST, (limit,))])


async def oldest_arrival(tx: Transaction) -> float | None:
    """When the oldest arrival came, by its id; None: there is none."""
    row = await tx.fetch_one(_OLDEST)
    return None if row is None else float(row[0])


async def newest_arrival(tx: Transaction) -> int | None:
    """The greatest id; None: there is none."""
    row = await tx.fetch_one(_NEWEST)
    return row[0] if row else None


async def any_arrival_until(tx: Transaction, newest: int) -> bool:
    """Whether there is one with this id, or a smaller one."""
    return await tx.fetch_one(_IS_OLDER, (newest,)) is not None


def _tell(arrivals: Sequence[Arrival], placed: Sequence[Placed]) -> None:
    for one, its in zip(arrivals, placed, strict=True):
        one.then(one.message, its)


def _placed(one: Arrival, content_id: int) -> Placed:
    received_at = one.message.received_at
    job = job_of(one.message, one.lane, one.recipients, content_id, received_at, is_arrival=True)
    return Placed(one.message.queue_id, received_at, None, (job,))


def _row(job: Job) -> tuple[Value, ...]:
    return (
        int(job.queue_id),
        job.lane,
        str(job.reverse_path),
        format_parameters(job.parameters),
        _RECIPIENTS.join([_format(one) for one in job.recipients]),
        job.content_id,
        job.size_bytes,
        job.received_at,
        format_origin(job.origin),
    )


# Neither an address nor JSON has these octets in it.
_RECIPIENTS: Final = "\n"
_PARAMETERS: Final = "\t"


def _format(recipient: QueuedRecipient) -> str:
    if not recipient.parameters:
        return str(recipient.mailbox)
    return f"{recipient.mailbox}{_PARAMETERS}{format_parameters(recipient.parameters)}"


def _job(row: Row) -> Job:
    number, lane, reverse_path, parameters, recipients, content_id, size_bytes, received_at, origin = row
    return Job(
        queue_id=QueueId(number),
        lane=lane,
        reverse_path=parse_reverse_path(f"<{reverse_path}>"),
        parameters=parse_parameters(parameters),
        recipients=tuple(_recipient(n, text) for n, text in enumerate(recipients.split(_RECIPIENTS))),
        content_id=content_id,
        size_bytes=size_bytes,
        received_at=received_at,
        origin=parse_origin(origin),
        starts_at=received_at,
    )


def _recipient(number: int, text: str) -> QueuedRecipient:
    address, _, parameters = text.partition(_PARAMETERS)
    mailbox = parse_mailbox(address)
    return QueuedRecipient(
        id=number, mailbox=mailbox, original=mailbox, parameters=parse_parameters(parameters)
    )
