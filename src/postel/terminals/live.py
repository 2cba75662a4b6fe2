"""Show a message to whoever is there: the side that sends.

Implements  RFC 821 3.4 (delivery to the user's terminal, if the user is active).
Gives       Terminals, TerminalMessage, SHOWN_LIMIT.
Not here    The side that waits in another process: waiting. Which command asks for it: servers.

Sessions of this process subscribe; `postel terminal`, in a process of its own, has a row. A message counts as shown
when a subscriber has taken it, or when a terminal has removed its row, which it does after printing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from postel.database import Database, Transaction
from postel.net import Clock

LEASE_S: Final = 90.0  # a terminal that has not been heard of for so long is gone
SHOW_S: Final = 5.0  # how long a terminal may take to print
SHOWN_LIMIT: Final = 64 * 1024  # octets of a message that are shown; a screen is no mailbox
LIVE_LIMIT: Final = 20  # terminals of one account that a message goes to
CHANNEL: Final = "terminals"

_LIVE: Final = "SELECT id FROM terminal WHERE account = ? AND seen_at > ? ORDER BY seen_at DESC LIMIT ?"
_GONE: Final = "DELETE FROM terminal WHERE seen_at <= ?"
_LEFT_OVER: Final = "DELETE FROM terminal_message WHERE sent_at <= ?"
_PUT: Final = """
INSERT INTO terminal_message (terminal_id, sent_at, reverse_path, content) VALUES (?, ?, ?, ?) RETURNING id"""


@dataclass(frozen=True, slots=True)
class TerminalMessage:
    """What a terminal shows: the reverse path as text, and the content up to SHOWN_LIMIT octets."""

    reverse_path: str
    content: bytes


class Terminals:
    """The live sessions of accounts, which are named by their folded address."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._subscribers: defaultdict[str, list[Callable[[TerminalMessage], bool]]] = defaultdict(list)

    def subscribe(self, account: str, take: Callable[[TerminalMessage], bool]) -> Callable[[], None]:
        """Have a session of this process shown what comes; the result ends it.

        take    shows a message, as an IMAP alert for one; False when it cannot now.
        """
        takers = self._subscribers[account]
        takers.append(take)

        def end() -> None:
            takers.remove(take)
            if not takers:
                self._subscribers.pop(account, None)

        return end

    async def is_live(self, account: str) -> bool:
        """Whether anybody is there. Raises DatabaseTrouble."""
        if self._subscribers.get(account):
            return True
        row = (account, self._clock.now() - LEASE_S, 1)
        return await self._database.read(lambda tx: tx.fetch_one(_LIVE, row)) is not None

    async def show(self, account: str, message: TerminalMessage) -> bool:
        """Show a message on every live session; whether one has shown it, at the latest after SHOW_S.

        Raises DatabaseTrouble.
        """
        taken = [take(message) for take in list(self._subscribers.get(account, ()))]
        return await self._show_on_terminals(account, message) or any(taken)

    async def _show_on_terminals(self, account: str, message: TerminalMessage) -> bool:
        changed = asyncio.Event()
        with ExitStack() as watches:
            watches.callback(self._database.hear(CHANNEL, changed.set))
            waiting = await self._put(account, message)
            count = len(waiting)
            try:
                async with asyncio.timeout(SHOW_S):
                    while waiting and len(waiting) == count:
                        await changed.wait()
                        changed.clear()
                        waiting = await self._left(waiting)
            except TimeoutError:
                pass
            # What was not shown by now is taken back, in one transaction with the look whether it was.
            return bool(count) and await self._take_back(waiting) < count

    async def _put(self, account: str, message: TerminalMessage) -> list[int]:
        now = self._clock.now()

        async def work(tx: Transaction) -> list[int]:
            await tx.execute(_GONE, (now - LEASE_S,))
            await tx.execute(_LEFT_OVER, (now - LEASE_S,))
            rows = await tx.fetch_all(_LIVE, (account, now - LEASE_S, LIVE_LIMIT))
            content = message.content[:SHOWN_LIMIT]
            put = [await tx.insert(_PUT, (row[0], now, message.reverse_path, content)) for row in rows]
            tx.announce(CHANNEL)
            return put

        return await self._database.write(work)

    async def _left(self, numbers: list[int]) -> list[int]:
        """Those of the messages that still wait."""

        async def work(tx: Transaction) -> list[int]:
            sql = "SELECT 1 FROM terminal_message WHERE id = ?"
            return [number for number in numbers if await tx.fetch_one(sql, (number,))]

        return await self._database.read(work)

    async def _take_back(self, numbers: list[int]) -> int:
        async def work(tx: Transaction) -> int:
            sql = "DELETE FROM terminal_message WHERE id = ?"
            return sum([await tx.execute(sql, (number,)) for number in numbers])

        return await self._database.write(work) if numbers else 0
