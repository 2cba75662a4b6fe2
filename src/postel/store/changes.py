"""Who wants to know that stored mailboxes have changed: the place where they are told.

Gives       Changes.
Not here    What changed: whoever is told looks it up, since the mod-sequence says from where.

Those who watch are called on the loop once the change is durable, by whatever process it was made. Where thousands
watch one mailbox they are called some at a time, for each then looks the change up, and others have their turn between.
"""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import islice
from typing import Final

from postel.database import Action, Database, Transaction

_AT_ONCE: Final = 50  # some milliseconds of work for sessions that tell their clients


class _Crowd:
    """All who watch one thing. A change while some have not been told of the last one is told to everybody again."""

    def __init__(self) -> None:
        self.hear_no_more: Action = lambda: None
        self._actions: dict[object, Action] = {}
        self._due: dict[object, Action] = {}  # of those who are still to be told, in order

    def add(self, action: Action) -> object:
        """One more: what to remove it by."""
        key = object()
        self._actions[key] = action
        return key

    def remove(self, key: object) -> bool:
        """Whether nobody is left."""
        self._actions.pop(key, None)
        self._due.pop(key, None)
        return not self._actions

    def tell(self) -> None:
        """Something has changed."""
        is_telling = bool(self._due)
        self._due.update(self._actions)
        if not is_telling:
            self._tell_some()

    def _tell_some(self) -> None:
        loop = asyncio.get_running_loop()
        for key in list(islice(self._due, _AT_ONCE)):
            action = self._due.pop(key, None)  # an action may have ended another's watch
            if action is not None:
                _call(loop, action)
        if self._due:
            loop.call_soon(self._tell_some)


class Changes:
    """Watches by mailbox, for what is in it; by account, for which it has; by identifier, for what it may see."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._crowds: dict[str, _Crowd] = {}

    def watch_mailbox(self, mailbox_id: int, action: Action) -> Action:
        """Call `action` after changes to what is in a mailbox; what is returned ends that."""
        return self._watch(_mailbox(mailbox_id), action)

    def watch_tree(self, account_id: int, action: Action) -> Action:
        """Call `action` when mailboxes are made, renamed, deleted or subscribed, or get other rights or annotations."""
        return self._watch(_tree(account_id), action)

    def watch_rights(self, identifier: str, action: Action) -> Action:
        """Call `action` when anybody gives rights to an identifier, or takes them back."""
        return self._watch(_rights(identifier), action)

    def publish(self, tx: Transaction, mailbox_id: int) -> None:
        """Tell those who watch this mailbox once the transaction is durable."""
        tx.announce(_mailbox(mailbox_id))

    def publish_tree(self, tx: Transaction, account_id: int) -> None:
        """Tell those who watch the tree of this account once the transaction is durable."""
        tx.announce(_tree(account_id))

    def publish_rights(self, tx: Transaction, identifier: str) -> None:
        """Tell those who watch the rights of this identifier once the transaction is durable."""
        tx.announce(_rights(identifier))

    @property
    def is_watched(self) -> bool:
        """Whether anybody watches anything."""
        return bool(self._crowds)

    def close(self) -> None:
        """Nobody is told any more."""
        while self._crowds:
            self._crowds.popitem()[1].hear_no_more()

    def _watch(self, channel: str, action: Action) -> Action:
        crowd = self._crowds.get(channel)
        if crowd is None:
            crowd = self._crowds[channel] = _Crowd()
            crowd.hear_no_more = self._database.hear(channel, crowd.tell)
        return partial(self._unwatch, channel, crowd, crowd.add(action))

    def _unwatch(self, channel: str, crowd: _Crowd, key: object) -> None:
        if crowd.remove(key) and self._crowds.get(channel) is crowd:
            del self._crowds[channel]
            crowd.hear_no_more()


def _call(loop: asyncio.AbstractEventLoop, action: Action) -> None:
    """At once, so that who watches knows before who made the change; one that raises takes nobody's turn."""
    try:
        action()
    except Exception as fault:
        loop.call_exception_handler({"message": "who watches a mailbox", "exception": fault})


def _mailbox(mailbox_id: int) -> str:
    return f"mailbox {mailbox_id}"


def _tree(account_id: int) -> str:
    return f"mailboxes of {account_id}"


def _rights(identifier: str) -> str:
    return f"rights of {identifier}"
