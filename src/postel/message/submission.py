"""What a submitted message lacks, and completing it.

Implements  RFC 6409 8.1 to 8.3 (Sender, Date, Message-ID), RFC 5322 3.6 (how often each field may stand), 3.6.2
            (several authors need a Sender).
Gives       SubmittedHeader, inspect_submission, SubmissionFacts, complete_submission.
Not here    What is done about what is wrong (the policy of submission is in servers). Nothing that the author wrote
            is ever rewritten: only fields that are missing are added.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from postel.mail import Mailbox
from postel.message.addresses import addresses_of
from postel.message.dates import format_date
from postel.message.fields import compose_field, make_message_id
from postel.message.header import HeaderBlock

# RFC 5322 3.6: the fields that may stand once at most.
ONCE: Final = (
    "Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Message-ID", "In-Reply-To", "References", "Subject",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedHeader:
    """Who a header section says that the message is from, and what is wrong with it.

    authors             the addresses of From.
    sender              the address of Sender; None without.
    resenders           the addresses of the latest Resent-From and Resent-Sender: who answers for a message that
                        somebody else wrote (RFC 5322 3.6.6).
    missing             of Date, From, Message-ID those that are not there.
    repeated            fields that stand more often than they may.
    is_readable         whether those address fields were understood wholly. Where not, another program may read
                        another author than we do.
    malformed_lines     lines that are no header field.
    """

    authors: tuple[Mailbox, ...]
    sender: Mailbox | None
    resenders: tuple[Mailbox, ...]
    missing: tuple[str, ...]
    repeated: tuple[str, ...]
    is_readable: bool
    malformed_lines: int

    @property
    def is_resent(self) -> bool:
        """Whether somebody sends on what another has written."""
        return bool(self.resenders)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionFacts:
    """What fields are made of.

    account         the address of the account that is logged in; None for a client trusted by its network.
    hostname        ours, for the Message-ID.
    queue_id        unique text, for the same.
    submitted_at    Unix seconds.
    adds_sender     whether to name the account in Sender when From is somebody else (RFC 6409 8.1: MAY). A Sender
                    that RFC 5322 3.6.2 demands, for several authors, is added in any case.
    """

    account: Mailbox | None
    hostname: str
    queue_id: str
    submitted_at: float
    adds_sender: bool = False


def inspect_submission(header: HeaderBlock) -> SubmittedHeader:
    """Read what matters of a submitted header section. Raises nothing."""
    authors = addresses_of(header, "From")
    senders = addresses_of(header, "Sender")
    resent = [addresses_of(_first_of(header, name), name) for name in ("Resent-From", "Resent-Sender")]
    return SubmittedHeader(
        authors=authors.mailboxes,
        sender=senders.mailboxes[0] if senders.mailboxes else None,
        resenders=tuple(mailbox for one in resent for mailbox in one.mailboxes),
        missing=tuple(name for name in ("Date", "From", "Message-ID") if not header.count(name)),
        repeated=tuple(name for name in ONCE if header.count(name) > 1),
        is_readable=all(one.is_whole for one in (authors, senders, *resent)),
        malformed_lines=sum(field.is_malformed for field in header.fields),
    )


def complete_submission(header: HeaderBlock, facts: SubmissionFacts) -> bytes:
    """The fields to put before the header section, each with its CRLF; empty when nothing is missing."""
    return b"".join(_missing_fields(header, facts))


def _missing_fields(header: HeaderBlock, facts: SubmissionFacts) -> Iterator[bytes]:
    if not header.count("Date"):
        yield compose_field("Date", [format_date(facts.submitted_at)])
    if not header.count("Message-ID"):
        yield compose_field("Message-ID", [make_message_id(facts.queue_id, facts.hostname)])
    if facts.account is None:
        return
    if not header.count("From"):
        yield compose_field("From", [f"<{facts.account}>"])
    elif not header.count("Sender") and _needs_sender(header, facts.account, facts.adds_sender):
        yield compose_field("Sender", [f"<{facts.account}>"])


def _needs_sender(header: HeaderBlock, account: Mailbox, adds_sender: bool) -> bool:
    authors = addresses_of(header, "From").mailboxes
    if len(authors) > 1:
        return True
    return adds_sender and bool(authors) and authors[0].folded != account.folded


def _first_of(header: HeaderBlock, name: str) -> HeaderBlock:
    return HeaderBlock(header.named(name)[:1])
