"""What a next hop's replies mean for the recipients.

Implements  RFC 5321 4.2.1 (4yz: not now, 5yz: never), 4.5.3.1.10 (too many recipients), 6.1 (who is
            responsible when an answer is missing), RFC 3461 5.2.1 and 5.2.2 (who reports on success).
Gives       outcomes_of, after_loss, wants_another_go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from postel.mail import Reply, Status
from postel.proto.smtp import NEXT_HOP_REFUSALS, SessionLost
from postel.queue import Delayed, Failed, Outcome, QueuedRecipient, Relayed

_TOO_MANY: Final = Status(4, 5, 3)


def outcomes_of(
    recipients: Sequence[QueuedRecipient],
    recipient_replies: Iterable[Reply],
    remote: str,
    *,
    is_reporting: bool = False,
    is_traced: bool = False,
) -> dict[int, Outcome]:
    """The outcome of each recipient, by its id. `is_reporting`: the host offers DSN; `is_traced`: the originator
    is told of this hop in any case (RFC 2852 4.1.4).
    """
    pairs = zip(recipients, recipient_replies, strict=True)
    return {
        recipient.id: _outcome(reply, remote, is_reporting=is_reporting, is_traced=is_traced)
        for recipient, reply in pairs
    }


def after_loss(
    recipients: Sequence[QueuedRecipient],
    lost: SessionLost,
    remote: str,
    *,
    is_reporting: bool = False,
    is_traced: bool = False,
) -> dict[int, Outcome]:
    """The same when the session broke: what was not decided is delayed.

    Also when only the reply to the content is missing. The server may have taken the message; then it comes
    twice. The other mistake would lose it.
    """
    nothing = Delayed(
        Reply(451, Status(4, 4, 2), f"The connection to {remote} was lost in the middle"), None, lost.because
    )
    return {
        recipient.id: _outcome(reply, remote, lost.because, is_reporting=is_reporting, is_traced=is_traced)
        if reply
        else nothing
        for recipient, reply in zip(recipients, lost.recipient_replies, strict=True)
    }


def _outcome(reply: Reply, remote: str, because: str = "", *, is_reporting: bool, is_traced: bool) -> Outcome:
    if reply.is_positive:
        return Relayed(remote, reply, is_reporting, is_traced)
    if reply in NEXT_HOP_REFUSALS:
        return Failed(reply, None, f"by what {remote} offers")
    if reply.is_transient:
        return Delayed(reply, remote, because)
    return Failed(reply, remote, because)


def wants_another_go(
    recipients: Sequence[QueuedRecipient], outcomes: Mapping[int, Outcome]
) -> tuple[QueuedRecipient, ...]:
    """Recipients beyond what the server takes in one transaction: RFC 5321 4.5.3.1.10 has them sent at once.

    None, when nobody was accepted: then another go would change nothing.
    """
    if not any(isinstance(outcome, Relayed) for outcome in outcomes.values()):
        return ()
    return tuple(recipient for recipient in recipients if _is_too_many(outcomes.get(recipient.id)))


def _is_too_many(outcome: Outcome | None) -> bool:
    return (
        isinstance(outcome, Delayed)
        and outcome.reply.code == 452
        and outcome.reply.status in (None, _TOO_MANY)
    )
