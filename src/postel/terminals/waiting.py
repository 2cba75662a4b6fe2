"""Wait for messages, in any process that has the database open: the side of `postel terminal`.

Implements  RFC 821 3.4 (a user who is active, and accepts messages: by running this).
Gives       open_terminal, Terminal.
Not here    Printing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Final

from postel.database import Database, Transaction
from postel.net import Clock
from postel.terminals.live import CHANNEL, TerminalMessage

RENEW_S: Final = 30.0

_OPEN: Final = "INSERT INTO terminal (account, seen_at) VALUES (?, ?) RETURNING id"
_RENEW: Final = """
INSERT INTO terminal (id, account, seen_at) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at"""
_NEXT: Final = """
SELECT id, reverse_path, content FROM terminal_message WHERE terminal_id = ? ORDER BY id LIMIT 1"""


class Terminal:
    """One terminal of an account, as long as `open_terminal` lasts."""

    def __init__(self, database: Database, clock: Clock, account: str, number: int) -> None:
        self._database = database
        self._clock = clock
        self._account = account
        self._number = number
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Something was committed: look."""
        self._changed.set()

    async def messages(self) -> AsyncIterator[TerminalMessage]:
        """What comes. A message counts as shown when the next one is asked for. Raises DatabaseTrouble."""
        while True:
            row = await self._database.read(lambda tx: tx.fetch_one(_NEXT, (self._number,)))
            if row is None:
                await self._wait()
                continue
            yield TerminalMessage(row[1], row[2])
            await self._shown(row[0])

    async def _shown(self, number: int) -> None:
        async def work(tx: Transaction) -> None:
            await tx.execute("DELETE FROM terminal_message WHERE id = ?", (number,))
            tx.announce(CHANNEL)

        await self._database.write(work)

    async def _wait(self) -> None:
        """Until something is committed, or it is time to say that we are still there."""
        try:
            async with asyncio.timeout(RENEW_S):
                await self._changed.wait()
            self._changed.clear()
        except TimeoutError:
            row = (self._number, self._account, self._clock.now())
            await self._database.write(lambda tx: tx.execute(_RENEW, row))


@asynccontextmanager
async def open_terminal(database: Database, clock: Clock, account: str) -> AsyncIterator[Terminal]:
    """Be there for messages to the account of that folded address. Raises DatabaseTrouble."""
    now = clock.now()
    number = await database.write(lambda tx: tx.insert(_OPEN, (account, now)))
    terminal = Terminal(database, clock, account, number)
    with ExitStack() as watches:
        watches.callback(database.hear(CHANNEL, terminal.wake))
        try:
            yield terminal
        finally:
            await database.write(lambda tx: tx.execute("DELETE FROM terminal WHERE id = ?", (number,)))
