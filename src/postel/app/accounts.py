"""What routing wants to know of accounts, answered by the directory.

Gives       AccountAnswers.
"""

from __future__ import annotations

from typing import Any

from postel.directory import Directory
from postel.routing import AccountQuestion, FirstAccountQuestion
from postel.store import Fill, Quota, Store


class AccountAnswers:
    """Answers AccountQuestion and FirstAccountQuestion."""

    def __init__(self, directory: Directory, store: Store) -> None:
        self._directory = directory
        self._store = store

    async def __call__(self, question: Any) -> Any:
        """Raises TypeError for any other question, DatabaseTrouble."""
        match question:
            case AccountQuestion(address):
                return await self._directory.find(address) is not None
            case FirstAccountQuestion(domain):
                first = await self._directory.first(domain)
                return None if first is None else first.mailbox.folded
        raise TypeError(f"nobody answers a {type(question).__name__} here")

    async def fill(self, address: str) -> Fill | None:
        """How full the account of a folded address is; None: it has no limit."""
        account = await self._directory.find(address)
        if account is None:
            return None
        quota = Quota(account.quota_bytes, account.quota_messages)
        return Fill(quota, await self._store.usage(account.id)) if quota.is_limited else None

    async def account_id(self, address: str) -> int | None:
        """The id of the account of a folded address."""
        account = await self._directory.find(address)
        return None if account is None else account.id
