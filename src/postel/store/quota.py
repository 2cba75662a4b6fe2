"""How much accounts store, and may store.

Implements  RFC 9208 3 and 5 (STORAGE and MESSAGE of one quota root an account), 4.3.1 (OVERQUOTA).
Gives       Quota, Usage, Fill, QuotaOf, used, check_room.
Not here    Where the limits are kept (directory): the application joins them. Replies at RCPT: servers, delivery.

Expunged mail counts no more, though it can be had back for a time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from postel.database import Transaction
from postel.store.faults import OverQuota

_USED: Final = """
SELECT COALESCE(SUM(size_bytes), 0), COALESCE(SUM(message_count), 0) FROM stored_mailbox WHERE account_id = ?"""


@dataclass(frozen=True, slots=True)
class Quota:
    """What an account may store; None for no limit."""

    size_bytes: int | None = None
    messages: int | None = None

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit."""
        return self.size_bytes is not None or self.messages is not None


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account stores."""

    size_bytes: int
    messages: int


@dataclass(frozen=True, slots=True)
class Fill:
    """How full an account is: what it may store, and does."""

    quota: Quota
    usage: Usage

    def never_fits(self, size_bytes: int) -> bool:
        """Whether no clearing of mailboxes would make room for a message of this size."""
        return self.quota.size_bytes is not None and size_bytes > self.quota.size_bytes

    def has_room(self, size_bytes: int) -> bool:
        """Whether one more message of this size fits now."""
        quota, usage = self.quota, self.usage
        fits = quota.size_bytes is None or usage.size_bytes + size_bytes <= quota.size_bytes
        return fits and (quota.messages is None or usage.messages < quota.messages)

    def check(self, more: Usage) -> None:
        """Whether so much more fits now. Raises OverQuota."""
        quota, usage = self.quota, self.usage
        size_bytes, messages = usage.size_bytes + more.size_bytes, usage.messages + more.messages
        if quota.size_bytes is not None and size_bytes > quota.size_bytes:
            raise OverQuota("octets", quota.size_bytes, size_bytes)
        if quota.messages is not None and messages > quota.messages:
            raise OverQuota("messages", quota.messages, messages)

    def __str__(self) -> str:
        pairs = (
            (self.usage.size_bytes, self.quota.size_bytes, "octets"),
            (self.usage.messages, self.quota.messages, "messages"),
        )
        return " and ".join(f"{used} of {limit} {what}" for used, limit, what in pairs if limit is not None)


QuotaOf: TypeAlias = Callable[[Transaction, int], Awaitable[Quota]]
"""The quota of an account by its id, asked in a transaction."""


async def used(tx: Transaction, account_id: int) -> Usage:
    """What an account stores in all its mailboxes."""
    row = await tx.fetch_one(_USED, (account_id,))
    return Usage(0, 0) if row is None else Usage(*row)


async def check_room(tx: Transaction, account_id: int, more: Usage, quota: Quota) -> None:
    """Whether so much more may be stored, in the transaction that will. Raises OverQuota."""
    if quota.is_limited:
        Fill(quota, await used(tx, account_id)).check(more)
