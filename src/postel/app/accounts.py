"""What routing wants to know of accounts, answered by the directory.

Gives       AccountAnswers.
"""

from __future__ import annotations

from typing import Any

from postel.directory import Account, Directory
from postel.routing import AccountQuestion, FirstAccountQuestion


class AccountAnswers:
    """Answers AccountQuestion and FirstAccountQuestion."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def __call__(self, question: Any) -> Any:
        """Raises TypeError for any other question, DatabaseTrouble."""
        match question:
            case AccountQuestion(address):
                return await self._directory.find(address) is not None
            case FirstAccountQuestion(domain):
                return self._first(await self._directory.list(), domain)
        raise TypeError(f"nobody answers a {type(question).__name__} here")

    async def account_id(self, address: str) -> int | None:
        """The id of the account of a folded address."""
        account = await self._directory.find(address)
        return None if account is None else account.id

    @staticmethod
    def _first(accounts: tuple[Account, ...], domain: str) -> str | None:
        """The account made first at the domain, or else at all."""
        here = [account for account in accounts if account.mailbox.domain.ascii == domain]
        oldest = min(here or accounts, key=lambda account: account.id, default=None)
        return None if oldest is None else oldest.mailbox.folded
