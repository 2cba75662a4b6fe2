"""What routing wants to know of accounts, answered by the directory.

Gives       AccountAnswers.
"""

from __future__ import annotations

from typing import Any

from postel.directory import Directory
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
                first = await self._directory.first(domain)
                return None if first is None else first.mailbox.folded
        raise TypeError(f"nobody answers a {type(question).__name__} here")

    async def account_id(self, address: str) -> int | None:
        """The id of the account of a folded address."""
        account = await self._directory.find(address)
        return None if account is None else account.id
