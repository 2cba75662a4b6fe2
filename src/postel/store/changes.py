"""Who wants to know that an account's mailboxes have changed: the place where they are told.

Gives       Changes.
Not here    What changed: whoever is told looks it up, since the mod-sequence says from where.

Those who watch are called on the loop once the change is durable. A commit of another process tells nothing of
what it was about, so it wakes them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from postel.database import Database, Transaction

Action: TypeAlias = Callable[[], None]


class Changes:
    """Watches by account."""

    def __init__(self, database: Database) -> None:
        self._watches: dict[int, list[Action]] = {}
        self._unwatch = database.watch(self._wake_all)

    def watch(self, account_id: int, action: Action) -> Action:
        """Call `action` after each change to a mailbox of the account; what is returned ends that."""
        actions = self._watches.setdefault(account_id, [])
        actions.append(action)

        def unwatch() -> None:
            actions.remove(action)
            if not actions:
                self._watches.pop(account_id, None)

        return unwatch

    def publish(self, tx: Transaction, account_id: int) -> None:
        """Tell those who watch this account once the transaction is durable."""
        tx.after_commit(lambda: self._wake(account_id))

    def close(self) -> None:
        """Hear of other processes no more."""
        self._unwatch()

    def _wake(self, account_id: int) -> None:
        for action in list(self._watches.get(account_id, ())):
            action()

    def _wake_all(self) -> None:
        for account_id in list(self._watches):
            self._wake(account_id)
