"""Deliver what stays here: into mailboxes, and through aliases to new recipients.

Implements  RFC 5321 3.9.1 (aliases), 4.4 (Return-Path at final delivery), 6.3 (loops), RFC 9228 4 (Delivered-To),
            RFC 9051 2.3.3 (internal date), RFC 3030 3 (binary content).
Asks        routing, through `decide`: what becomes of this mailbox?
Gives       MailboxAgent, MailboxOptions.
Not here    The rules: routing. Tables: store.

A recipient's message appears in the mailbox in the transaction that takes the recipient out of the queue, so it is
neither lost nor there twice. Where mailboxes are all there is to a message, that is the one that accepts it. Content is
shared; only the fields on top are each mailbox's own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias

from postel.contents import Contents, Sealed, keep
from postel.database import Transaction
from postel.delivery.fitting import domain_of
from postel.delivery.lines import InLines, in_lines
from postel.mail import Mailbox, Reply, Status
from postel.mail.replies import (
    LOOP_DETECTED,
    MAILBOX_FULL,
    MAILBOX_FULL_FOR_GOOD,
    MESSAGE_NEVER_FITS,
    SYSTEM_TROUBLE,
)
from postel.message import (
    DELIVERED_TO_LIMIT,
    RECEIVED_LIMIT,
    HeaderBlock,
    OctetDomain,
    compose_field,
    compose_return_path,
)
from postel.net import Clock
from postel.queue import (
    Delayed,
    Delivered,
    Deposit,
    Discarded,
    Effect,
    Expanded,
    Failed,
    Job,
    Jobs,
    NotNow,
    Outcome,
    QueuedRecipient,
)
from postel.routing import Decision, Discard, Expand, Refuse, ToMailbox
from postel.store import Fill, MessageFacts, OverQuota, ReadOnce, Store

Decide: TypeAlias = Callable[[Mailbox], Awaitable[Decision]]
FindAccount: TypeAlias = Callable[[str], Awaitable[int | None]]
"""The id of the account of a folded address."""

FillOf: TypeAlias = Callable[[str], Awaitable[Fill | None]]
"""How full the account of a folded address is; None: it has no limit."""

DELIVERED_BEFORE: Final = Reply(554, Status(5, 4, 6), "Mail loop: delivered to this address before")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxOptions:
    """Limits of local delivery.

    head_bytes      how much of a content is looked at for its header.
    hops            Received fields before a message is taken for a loop; at least 100 (RFC 5321 6.3). More than
                    the servers let in, or what they have taken would come back as a report.
    returns_when_full  whether mail for a mailbox that is full comes back at once; else it waits.
    deliveries      Delivered-To fields for one address before that; not less than the servers let in.
    """

    head_bytes: int = 64 * 1024
    hops: int = RECEIVED_LIMIT + 1
    deliveries: int = DELIVERED_TO_LIMIT
    returns_when_full: bool = False


@dataclass(frozen=True, slots=True)
class _Head:
    """What local delivery wants to know of a message's header."""

    hops: int
    delivered_to: Sequence[str]
    is_ascii: bool


_Reading: TypeAlias = Callable[[], Awaitable[ReadOnce | None]]


class _Copies:
    """The copies of one job: none twice for one account, though several recipients may lead to it.

    content_id  of what is kept, where it has one yet.
    reading     reads what is kept.
    lines       what is kept in place of a binary content.
    """

    def __init__(
        self, store: Store, content_id: int, reading: _Reading, lines: InLines | None = None
    ) -> None:
        self.content_id = content_id
        self._store = store
        self._reading = reading
        self._lines = lines
        self._read: ReadOnce | None = None
        self._lines_id = 0
        self._tx: Transaction | None = None
        self._reached: set[int] = set()

    async def read(self) -> None:
        """Read what is kept, once, so that it need not be read again when somebody looks."""
        if self._read is None:
            self._read = await self._reading()

    async def append(self, tx: Transaction, account_id: int, facts: MessageFacts) -> None:
        """Store a copy, unless this transaction has stored one. A new one begins anew: it is a new try."""
        if tx is not self._tx:
            self._tx, self._reached = tx, set()
            if self._lines is not None:
                self._lines_id = await keep(
                    tx, self._lines.sealed, holders=0
                )  # the store is its first holder
        if account_id not in self._reached:
            self._reached.add(account_id)
            await self._store.append(tx, account_id, self._as_kept(facts))

    def _as_kept(self, facts: MessageFacts) -> MessageFacts:
        if self._lines is None:
            return replace(facts, content_id=self.content_id, read=self._read)
        size_bytes = self._lines.sealed.size_bytes
        return replace(facts, content_id=self._lines_id, content_size_bytes=size_bytes, read=self._read)


