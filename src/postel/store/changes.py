"""Who wants to know that stored mailboxes have changed: the place where they are told.

Gives       Changes.
Not here    What changed: whoever is told looks it up, since the mod-sequence says from where.

Those who watch are called on the loop once the change is durable, by whatever process it was made.
"""

from __future__ import annotations

from postel.database import Action, Database, Transaction


class Changes:
    """Watches by mailbox, for what is in it; by account, for which mailboxes it has."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watches: set[Action] = set()  # what ends each

    def watch_mailbox(self, mailbox_id: int, action: Action) -> Action:
        """Call `action` after changes to what is in a mailbox; what is returned ends that."""
        return self._watch(_mailbox(mailbox_id), action)

    def watch_tree(self, account_id: int, action: Action) -> Action:
        """Call `action` when mailboxes are made, renamed, deleted or subscribed, or get other rights or annotations."""
        return self._watch(_tree(account_id), action)

    def publish(self, tx: Transaction, mailbox_id: int) -> None:
        """Tell those who watch this mailbox once the transaction is durable."""
        tx.announce(_mailbox(mailbox_id))

    def publish_tree(self, tx: Transaction, account_id: int) -> None:
        """Tell those who watch the tree of this account once the transaction is durable."""
        tx.announce(_tree(account_id))

    def close(self) -> None:
        """Nobody is told any more."""
        while self._watches:
            self._watches.pop()()

    def _watch(self, channel: str, action: Action) -> Action:
        end = self._database.hear(channel, action)
        self._watches.add(end)

        def unwatch() -> None:
            self._watches.discard(end)
            end()

        return unwatch


def _mailbox(mailbox_id: int) -> str:
    return f"mailbox {mailbox_id}"


def _tree(account_id: int) -> str:
    return f"mailboxes of {account_id}"
