"""A maildrop that a session has open: locked, listed, read, and updated once.

Implements  RFC 1939 4 (the exclusive lock), 6 (the UPDATE state).
Gives       OpenMaildrop, open_maildrop, InUse.
Not here    Numbers and deletion marks: proto.pop3. Tables: store.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import accumulate
from typing import Final

from postel.database import Transaction
from postel.directory import Account
from postel.proto import pop3
from postel.servers.pop3d_options import Pop3Parts
from postel.store import Maildrop, MaildropLock

_TRY_AGAIN_S: Final = 0.1
# Messages that are read at once while they are taken in order: a transaction costs as much as some of them.
_AHEAD: Final = 16
_AHEAD_BYTES: Final = 256 * 1024


class InUse(Exception):
    """Another session has the maildrop open."""


class OpenMaildrop:
    """The maildrop of an account. `close` in any case; only `update` removes messages."""

    def __init__(self, parts: Pop3Parts, account: Account, lock: MaildropLock, drop: Maildrop) -> None:
        self.account = account
        self.removed = 0
        self._parts = parts
        self._lock: MaildropLock | None = lock
        self._drop = drop
        self._last = 0  # the number of the message that was read last
        self._ahead: dict[int, bytes] = {}  # messages that were read with it, by UID

    def listing(self) -> list[pop3.DropMessage]:
        """The messages as the machine wants them."""
        return [pop3.DropMessage(m.size_bytes, m.uidl, m.needs_utf8) for m in self._drop.messages]

    async def read(self, number: int) -> AsyncGenerator[bytes, None]:
        """The octets of a message. Raises NoSuchMessage, ContentMissing, DatabaseTrouble."""
        uid = self._drop.messages[number - 1].uid
        if uid not in self._ahead:
            self._ahead = await self._parts.store.small(self._drop.mailbox_id, self._uids_from(number))
        self._last = number
        if (octets := self._ahead.pop(uid, None)) is not None:
            yield octets
            return
        message = await self._parts.store.message(self._drop.mailbox_id, uid)
        async with aclosing(self._parts.store.read(message)) as chunks:
            async for chunk in chunks:
                yield chunk

    def _uids_from(self, number: int) -> list[int]:
        """Of this message, and of some that follow for who takes one after the other."""
        messages = self._drop.messages[number - 1 : number - 1 + _AHEAD]
        if number != self._last + 1:
            return [messages[0].uid]
        sizes = accumulate(message.size_bytes for message in messages)
        among = [message.uid for message, size in zip(messages, sizes, strict=True) if size <= _AHEAD_BYTES]
        return among or [messages[0].uid]

    async def update(self, numbers: Sequence[int]) -> None:
        """Remove messages and free the lock, in one transaction. Raises LockLost, DatabaseTrouble."""
        lock = self._lock
        if lock is None:
            return
        uids = [self._drop.messages[number - 1].uid for number in numbers]
        store, locks = self._parts.store, self._parts.locks

        async def work(tx: Transaction) -> int:
            await locks.check(tx, lock)
            await locks.leave(tx, lock)
            return await store.expunge(tx, self._drop.mailbox_id, uids) if uids else 0

        self.removed = await self._parts.database.write(work)
        self._lock = None

    async def close(self) -> None:
        """Free the lock, if `update` has not."""
        lock, self._lock = self._lock, None
        if lock is not None:
            await self._parts.locks.release(lock)


async def open_maildrop(parts: Pop3Parts, account: Account, wait_s: float) -> OpenMaildrop:
    """Lock and list the maildrop of an account. Raises InUse, DatabaseTrouble."""
    lock = await _acquire(parts, account, wait_s)
    try:
        drop = await parts.store.maildrop(account.id)
    except BaseException:
        await parts.locks.release(lock)
        raise
    return OpenMaildrop(parts, account, lock, drop)


async def _acquire(parts: Pop3Parts, account: Account, wait_s: float) -> MaildropLock:
    loop = asyncio.get_running_loop()
    ends_s = loop.time() + wait_s
    while (lock := await parts.locks.acquire(account.id)) is None:
        if loop.time() >= ends_s:
            raise InUse(f"maildrop of {account.mailbox}")
        await asyncio.sleep(_TRY_AGAIN_S)
    return lock
