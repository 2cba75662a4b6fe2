"""The exclusive lock on a maildrop, between sessions and between processes.

Implements  RFC 1939 4 (the lock that keeps messages from being removed before the UPDATE state).
Gives       MaildropLocks, MaildropLock.

FREE -> HELD by the transaction that writes the row. HELD -> FREE by its removal, or when the process that holds
it is dead or has let its lease run out; a process renews its lease while it holds any lock. Before messages are
removed, the same transaction checks that the lock is still ours (`check`).
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from typing import Final

from postel.database import Database, DatabaseTrouble, Transaction
from postel.net import Clock
from postel.observe import logger
from postel.store.process import is_dead, process_name

LEASE_S: Final = 60.0
RENEW_S: Final = 20.0

log = logger("store")

_RENEW: Final = """
INSERT INTO maildrop_holder (name, expires_at) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET expires_at = excluded.expires_at"""
_TAKE: Final = """
INSERT INTO maildrop_lock (account_id, holder) VALUES (?, ?)
ON CONFLICT (account_id) DO UPDATE SET holder = excluded.holder"""
_HOLDER: Final = """
SELECT l.holder, h.expires_at FROM maildrop_lock l LEFT JOIN maildrop_holder h ON h.name = l.holder
WHERE l.account_id = ?"""


@dataclass(frozen=True, slots=True)
class MaildropLock:
    """A maildrop that this process has locked."""

    account_id: int


class LockLost(Exception):
    """The lease ran out and another process has taken the maildrop."""


class MaildropLocks:
    """The locks that this process holds, one for each maildrop at most."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        # The random part tells apart what shares a process: two servers in one test, for one.
        self._name = f"{secrets.token_hex(8)}:{process_name()}"
        self._held: set[int] = set()
        self._renewal: asyncio.Task[None] | None = None

    async def acquire(self, account_id: int) -> MaildropLock | None:
        """Lock a maildrop; None when another session has it. Raises DatabaseTrouble."""
        if account_id in self._held:
            return None
        self._held.add(account_id)
        now = self._clock.now()
        try:
            is_taken = await self._database.write(lambda tx: self._take(tx, account_id, now))
        except BaseException:
            self._held.discard(account_id)
            raise
        if not is_taken:
            self._held.discard(account_id)
            return None
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew_for_ever(), name="maildrop lock renewal")
        return MaildropLock(account_id)

    async def release(self, lock: MaildropLock) -> None:
        """Free a maildrop. Never raises for trouble with the database: the row is then overruled later."""
        try:
            await self._database.write(lambda tx: self._free(tx, lock.account_id))
        except (DatabaseTrouble, OSError, MemoryError) as trouble:
            log.trouble(
                "maildrop_lock_stuck", account=lock.account_id, because=str(trouble) or type(trouble).__name__
            )
        finally:
            self._forget_lock(lock.account_id)

    async def leave(self, tx: Transaction, lock: MaildropLock) -> None:
        """Free a maildrop in the caller's transaction, in place of `release`."""
        await self._free(tx, lock.account_id)
        tx.after_commit(lambda: self._forget_lock(lock.account_id))

    def _forget_lock(self, account_id: int) -> None:
        self._held.discard(account_id)
        if not self._held and self._renewal is not None:
            self._renewal.cancel()
            self._renewal = None

    async def check(self, tx: Transaction, lock: MaildropLock) -> None:
        """Make sure, in a transaction that removes messages, that the lock is ours. Raises LockLost."""
        row = await tx.fetch_one("SELECT holder FROM maildrop_lock WHERE account_id = ?", (lock.account_id,))
        if row is None or row[0] != self._name:
            raise LockLost(f"maildrop of account {lock.account_id}")

    async def close(self) -> None:
        """Free all maildrops and forget this process. Nothing may use the locks after it."""
        if self._renewal is not None:
            self._renewal.cancel()
            self._renewal = None
        self._held.clear()
        with contextlib.suppress(DatabaseTrouble):
            await self._database.write(self._forget)

    # --- in transactions ---------------------------------------------------------------------------------

    async def _take(self, tx: Transaction, account_id: int, now: float) -> bool:
        row = await tx.fetch_one(_HOLDER, (account_id,))
        if row is not None and self._is_living(row[0], row[1], now):
            return False
        await tx.execute(_TAKE, (account_id, self._name))
        await tx.execute(_RENEW, (self._name, now + LEASE_S))
        return True

    def _is_living(self, holder: str, expires_at: float | None, now: float) -> bool:
        # A row of our own that we do not know of is left from a release that failed.
        if holder == self._name or expires_at is None or expires_at <= now:
            return False
        return not is_dead(holder.partition(":")[2])

    async def _free(self, tx: Transaction, account_id: int) -> None:
        sql = "DELETE FROM maildrop_lock WHERE account_id = ? AND holder = ?"
        await tx.execute(sql, (account_id, self._name))

    async def _renew(self, tx: Transaction, now: float) -> None:
        await tx.execute(_RENEW, (self._name, now + LEASE_S))
        # What others left behind long ago is of no use to anybody.
        await tx.execute("DELETE FROM maildrop_holder WHERE expires_at < ?", (now - LEASE_S,))

    async def _forget(self, tx: Transaction) -> None:
        await tx.execute("DELETE FROM maildrop_lock WHERE holder = ?", (self._name,))
        await tx.execute("DELETE FROM maildrop_holder WHERE name = ?", (self._name,))

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            now = self._clock.now()
            try:
                await self._database.write(lambda tx, now=now: self._renew(tx, now))  # type: ignore[misc]
            except DatabaseTrouble as trouble:
                log.trouble("maildrop_lock_stuck", because=str(trouble))
