"""What routing wants to know of accounts, answered by the directory.

Gives       AccountAnswers.
"""

from __future__ import annotations

from typing import Any

from postel.directory import Directory
from postel.routing import AccountQuestion, FirstAccountQuestion
from postel.store import Store


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

    async def quota(self, address: str) -> tuple[int, int] | None:
        """How many octets the account of a folded address may store, and does; None: it has no limit."""
        account = await self._directory.find(address)
        if account is None or account.quota_bytes is None:
            return None
        return account.quota_bytes, await self._store.used_bytes(account.id)

    async def account_id(self, address: str) -> int | None:
        """The id of the account of a folded address."""
        account = await self._directory.find(address)
        return None if account is None else account.id
