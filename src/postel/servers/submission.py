"""Submission: whose name a message may bear, and what it still lacks.

Implements  RFC 6409 6.1 (submission rights), 8.1 to 8.3 (Sender, Date, Message-ID), RFC 5322 3.6.2 (From, Sender),
            RFC 4954 5 (whose word in AUTH= counts).
Gives       Owns, believed, check_author, complete.
Not here    Reading header fields: message. Login before mail: proto.smtp.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from postel.hooks import Refuse
from postel.mail import BadSyntax, Mailbox, Parameters, Reply, Status, parse_mailbox, parse_xtext
from postel.message import (
    HeaderBlock,
    SubmissionFacts,
    SubmittedHeader,
    complete_submission,
    inspect_submission,
)

Owns: TypeAlias = Callable[[Mailbox, Mailbox], Awaitable[bool]]
"""Whether an account (its address first) may write under an address."""

NOT_YOUR_AUTHOR: Final = Reply(550, Status(5, 7, 1), "From or Sender must be an address of yours")
AUTHOR_REPEATED: Final = Reply(554, Status(5, 6, 0), "From and Sender may stand once each")
AUTHOR_UNREADABLE: Final = Reply(554, Status(5, 6, 0), "The From or Sender field cannot be read")

_AUTHOR_FIELDS: Final = frozenset({"From", "Sender"})


def believed(parameters: Parameters, account: Mailbox | None) -> Parameters:
    """RFC 4954 5: AUTH= counts where a client names itself; of anybody else it is taken for AUTH=<>."""
    value = parameters.get("AUTH")
    if value is None or value == "<>" or _names(value, account):
        return parameters
    return {**parameters, "AUTH": "<>"}


def _names(value: str, account: Mailbox | None) -> bool:
    try:
        return account is not None and parse_mailbox(parse_xtext(value)).folded == account.folded
    except BadSyntax:
        return False


async def check_author(header: HeaderBlock, account: Mailbox, owns: Owns) -> Refuse | None:
    """RFC 6409 6.1: one of those who answer for the message must be the account. None: it is.

    A message without From is fine: it is given one.
    """
    found = inspect_submission(header)
    # Another reader may take another of two fields, or read otherwise what we cannot, and see another author.
    if not _AUTHOR_FIELDS.isdisjoint(found.repeated):
        return Refuse(AUTHOR_REPEATED, because=f"{account} repeats {', '.join(found.repeated)}")
    if not found.is_readable:
        return Refuse(AUTHOR_UNREADABLE, because=f"From {header.get('From')!r}")
    names = _who_answers(found)
    for mailbox in names:
        if await owns(account, mailbox):
            return None
    if not found.authors and "From" in found.missing and not names:
        return None
    return Refuse(NOT_YOUR_AUTHOR, because=f"{account} is none of {', '.join(map(str, names)) or 'nobody'}")


def _who_answers(found: SubmittedHeader) -> tuple[Mailbox, ...]:
    """RFC 5322 3.6.2: the authors and the Sender; 3.6.6: of a resent message those who resend it."""
    if found.is_resent:
        return found.resenders
    return found.authors + ((found.sender,) if found.sender else ())


def complete(
    head: bytes, account: Mailbox | None, *, hostname: str, queue_id: str, submitted_at: float
) -> bytes:
    """The fields that the message lacks, to stand before its own."""
    header = HeaderBlock.parse(head)
    facts = SubmissionFacts(account=account, hostname=hostname, queue_id=queue_id, submitted_at=submitted_at)
    return complete_submission(header, facts)
