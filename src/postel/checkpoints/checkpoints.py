"""Interrupted mail transactions: who has which in hand, and how long the others are kept.

Implements  RFC 1845 3 (the server's side), apart from what is said.
Gives       Checkpoints.
Not here    Rows and files: shelf. The protocol: proto.smtp. Policy: servers.

Of all sessions of this process one at most has a transaction in hand. A client that names one which another session
has is the same client (its Key says so), and has seen its line break before we did; so the older session is cut off
and the transaction goes over to the newer one, as far as it had come. Between processes the lock on the draft's file
decides, and whoever comes second is told to come later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from postel.checkpoints.boot import boot_id
from postel.checkpoints.claim import Claim
from postel.checkpoints.options import CheckpointOptions
from postel.checkpoints.rows import Key, oldest_sign
from postel.checkpoints.shelf import Shelf, TransactionBusy
from postel.contents import Contents
from postel.database import Database, DatabaseTrouble
from postel.net import Clock
from postel.observe import logger

log = logger("checkpoints")

SOONEST_SWEEP_S = 60.0


class Checkpoints:
    """The kept transactions of one server.

    boot    names the run of the operating system; None asks the system.
    """

    def __init__(
        self,
        database: Database,
        contents: Contents,
        clock: Clock,
        options: CheckpointOptions,
        *,
        boot: str | None = None,
    ) -> None:
        self._shelf = Shelf(database, contents, clock, options, boot_id() if boot is None else boot)
        self._claims: dict[Key, Claim] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def is_usable(self) -> bool:
        """Whether transactions can be kept: CHECKPOINT may be offered."""
        return self._shelf.is_usable

    async def start(self) -> None:
        """Look at what the last run has left, and sweep from now on. Raises DatabaseTrouble."""
        if self.is_usable:
            await self._shelf.recover()
            await self._sweep()

    def reload(self, options: CheckpointOptions) -> None:
        """Keep by these limits from now on."""
        self._shelf.options = options

    async def close(self) -> None:
        """Sweep no more."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._sweeping is not None:
            await self._sweeping

    async def claim(self, key: Key, cut_off: Callable[[], None]) -> Claim:
        """Take a transaction in hand; `cut_off` ends this session should the client come again by another.

        Raises DatabaseTrouble, and TransactionBusy when an older session does not let go.
        """
        await self._cut_off_older(key)
        claim = self._claims[key] = Claim(self._shelf, key, cut_off, self._released)
        try:
            await claim.look_up()
        except BaseException:
            claim.release()
            raise
        return claim

    async def _cut_off_older(self, key: Key) -> None:
        try:
            async with asyncio.timeout(self._shelf.options.takeover_s):
                while (older := self._claims.get(key)) is not None:
                    older.cut_off()
                    await older.is_over.wait()
        except TimeoutError:
            raise TransactionBusy("an older session has the transaction") from None

    def _released(self, claim: Claim) -> None:
        del self._claims[claim.key]
        if claim.is_kept:
            self._sweep_in(self._shelf.options.keep_s)

    # Forgetting what is old: there is a timer only while something is kept.

    def _sweep_in(self, wait_s: float) -> None:
        if self._timer is None and self._sweeping is None and not self._is_closed:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._start_sweep)

    def _start_sweep(self) -> None:
        self._timer = None
        self._sweeping = asyncio.get_running_loop().create_task(self._sweep())

    async def _sweep(self) -> None:
        wait_s: float | None = SOONEST_SWEEP_S
        try:
            for row in await self._shelf.sweep(frozenset(self._claims)):
                log.event(
                    "transaction_expired",
                    client=row.key.owner,
                    transid=row.key.transid,
                    octets=row.size_bytes,
                )
            wait_s = await self._next_sweep_s()
        except DatabaseTrouble as trouble:
            log.trouble("transactions_not_swept", because=trouble.reason)
        finally:
            self._sweeping = None
        if wait_s is not None:
            self._sweep_in(wait_s)

    async def _next_sweep_s(self) -> float | None:
        oldest = await self._shelf.database.read(oldest_sign)
        if oldest is None:
            return None
        return max(oldest + self._shelf.options.keep_s - self._shelf.clock.now(), SOONEST_SWEEP_S)
