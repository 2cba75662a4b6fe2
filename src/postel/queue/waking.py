"""Lanes by name: which have mail, how much of it, and making it due now.

Implements  RFC 1985 5.1 (ETRN: the queue for a host is processed now, and how many messages wait).
Gives       lanes_with_mail, count_messages, make_due.
Not here    Which lanes a client means: routing. Telling the scheduler: queue.queue.

Every query runs on the index (lane, next_at, message_id) of errands, so that none costs more than the mail it is
about, however long the queue is. Held mail is left alone.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from postel.database import Transaction
from postel.queue.ids import QueueId
from postel.queue.record import refresh_errand
from postel.queue.schema import State

PAGE: Final = 200  # errands changed in one transaction, so that mail need not wait long for it

# The distinct first column of an index, one look-up each: SQLite has no loose index scan.
_LANES: Final = """
WITH RECURSIVE found (lane) AS (
    SELECT MIN(lane) FROM queue_errand
    UNION ALL
    SELECT (SELECT MIN(lane) FROM queue_errand WHERE lane > found.lane) FROM found WHERE found.lane IS NOT NULL
)
SELECT lane FROM found WHERE lane IS NOT NULL"""
_COUNT: Final = "SELECT COUNT(*) FROM queue_errand WHERE lane = ? AND next_at IS NOT NULL"
_LATER: Final = """
SELECT message_id FROM queue_errand WHERE lane = ? AND next_at > ? ORDER BY next_at, message_id LIMIT ?"""
_DUE: Final = f"""
UPDATE queue_recipient SET next_at = ?
WHERE message_id = ? AND lane = ? AND state = {State.WAITING:d} AND next_at > ?"""
_RETRY: Final = "UPDATE queue_lane SET retry_at = ? WHERE name = ? AND retry_at > ?"


async def lanes_with_mail(tx: Transaction) -> list[str]:
    """The lanes that have mail, held mail too, by name."""
    return [row[0] for row in await tx.fetch_all(_LANES)]


async def count_messages(tx: Transaction, lanes: Collection[str]) -> int:
    """Messages that wait in these lanes; one that waits in two of them counts twice."""
    rows = [await tx.fetch_one(_COUNT, (lane,)) for lane in lanes]
    return sum(row[0] for row in rows if row)


async def make_due(tx: Transaction, lane: str, now: float) -> bool:
    """Make a page of a lane's waiting mail due now, a lane that is down included. Whether there is more."""
    rows = await tx.fetch_all(_LATER, (lane, now, PAGE))
    for (number,) in rows:
        await tx.execute(_DUE, (now, number, lane, now))
        await refresh_errand(tx, QueueId(number), lane)
    await tx.execute(_RETRY, (now, lane, now))
    return len(rows) == PAGE