class MailboxAgent:
    """The agent of the lane `local`."""

    def __init__(
        self,
        decide: Decide,
        find_account: FindAccount,
        store: Store,
        contents: Contents,
        clock: Clock,
        options: MailboxOptions | None = None,
        fill: FillOf | None = None,
    ) -> None:
        self._decide = decide
        self._find_account = find_account
        self._store = store
        self._contents = contents
        self._clock = clock
        self._options = options or MailboxOptions()
        self._fill = fill

    async def deliver(self, jobs: Jobs) -> None:
        """Work until nothing is due."""
        while (job := await jobs.next()) is not None:
            lines = await in_lines(self._contents, job)
            try:
                await jobs.done(job, await self._work(job, lines))
            finally:
                if lines is not None:
                    await lines.draft.discard()

    async def at_once(self, job: Job, content: bytes) -> Deposit | None:
        """What puts a message that has just come into the mailboxes of all its recipients.

        None where anything else has to be done or said: then it goes by the queue, and `deliver`.
        """
        head = _head_of(content[: self._options.head_bytes])
        if head.hops > self._options.hops or domain_of(job.parameters) is OctetDomain.BINARY:
            return None
        copies = _Copies(self._store, 0, partial(self._store.index.of, Sealed(content)))
        effects: list[Effect] = []
        for recipient in job.recipients:
            outcome = await self._outcome(job, recipient, head, copies)
            if not isinstance(outcome, Delivered) or outcome.effect is None:
                return None
            effects.append(outcome.effect)

        async def deposit(tx: Transaction, content_id: int) -> None:
            copies.content_id = content_id
            for effect in effects:
                await effect(tx)

        return deposit

    def _reading(self, job: Job, lines: InLines | None) -> _Reading:
        index = self._store.index
        return (
            partial(index.of_content, job.content_id, job.size_bytes)
            if lines is None
            else partial(index.of, lines.sealed)
        )

    async def _work(self, job: Job, lines: InLines | None) -> dict[int, Outcome]:
        head = await self._head(job)
        if head.hops > self._options.hops:
            failed = Failed(LOOP_DETECTED, because=f"{head.hops} Received fields")
            return {recipient.id: failed for recipient in job.recipients}
        copies = _Copies(self._store, job.content_id, self._reading(job, lines), lines)
        return {r.id: await self._outcome(job, r, head, copies) for r in job.recipients}

    async def _outcome(self, job: Job, recipient: QueuedRecipient, head: _Head, copies: _Copies) -> Outcome:
        """What becomes of one recipient."""
        route = (await self._decide(recipient.mailbox)).route
        match route:
            case ToMailbox():
                return await self._to_mailboxes(job, recipient, (route,), head, copies)
            case Expand((), members):
                return Expanded(members)
            case Expand(mailboxes, members):
                kept = await self._to_mailboxes(job, recipient, mailboxes, head, copies)
                if not members or not isinstance(kept, Delivered):
                    return kept
                return Expanded(members, effect=kept.effect)
            case Refuse(reply, because):
                return (
                    Delayed(reply, because=because) if reply.is_transient else Failed(reply, because=because)
                )
            case Discard():
                return Discarded("the route says so")
            case _:
                # A reload is about to move the recipient to the lane where it belongs now.
                return Delayed(SYSTEM_TROUBLE, because=f"{route} is no route of this lane")

    async def _to_mailboxes(
        self,
        job: Job,
        recipient: QueuedRecipient,
        routes: Sequence[ToMailbox],
        head: _Head,
        copies: _Copies,
    ) -> Outcome:
        """One copy for each account, by one effect."""
        wanted: list[tuple[int, MessageFacts]] = []
        for route in routes:
            if self._is_loop(route.account, head):
                return Failed(DELIVERED_BEFORE, because=f"delivered to {route.account} again and again")
            account_id = await self._find_account(route.account)
            if account_id is None:
                return Delayed(SYSTEM_TROUBLE, because=f"the account {route.account} has just gone")
            facts = self._facts(job, recipient, route, head)
            if full := await self._no_room(route.account, len(facts.prefix) + job.size_bytes):
                return full
            wanted.append((account_id, facts))
        await copies.read()

        async def effect(tx: Transaction) -> None:
            for account_id, facts in wanted:
                try:
                    await copies.append(tx, account_id, facts)
                except OverQuota as over:  # another delivery took the room since we looked
                    raise NotNow(MAILBOX_FULL, because=str(over)) from over

        return Delivered(effect)

    async def _no_room(self, account: str, size_bytes: int) -> Delayed | Failed | None:
        """RFC 3463 3.3: what can never fit fails; else people clear their mailboxes, and the mail waits for that.

        Of deliveries that are under way side by side the store takes what fits: the others are tried again.
        """
        fill = await self._fill(account) if self._fill is not None else None
        if fill is None or fill.has_room(size_bytes):
            return None
        because = f"{account} stores {fill}"
        if fill.never_fits(size_bytes):
            return Failed(MESSAGE_NEVER_FITS, because=because)
        if self._options.returns_when_full:
            return Failed(MAILBOX_FULL_FOR_GOOD, because=because)
        return Delayed(MAILBOX_FULL, because=because)

    def _facts(self, job: Job, recipient: QueuedRecipient, route: ToMailbox, head: _Head) -> MessageFacts:
        prefix = compose_prefix(job, recipient, route.account)
        is_utf8_head = job.asks_smtputf8 and not head.is_ascii
        return MessageFacts(
            content_id=job.content_id,
            content_size_bytes=job.size_bytes,
            internal_date_at=self._clock.now(),
            prefix=prefix,
            needs_utf8=is_utf8_head or not prefix.isascii(),
        )

    def _is_loop(self, account: str, head: _Head) -> bool:
        if len(head.delivered_to) < self._options.deliveries:
            return False
        count = sum(address.casefold() == account for address in head.delivered_to)
        return count >= self._options.deliveries

    async def _head(self, job: Job) -> _Head:
        reader = await self._contents.reader(job.content_id)
        return _head_of(await reader.head_of(self._options.head_bytes))


def _head_of(octets: bytes) -> _Head:
    end = octets.find(b"\r\n\r\n")
    octets = octets[:end] if end >= 0 else octets
    lower = b"\n" + octets.lower()
    delivered_to: Sequence[str] = ()
    if b"\ndelivered-to:" in lower:
        delivered_to = HeaderBlock.parse(octets).all("Delivered-To")
    return _Head(lower.count(b"\nreceived:"), delivered_to, octets.isascii())


def compose_prefix(job: Job, recipient: QueuedRecipient, account: str) -> bytes:
    """The fields that final delivery puts on top.

    RFC 9228 4: one Delivered-To for each address on the way here, the last one uppermost.
    """
    addresses = {m.folded: str(m) for m in (recipient.original, recipient.mailbox)}
    fields = [compose_return_path(job.reverse_path)]
    if account not in addresses:
        fields.append(compose_field("Delivered-To", [account]))
    fields += [compose_field("Delivered-To", [address]) for address in reversed(addresses.values())]
    return b"".join(fields)
