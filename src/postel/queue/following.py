"""Watching what becomes of one message, as it happens.

Gives       Followers, Following.
Not here    Deciding or recording anything: what is seen here is durable already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from postel.queue.ids import QueueId
from postel.queue.job import Job
from postel.queue.recorder import Listener
from postel.queue.settle import Change, Grown


class Following:
    """What becomes of a message's recipients, one change at a time."""

    def __init__(self, recipients: int) -> None:
        self._open = recipients  # recipients of whom nothing is known yet
        self._seen: set[int] = set()
        self._changes: asyncio.Queue[Change] = asyncio.Queue()

    async def next(self) -> Change | None:
        """The next change; None when every recipient, members of aliases too, was tried once."""
        if self._open <= 0:
            return None
        change = await self._changes.get()
        self._open += len(change.members) if isinstance(change, Grown) else 0
        self._open -= change.recipient.id not in self._seen
        self._seen.add(change.recipient.id)
        return change

    def hear(self, changes: Sequence[Change]) -> None:
        """Something happened."""
        for change in changes:
            self._changes.put_nowait(change)


class Followers:
    """Those who watch messages; costs nothing while there are none.

    then    is told of everything besides.
    """

    def __init__(self, then: Listener | None) -> None:
        self._then = then
        self._by_id: dict[QueueId, Following] = {}

    def settled(self, job: Job, changes: Sequence[Change]) -> None:
        """A queue listener."""
        if self._by_id and (following := self._by_id.get(job.queue_id)) is not None:
            following.hear(changes)
        if self._then is not None:
            self._then(job, changes)

    @contextmanager
    def follow(self, queue_id: QueueId, recipients: int) -> Iterator[Following]:
        """Watch a message that is about to be accepted, with so many recipients."""
        following = self._by_id[queue_id] = Following(recipients)
        try:
            yield following
        finally:
            del self._by_id[queue_id]
