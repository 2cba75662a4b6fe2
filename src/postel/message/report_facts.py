"""What a report tells, before anybody words it.

Gives       Action, RecipientReport, ReportFacts, message_id_of.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final

from postel.mail import Mailbox, Reply, Status
from postel.message.header import HeaderBlock

_MESSAGE_ID: Final = re.compile(r"<[!-;=?-~]{1,400}@[!-;=?-~]{1,400}>")


class Action(enum.StrEnum):
    """What became of one recipient: RFC 3464 2.3.3."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"  # on to a server that gives no reports about success
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientReport:
    """One recipient of the report.

    mailbox             the address that the last attempt was for.
    action              what became of it.
    reply               the reply that settled it: the remote server's where `remote` names one, else our own.
    original            the address before aliases; None when the same.
    original_recipient  the value of the ORCPT parameter as it was given, `rfc822;kitt@free.org` in xtext.
    remote              the server that gave `reply`, for people and machines: a host name, or an address in
                        brackets; None when it is our own.
    status              when it says more than the reply's own (expired: 5.4.7).
    last_attempt_at     Unix seconds; None when nothing was tried.
    retry_until_at      for delayed: when we shall give up, Unix seconds.
    """

    mailbox: Mailbox
    action: Action
    reply: Reply
    original: Mailbox | None = None
    original_recipient: str | None = None
    remote: str | None = None
    status: Status | None = None
    last_attempt_at: float | None = None
    retry_until_at: float | None = None

    @property
    def best_status(self) -> Status:
        """The status for the machine part, its class as the action demands (RFC 3464 2.3.4)."""
        found = self.status or self.reply.best_status
        klass = {Action.FAILED: 5, Action.DELAYED: 4}.get(self.action, 2)
        return Status(klass, found.subject, found.detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """Everything a report is made of.

    hostname      ours, in Reporting-MTA and as the domain of the report's own Message-ID.
    report_id     unique text (the report's queue id).
    composed_at   now, Unix seconds.
    to            the reverse path that the message came with; never null (RFC 5321 6.1).
    recipients    those the report is about; at least one.
    head          the header section of the message.
    arrived_at    when we took the message, Unix seconds.
    content       the whole message when it is small enough to return and RET does not forbid it, else None.
    envelope_id   the value of the ENVID parameter as it was given, in xtext; None without.
    queue_id      of the message, for those who ask its postmaster about it.
    is_smtputf8   whether the message came with SMTPUTF8.
    deliver_by_at when it wanted to be delivered (RFC 2852), Unix seconds; None: it did not say.
    release_request  the wish for a later release (RFC 4865), as `for;3600`; None without.
    postmaster    whom a reply to the report reaches; None for postmaster@hostname.
    """

    hostname: str
    report_id: str
    composed_at: float
    to: Mailbox
    recipients: tuple[RecipientReport, ...]
    head: bytes
    arrived_at: float
    content: bytes | None = None
    envelope_id: str | None = None
    queue_id: str = ""
    is_smtputf8: bool = False
    deliver_by_at: float | None = None
    release_request: str | None = None
    postmaster: Mailbox | None = None


def message_id_of(head: bytes) -> str | None:
    """The Message-ID, where it is one that may be repeated in a field of ours."""
    value = HeaderBlock.parse(head).get("Message-ID") or ""
    return value if _MESSAGE_ID.fullmatch(value) else None
