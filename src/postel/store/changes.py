"""Who wants to know that an account's mailboxes have changed: the place where they are told.

Gives       Changes.
Not here    What changed: whoever is told looks it up, since the mod-sequence says from where.

Those who watch are called on the loop once the change is durable, by whatever process it was made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from postel.database import Database, Transaction

Action: TypeAlias = Callable[[], None]


class Changes:
    """Watches by account."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watches: set[Action] = set()  # what ends each

    def watch(self, account_id: int, action: Action) -> Action:
        """Call `action` after each change to a mailbox of the account; what is returned ends that."""
        end = self._database.hear(_channel(account_id), action)
        self._watches.add(end)

        def unwatch() -> None:
            self._watches.discard(end)
            end()

        return unwatch

    def publish(self, tx: Transaction, account_id: int) -> None:
        """Tell those who watch this account once the transaction is durable."""
        tx.announce(_channel(account_id))

    def close(self) -> None:
        """Nobody is told any more."""
        while self._watches:
            self._watches.pop()()


def _channel(account_id: int) -> str:
    return f"mail of {account_id}"
