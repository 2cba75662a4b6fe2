"""What the queue asks of those who deliver.

Gives       NewMessage, Origin, Job, QueuedRecipient, Jobs, DeliveryAgent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from postel.contents import Sealed
from postel.mail import (
    DeliverBy,
    Envelope,
    Mailbox,
    Parameters,
    Reply,
    ReversePath,
    deliver_by_of,
    priority_of,
)
from postel.queue.ids import QueueId
from postel.queue.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """How a message came to us.

    protocol     as in its Received field: "ESMTPSA"; "local" from a command on this host, "report" from us.
    client_ip    text; None when there was no network.
    client_name  what the client called itself.
    account      the address of the account that was logged in.
    listener     the endpoint that it came to.
    client_host  the client's host name, where one is known.
    client_port  its TCP port.
    ident        by what a trusted host that passed the message on knows it (XFORWARD); then the client is its client.
    source       "LOCAL" or "REMOTE", as such a host said.
    """

    protocol: str
    client_ip: str | None = None
    client_name: str | None = None
    account: str | None = None
    listener: str | None = None
    client_host: str | None = None
    client_port: int | None = None
    ident: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """A message that wants to be queued. Every forward path has a mailbox by now."""

    queue_id: QueueId
    envelope: Envelope
    content: Sealed
    received_at: float
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedRecipient:
    """One recipient of a job.

    id          unique within its message.
    mailbox     whom to deliver to now.
    original    as the client gave it, before aliases.
    attempts    how often it was tried before.
    depth       how many aliases lie between `original` and `mailbox`.
    """

    id: int
    mailbox: Mailbox
    original: Mailbox
    parameters: Parameters
    attempts: int = 0
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """All recipients of one message that are due in one lane, or the first hundred of them.

    starts_at   when the message was released, where that was not when it came.
    is_arrival  it came a moment ago, all of its recipients are in this job, and it has one row (queue.arrivals).
    """

    queue_id: QueueId
    lane: str
    reverse_path: ReversePath
    parameters: Parameters
    recipients: tuple[QueuedRecipient, ...]
    content_id: int
    size_bytes: int
    received_at: float
    origin: Origin = field(default_factory=lambda: Origin(protocol=""))
    starts_at: float | None = None
    is_arrival: bool = False

    @property
    def is_8bit(self) -> bool:
        """Whether the content was declared to hold octets above 127 (RFC 6152 2)."""
        return Envelope(self.reverse_path, (), self.parameters).is_8bit

    @property
    def asks_smtputf8(self) -> bool:
        """Whether it came with SMTPUTF8 (RFC 6531 3.4)."""
        return "SMTPUTF8" in self.parameters

    @property
    def priority(self) -> int:
        """From -9 to 9 (RFC 6710)."""
        return priority_of(self.parameters)

    @property
    def counts_from(self) -> float:
        """The instant from which its time counts."""
        return self.received_at if self.starts_at is None else self.starts_at

    @property
    def deliver_by(self) -> DeliverBy | None:
        """The wish for delivery in time, as it was when the message came."""
        return deliver_by_of(self.parameters)

    def is_too_late(self, now: float) -> bool:
        """Whether it may not be delivered any more (RFC 2852 4.1.3, mode R)."""
        wish = deliver_by_of(self.parameters)
        return wish is not None and wish.is_returned and now >= self.received_at + wish.seconds


class Jobs(Protocol):
    """What an agent is given: the due work of one lane, one message at a time."""

    @property
    def lane(self) -> str:
        """The destination."""

    async def next(self) -> Job | None:
        """The next job. None: nothing more is due; finish, and close the connection."""

    async def done(self, job: Job, outcomes: Mapping[int, Outcome]) -> None:
        """Record what became of the recipients, by their ids. Durable when it returns.

        Those not named are delayed. Raises DatabaseTrouble when it cannot be recorded; then the job is due again.
        """

    async def lane_down(self, reply: Reply, because: str, remote: str | None = None) -> None:
        """The destination cannot be reached at all. The job in hand is due again when the lane is.

        `remote` names the host that said `reply`, if one was reached that far.
        """


class DeliveryAgent(Protocol):
    """Delivers the mail of one lane. What it raises delays the job in hand and is logged as our own fault."""

    async def deliver(self, jobs: Jobs) -> None:
        """Work until `jobs.next()` gives None."""
