"""DRAFT -> GONE: mail that is in its mailboxes by the transaction that accepts it, and never in the queue.

Implements  RFC 5321 4.2.5, 6.1 (responsibility begins with the 250; here it ends in the same instant).
Gives       Shortcut, AtOnce, Deposit, deposit_all.
Not here    What can be delivered so: who delivers says that (`AtOnce`). All else is an arrival (queue.arrivals).

One commit in place of two. Whatever speaks against it, before or in the transaction, leaves nothing behind, and the
message goes by the queue: there it is tried again, reported, or told of as it must be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from postel.contents import keep_all, lend
from postel.database import Database, DatabaseTrouble, Transaction
from postel.message import Action
from postel.queue.intake import job_of
from postel.queue.job import Job, NewMessage, QueuedRecipient
from postel.queue.reports import notices_of
from postel.queue.settle import Change, Settled

Deposit: TypeAlias = Callable[[Transaction, int], Awaitable[None]]
"""Puts a message into the mailboxes of all its recipients, which hold its content, whose id it is given."""

AtOnce: TypeAlias = Callable[[Job, bytes], Awaitable[Deposit | None]]
"""How to deliver a job whose content has no id yet; None where that is not all there is to do for it."""

_STATEMENTS: Final = 5  # for a letter, in a mailbox


@dataclass(frozen=True, slots=True)
class _Deposited:
    """A message that is to be accepted so. `then` hears of it once it is durable."""

    job: Job
    content: bytes
    deposit: Deposit
    changes: Sequence[Change]
    then: Callable[[Job, Sequence[Change]], None]

    @property
    def weight(self) -> int:
        """What it costs: in statements of some hundred octets."""
        return _STATEMENTS * len(self.changes) + (len(self.content) >> 12)


class Shortcut:
    """The way past the queue.

    find    who delivers a lane's mail so; None: nobody does.
    tell    is told what became of the recipients, behind what is told of the accepting by who waits for it.
    """

    def __init__(
        self,
        database: Database,
        find: Callable[[str], AtOnce | None],
        tell: Callable[[Job, Sequence[Change]], None],
    ) -> None:
        self._database = database
        self._find = find
        self._tell = tell

    async def take(self, message: NewMessage, lane: str, recipients: tuple[QueuedRecipient, ...]) -> bool:
        """DRAFT -> GONE, durable when it returns; False: the message has to go by the queue.

        Raises DatabaseTrouble: then it was not delivered, as far as anybody may rely on it.
        """
        at_once = self._find(lane)
        if at_once is None:
            return False
        job = job_of(message, lane, recipients, 0, message.received_at)
        changes = [Settled(recipient=one, action=Action.DELIVERED) for one in recipients]
        if notices_of(changes, message.received_at):
            return False
        deposit = await _prepared(at_once, job, message.content.data)
        if deposit is None:
            return False
        return await self._deposit(_Deposited(job, message.content.data, deposit, changes, self._tell_behind))

    async def _deposit(self, one: _Deposited) -> bool:
        try:
            await self._database.share(deposit_all, one, one.weight)
        except DatabaseTrouble:
            raise
        except (
            Exception
        ):  # no room any more, or a mistake: it will happen once more, where it is known what to do
            return False
        return True

    def _tell_behind(self, job: Job, changes: Sequence[Change]) -> None:
        asyncio.get_running_loop().call_soon(self._tell, job, changes)


async def _prepared(at_once: AtOnce, job: Job, content: bytes) -> Deposit | None:
    try:
        return await at_once(job, content)
    except Exception:  # as above; nothing was written yet
        return None


async def deposit_all(tx: Transaction, messages: Sequence[_Deposited]) -> Sequence[None]:
    """Contents and letters of messages. The instant is the commit, not the return. Raises what deposits raise."""
    ids = await keep_all(tx, [one.content for one in messages])
    lent = lend(tx, ids)  # the first hold was ours: a letter takes it over
    for one, content_id in zip(messages, ids, strict=True):
        await one.deposit(tx, content_id)
    assert lent.isdisjoint(ids), "a deposit holds its content"
    tx.after_commit(lambda: _tell(messages))
    return [None] * len(messages)


def _tell(messages: Sequence[_Deposited]) -> None:
    for one in messages:
        one.then(one.job, one.changes)
