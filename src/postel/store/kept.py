"""Expunged mail: kept for a time, had back, or gone for good.

Gives       Kept, KeptMessages, take_out, UNTIDY (a channel).
Not here    Who does the housekeeping, and when: housekeeping.

    STORED -> KEPT       expunge, or its mailbox is deleted: out of every client's sight and of the quota
    KEPT   -> STORED     restore: a new UID in the mailbox of its old name, which is made again if need be
    KEPT   -> GONE       its time is over (prune): with the last row that names it, a letter goes, and lets go of its
                         content; with its last letter, what is known of a content
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from postel.contents import release
from postel.database import Database, Row, Transaction, Value
from postel.store.expunging import DELETE, KEEP
from postel.store.records import MailboxName
from postel.store.runs import BETWEEN

UNTIDY: Final = "store.untidy"  # announced when something waits to be kept or let go of
AT_ONCE: Final = 100  # letters let go of in one transaction: some statements each
_BEGINNING: Final = 1.0  # what went with an account was expunged before it

_EXPIRED: Final = """
SELECT id, letter_id FROM stored_kept WHERE expunged_at <= ? ORDER BY expunged_at, id LIMIT ?"""
_UNUSED: Final = """
SELECT l.id, l.content_id FROM stored_letter l
WHERE l.id IN ({}) AND NOT EXISTS (SELECT 1 FROM stored_message m WHERE m.letter_id = l.id)
    AND NOT EXISTS (SELECT 1 FROM stored_kept k WHERE k.letter_id = l.id)"""
_FORGET_INDEX: Final = """
DELETE FROM stored_index
WHERE content_id = ? AND NOT EXISTS (SELECT 1 FROM stored_letter l WHERE l.content_id = ?)"""
_SUMMARY: Final = """
SELECT mailbox_name, COUNT(*), SUM(size_bytes), MIN(expunged_at), MAX(expunged_at) FROM stored_kept
WHERE account_id = ? AND expunged_at >= ? GROUP BY mailbox_name ORDER BY mailbox_name"""
_PAGE: Final = """
SELECT id, flags, size_bytes, letter_id, content_id, internal_date_at, keywords, expunged_at FROM stored_kept
WHERE account_id = ? AND mailbox_name = ? AND (expunged_at, id) > (?, ?) ORDER BY expunged_at, id LIMIT ?"""
_DOOMED: Final = (
    "SELECT mailbox_id, account_id, name, doomed_at FROM stored_doomed ORDER BY mailbox_id LIMIT 1"
)
_LAST_OF_PAGE: Final = """
SELECT MAX(uid) FROM (SELECT uid FROM stored_message WHERE mailbox_id = ? ORDER BY uid LIMIT ?) AS page"""


@dataclass(frozen=True, slots=True)
class KeptMessages:
    """What can be had back of a mailbox."""

    mailbox_name: MailboxName
    messages: int
    size_bytes: int
    first_expunged_at: float
    last_expunged_at: float


class Kept:
    """The expunged mail of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def summary(self, account_id: int, since: float = 0.0) -> list[KeptMessages]:
        """What an account can have back that was expunged since then, by mailbox."""
        key = (account_id, max(since, _BEGINNING))
        rows = await self._database.read(lambda tx: tx.fetch_all(_SUMMARY, key))
        return [KeptMessages(MailboxName(name), *rest) for name, *rest in rows]

    async def pages(self, account_id: int, name: MailboxName, since: float) -> AsyncIterator[Sequence[Row]]:
        """Rows of what was expunged since from a mailbox, as copying.put takes them, the first column apart."""
        after = (since, 0)
        while rows := await self._database.read(partial(_page, (account_id, name, *after, AT_ONCE))):
            yield [row[:-1] for row in rows]
            after = (rows[-1][-1], rows[-1][0])

    async def prune(self, until: float) -> int:
        """Let go of what was expunged until then: how many messages, some at a time; 0 when there are none."""
        return await self._database.write(lambda tx: _prune(tx, until))

    async def bury_doomed(self) -> bool:
        """Keep some messages of deleted mailboxes: whether there is more to do."""
        return await self._database.write(_bury_doomed)


async def _page(key: Sequence[Value], tx: Transaction) -> list[Row]:
    return await tx.fetch_all(_PAGE, key)


async def take_out(tx: Transaction, rows: Sequence[Row]) -> list[Row]:
    """Those of the rows that are still kept; they are not any more."""
    return [row for row in rows if await tx.execute("DELETE FROM stored_kept WHERE id = ?", row[:1])]


async def _prune(tx: Transaction, until: float) -> int:
    rows = await tx.fetch_all(_EXPIRED, (until, AT_ONCE))
    await tx.execute_many("DELETE FROM stored_kept WHERE id = ?", [row[:1] for row in rows])
    await _let_go(tx, sorted({row[1] for row in rows}))
    return len(rows)


async def _let_go(tx: Transaction, letters: Sequence[int]) -> None:
    """Remove letters that no mailbox has any more, and that nobody can have back."""
    if not letters:
        return
    unused = await tx.fetch_all(_UNUSED.format(", ".join("?" * len(letters))), letters)
    for letter_id, content_id in unused:
        await tx.execute("DELETE FROM stored_letter WHERE id = ?", (letter_id,))
        await tx.execute(_FORGET_INDEX, (content_id, content_id))
        await release(tx, content_id)


async def _bury_doomed(tx: Transaction) -> bool:
    doomed = await tx.fetch_one(_DOOMED)
    if doomed is None:
        return False
    mailbox_id, account_id, name, doomed_at = doomed
    last = await tx.fetch_one(_LAST_OF_PAGE, (mailbox_id, AT_ONCE * 5))
    if last is None or last[0] is None:
        await tx.execute("DELETE FROM stored_expunge WHERE mailbox_id = ?", (mailbox_id,))
        await tx.execute("DELETE FROM stored_doomed WHERE mailbox_id = ?", (mailbox_id,))
        return True
    await tx.execute(KEEP + BETWEEN, (account_id, name, doomed_at, mailbox_id, 0, last[0]))
    await tx.execute(DELETE + BETWEEN, (mailbox_id, 0, last[0]))
    return True
