"""What the store has to do now and then, while nobody waits for it.

Implements  RFC 7162 3.2.5.2 (how long expunges are remembered is ours to say).
Gives       Housekeeping.

    messages of deleted mailboxes are kept, or removed
    what was expunged long ago is let go of
    a mailbox that remembers too many expunged UIDs forgets the older half: `pruned_modseq` says up to where, and who
    asks about a time before is told of all UIDs that are not there

Each step is a short transaction of its own, so it may be interrupted anywhere, and done by any process.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from postel.database import Database, DatabaseTrouble, Transaction
from postel.net import Clock
from postel.observe import logger
from postel.store.kept import UNTIDY, Kept
from postel.store.options import StoreOptions

EVERY_S: Final = 3600.0
_AGAIN_S: Final = 60.0  # after trouble with the database
_MAILBOXES: Final = 200  # looked at by one statement

log = logger("store")

_NEXT: Final = f"""
SELECT MAX(id) FROM (SELECT id FROM stored_mailbox WHERE id > ? ORDER BY id LIMIT {_MAILBOXES}) AS page"""
_FULL: Final = """
SELECT mailbox_id, COUNT(*) FROM stored_expunge WHERE mailbox_id > ? AND mailbox_id <= ?
GROUP BY mailbox_id HAVING COUNT(*) > ?"""
_MIDDLE: Final = """
SELECT modseq FROM stored_expunge WHERE mailbox_id = ? ORDER BY modseq LIMIT 1 OFFSET ?"""


class Housekeeping:
    """The housekeeping of one store; `start` it in one process."""

    def __init__(self, database: Database, clock: Clock, options: StoreOptions, kept: Kept) -> None:
        self._database = database
        self._clock = clock
        self.options = options
        self._kept = kept
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to do it in the background: every hour, and when somebody says that there is something to do."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="store housekeeping")

    async def close(self) -> None:
        """Stop; what is left is found the next time."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def tidy(self) -> None:
        """Do all that is to be done now. Raises DatabaseTrouble."""
        while await self._kept.bury_doomed():
            await asyncio.sleep(0)
        while await self._kept.prune(self._clock.now() - self.options.keep_s):
            await asyncio.sleep(0)
        await self._forget_expunges()

    async def _run(self) -> None:
        end = self._database.hear(UNTIDY, self._wanted.set)
        try:
            while True:
                self._wanted.clear()
                rest_s = await self._try()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wanted.wait(), rest_s)
        finally:
            end()

    async def _try(self) -> float:
        """Tidy up: how long to rest after it."""
        try:
            await self.tidy()
        except DatabaseTrouble as trouble:
            log.trouble("store_untidy", because=str(trouble))
            return _AGAIN_S
        return EVERY_S

    async def _forget_expunges(self) -> None:
        after = 0
        while (last := await self._next_mailboxes(after)) is not None:
            key = (after, last, self.options.tombstones)
            for mailbox_id, number in await self._database.read(
                lambda tx, key=key: tx.fetch_all(_FULL, key)  # type: ignore[misc]
            ):
                await self._database.write(
                    lambda tx, box=mailbox_id, half=number // 2: _forget_half(tx, box, half)  # type: ignore[misc]
                )
            after = last

    async def _next_mailboxes(self, after: int) -> int | None:
        row = await self._database.read(lambda tx: tx.fetch_one(_NEXT, (after,)))
        return None if row is None else row[0]


async def _forget_half(tx: Transaction, mailbox_id: int, number: int) -> None:
    row = await tx.fetch_one(_MIDDLE, (mailbox_id, number))
    if row is None:
        return
    await tx.execute("DELETE FROM stored_expunge WHERE mailbox_id = ? AND modseq <= ?", (mailbox_id, row[0]))
    await tx.execute("UPDATE stored_mailbox SET pruned_modseq = ? WHERE id = ?", (row[0], mailbox_id))
