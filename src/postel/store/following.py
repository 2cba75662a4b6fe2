"""Work in the background that follows what is announced: some at a time, with rests between.

Gives       Follower.
Not here    What is done, and how far it has come: indexer, fulltext.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from postel.database import Database, DatabaseTrouble

Batch: TypeAlias = Callable[[], Awaitable[bool]]
"""Do some of the work; whether there may be more. Raises DatabaseTrouble."""

_AGAIN_S: Final = 10.0  # after trouble with the database
_REST_IDLE: Final = 1.0  # times as long as the work took: half of the time at most
_REST_BUSY: Final = 4.0  # while more comes in
_GATHERINGS: Final = 5  # one after the other, at most: while more comes in
_REST_LIMIT_S: Final = 2.0  # a batch that a busy disk held up is no reason to do nothing for long


class Follower:
    """One task that does the batches of a work as long as there are any, then waits for its channel.

    gather_s    once something was announced, it waits until nothing more has come for so long, or for five times that:
                what comes in goes first.
    on_trouble  told of trouble with the database, before it is tried again.
    """

    def __init__(
        self,
        database: Database,
        channel: str,
        batch: Batch,
        on_trouble: Callable[[DatabaseTrouble], None],
        *,
        gather_s: float = 0.0,
    ) -> None:
        self._database = database
        self._channel = channel
        self._batch = batch
        self._on_trouble = on_trouble
        self._gather_s = gather_s
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin where the last one ended."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"follower of {self._channel}")

    async def close(self) -> None:
        """Stop; what was begun is begun again."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def catch_up(self) -> None:
        """Do what there is. Raises DatabaseTrouble."""
        while await self._batch():
            await asyncio.sleep(0)

    async def _run(self) -> None:
        end = self._database.hear(self._channel, self._more.set)
        try:
            while True:
                try:
                    await self._follow()
                except DatabaseTrouble as trouble:
                    self._on_trouble(trouble)
                    await asyncio.sleep(_AGAIN_S)
        finally:
            end()

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._more.clear()
            began_s = loop.time()
            if await self._batch():
                rest = _REST_BUSY if self._more.is_set() else _REST_IDLE
                await asyncio.sleep(min((loop.time() - began_s) * rest, _REST_LIMIT_S))
            else:
                await self._gather()

    async def _gather(self) -> None:
        await self._more.wait()
        for _ in range(_GATHERINGS):
            self._more.clear()
            await asyncio.sleep(self._gather_s)
            if not self._more.is_set():
                return
