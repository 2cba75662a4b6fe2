"""Delivery reports: who hears what, as a new message for the queue.

Implements  RFC 3461 5.2, 6 (when, to whom, what is returned), RFC 5321 6.1 and 4.5.5 (none about a null reverse
            path, and with a null one).
Gives       Notice, Report, Reports, notices_of.
Not here    The words and the form of a report (message.compose_report).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from postel.contents import ContentMissing, Contents, Draft
from postel.mail import (
    Envelope,
    ForwardPath,
    Mailbox,
    Parameters,
    Recipient,
    Reply,
    ReversePath,
    Status,
    release_request,
)
from postel.message import Action, RecipientReport, ReportFacts, compose_report, report_parameters
from postel.net import Clock
from postel.observe import logger
from postel.queue.ids import QueueIds
from postel.queue.job import Job, NewMessage, Origin, QueuedRecipient
from postel.queue.notify import returns_content, wants_nothing, wants_report
from postel.queue.options import QueueOptions
from postel.queue.settle import Change, Grown, Settled

log = logger("queue")
_INHERITED: Final = ("MT-PRIORITY", "REQUIRETLS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What there is to say about one recipient."""

    recipient: QueuedRecipient
    action: Action
    reply: Reply
    remote: str | None = None
    status: Status | None = None
    last_attempt_at: float | None = None
    retry_until_at: float | None = None


def notices_of(changes: Iterable[Change], now: float) -> list[Notice]:
    """What the originator wants to hear of these changes."""
    return [notice for change in changes if (notice := _notice_of(change, now))]


def _notice_of(change: Change, now: float) -> Notice | None:
    match change:
        case Settled(recipient=recipient, action=action) if action is not None:
            if not _is_wanted(change, action):
                return None
            return Notice(
                recipient=recipient,
                action=action,
                reply=change.reply,
                remote=change.remote,
                status=change.status,
                last_attempt_at=now,
            )
        case Grown(recipient=recipient, copies=copies) if copies > 1:
            # RFC 3461 5.2.7.3 (c): only for SUCCESS, and only when it leads to more than one.
            return _expanded(recipient, now)
        case _:
            return None


def _is_wanted(change: Settled, action: Action) -> bool:
    parameters = change.recipient.parameters
    if change.is_traced and not wants_nothing(parameters):
        return True  # RFC 2852 4.1.4: whether or not success was asked about
    return not change.is_reported_elsewhere and wants_report(parameters, action)


@dataclass(frozen=True, slots=True)
class Report:
    """A report that wants to be queued; if it is not, its draft is to be discarded."""

    message: NewMessage
    draft: Draft
    about: frozenset[int]


class Reports:
    """Composes reports from what the queue knows and what the content's head says."""

    def __init__(self, contents: Contents, clock: Clock, options: QueueOptions, ids: QueueIds) -> None:
        self.options = options
        self._contents = contents
        self._clock = clock
        self._ids = ids

    async def compose(self, about: Job, notices: Sequence[Notice]) -> Report | None:
        """A report with sealed content, or None when nobody may or wants to hear. Raises DatabaseTrouble."""
        if not notices:
            return None
        to = about.reverse_path.mailbox
        if to is None:
            _log_dropped(about, notices)
            return None
        now, queue_id = self._clock.now(), self._ids.next()
        facts = await self._facts(about, notices, to, str(queue_id), now)
        octets = compose_report(facts)
        draft = self._contents.draft()
        await draft.write(octets)
        parameters = {**report_parameters(facts, octets), **_inherited(about)}
        envelope = Envelope(ReversePath.NULL, (Recipient(ForwardPath.of(to)),), parameters)
        message = NewMessage(
            queue_id=queue_id,
            envelope=envelope,
            content=await draft.seal(),
            received_at=now,
            origin=Origin(protocol="report"),
        )
        return Report(message, draft, frozenset(notice.recipient.id for notice in notices))

    async def _facts(
        self, about: Job, notices: Sequence[Notice], to: Mailbox, report_id: str, now: float
    ) -> ReportFacts:
        # RFC 3461 4.3, 6.2: the content comes back only with a failure.
        has_failed = any(notice.action is Action.FAILED for notice in notices)
        head, content = await self._returned(about, has_failed=has_failed)
        wish = about.deliver_by
        return ReportFacts(
            hostname=self.options.hostname,
            report_id=report_id,
            composed_at=now,
            to=to,
            recipients=tuple(_recipient_report(notice) for notice in notices),
            head=head,
            arrived_at=about.received_at,
            content=content,
            envelope_id=about.parameters.get("ENVID"),
            queue_id=str(about.queue_id),
            is_smtputf8=about.asks_smtputf8,
            deliver_by_at=about.received_at + wish.seconds if wish else None,
            release_request=release_request(about.parameters),
        )

    async def _returned(self, about: Job, *, has_failed: bool) -> tuple[bytes, bytes | None]:
        """The head, and the whole content where it may be returned."""
        is_small = about.size_bytes <= self.options.return_limit_bytes
        try:
            reader = await self._contents.reader(about.content_id)
            if not (has_failed and is_small and returns_content(about.parameters)):
                return await reader.head_of(self.options.head_limit_bytes), None
            async with aclosing(reader.chunks()) as chunks:
                whole = b"".join([chunk async for chunk in chunks])
        except ContentMissing as missing:
            # An operator removed it a moment ago, or it is lost: who wrote it hears of the failure all the same.
            log.trouble("report_without_content", id=about.queue_id, because=missing)
            return b"", None
        return whole[: self.options.head_limit_bytes], whole


def _inherited(about: Job) -> Parameters:
    """RFC 6710 4.6: a report travels with the priority of its message; RFC 8689 5: and as well protected."""
    return {name: about.parameters[name] for name in _INHERITED if name in about.parameters}


def _expanded(recipient: QueuedRecipient, now: float) -> Notice | None:
    if not wants_report(recipient.parameters, Action.EXPANDED):
        return None
    return Notice(
        recipient=recipient,
        action=Action.EXPANDED,
        reply=Reply(250, Status(2, 0, 0), "Passed on to the members of the alias"),
        last_attempt_at=now,
    )


def _recipient_report(notice: Notice) -> RecipientReport:
    recipient = notice.recipient
    return RecipientReport(
        mailbox=recipient.mailbox,
        action=notice.action,
        reply=notice.reply,
        original=recipient.original if recipient.original != recipient.mailbox else None,
        original_recipient=recipient.parameters.get("ORCPT"),
        remote=notice.remote,
        status=notice.status,
        last_attempt_at=notice.last_attempt_at,
        retry_until_at=notice.retry_until_at,
    )


def _log_dropped(about: Job, notices: Sequence[Notice]) -> None:
    """RFC 5321 6.1: nobody is told; the operator reads it here."""
    for notice in notices:
        if notice.action is Action.FAILED:
            log.trouble(
                "report_dropped", id=about.queue_id, recipient=notice.recipient.mailbox, reply=notice.reply
            )
