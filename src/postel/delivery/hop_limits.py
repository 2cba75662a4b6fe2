"""How much of a message a host takes in one transaction, and how many transactions in one session.

Implements  RFC 9422 (MAILMAX, RCPTMAX, RCPTDOMAINMAX as a client), RFC 5321 4.5.3.1.10 (452, too many recipients).
Gives       HopLimits.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.smtp import Offered
from postel.queue import QueuedRecipient


@dataclass(slots=True)
class HopLimits:
    """What one session is held to.

    learned     how many recipients the host took when it said that more were too many; None: it has not.
    """

    learned: int | None = None

    def is_spent(self, offered: Offered, transactions: int) -> bool:
        """Whether the host takes no more transactions in this session."""
        most = offered.limit("MAILMAX")
        return most is not None and transactions >= most

    def first(
        self, recipients: tuple[QueuedRecipient, ...], offered: Offered
    ) -> tuple[tuple[QueuedRecipient, ...], tuple[QueuedRecipient, ...]]:
        """The recipients of one transaction, and those who are left."""
        most = min((limit for limit in (offered.limit("RCPTMAX"), self.learned) if limit), default=None)
        domains = offered.limit("RCPTDOMAINMAX")
        if (most is None or len(recipients) <= most) and domains is None:
            return recipients, ()
        now: list[QueuedRecipient] = []
        later: list[QueuedRecipient] = []
        seen: set[str] = set()
        for recipient in recipients:
            domain = recipient.mailbox.domain.ascii
            has_room = domains is None or domain in seen or len(seen) < domains
            if has_room and (most is None or len(now) < most):
                seen.add(domain)
                now.append(recipient)
            else:
                later.append(recipient)
        return tuple(now), tuple(later)
