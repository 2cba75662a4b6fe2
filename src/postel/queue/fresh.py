"""What came a moment ago and waits in memory for its first attempt, and how it is filed when that is not to be.

Gives       Fresh.
Not here    The rows (queue.arrivals); the line that it waits in (queue.worklist).

Memory: `limit` messages for the whole process, and no lane takes more than is left for all the others. Who finds no
room is queued in the other tables at once.

What is dropped from memory is filed before anybody reads the tables for what is due. Who looks at the queue as a whole
(operators, the keeper, a reload, a start) has all of it filed first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from postel.database import Database, Transaction
from postel.queue.arrivals import (
    any_arrival_until,
    file_arrivals,
    file_first_arrivals,
    give_up_arrivals,
    newest_arrival,
    oldest_arrival,
)
from postel.queue.crew import ALONE, Crew
from postel.queue.ids import QueueId
from postel.queue.notes import leave_notes

_PAGE: Final = 100  # messages filed in one transaction: mail need not wait long for it


class Fresh:
    """The allowance of messages in memory, and those of them that are to be filed.

    dropped     told when one is; a helper's is for the scheduler then, and shall not wait.
    """

    def __init__(self, database: Database, limit: int) -> None:
        self._database = database
        self.crew: Crew = ALONE
        self.dropped: Callable[[], None] | None = None
        self._left = limit
        self._dropped: list[QueueId] = []
        self._filing = asyncio.Lock()

    # Room

    def has_room(self, waiting: int, at_least: int) -> bool:
        """Whether one more may wait in a lane where so many do."""
        return self._left > 0 and waiting < max(at_least, self._left)

    def take(self) -> None:
        """One more waits."""
        self._left -= 1

    def give_back(self) -> None:
        """One less."""
        self._left += 1

    # Filing

    def drop(self, queue_id: QueueId) -> None:
        """An arrival is not in memory any more. Its lane is to hear that there is work in the tables."""
        self._dropped.append(queue_id)
        if self.dropped is not None:
            self.dropped()

    @property
    def has_dropped(self) -> bool:
        """Whether something is to be filed before the tables tell all that is due."""
        return bool(self._dropped)

    async def file_dropped(self) -> None:
        """File what was dropped. Raises DatabaseTrouble: then it still is to be filed."""
        async with self._filing:
            while page := self._dropped[:_PAGE]:
                await self._database.write(partial(self._give_up, page))
                del self._dropped[: len(page)]

    async def _give_up(self, page: list[QueueId], tx: Transaction) -> None:
        if self.crew.schedules:
            await file_arrivals(tx, page)
        else:
            await leave_notes(tx, await give_up_arrivals(tx, page))

    async def file_until(self, at: float) -> None:
        """File what came until then. Raises DatabaseTrouble."""
        while (oldest_at := await self._database.read(oldest_arrival)) is not None and oldest_at <= at:
            await self._file_page()

    async def file_all(self) -> None:
        """File all that is here by now. Raises DatabaseTrouble."""
        newest = await self._database.read(newest_arrival)
        while newest is not None and await self._database.read(partial(any_arrival_until, newest=newest)):
            await self._file_page()

    async def _file_page(self) -> None:
        await self._database.write(partial(file_first_arrivals, limit=_PAGE))
        await asyncio.sleep(0)  # others want the loop too
