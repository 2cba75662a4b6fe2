"""Moves recipients when the lanes are cut anew: after a reload with other routes.

Gives       reclassify.

A lane is a function of the recipient's domain, so distinct domains are looked at, not recipients. What an agent
has in hand meanwhile is found by its number when it is recorded (queue.record).
"""

from __future__ import annotations

from typing import Final

from postel.database import Database, Transaction
from postel.mail import LocalPart, Mailbox, parse_host
from postel.queue.ids import QueueId
from postel.queue.intake import LaneOf
from postel.queue.record import refresh_errand
from postel.queue.schema import State

_CHUNK: Final = 200
_DOMAINS: Final = f"""
SELECT DISTINCT lane, domain FROM queue_recipient WHERE state <> {State.SETTLED:d}"""
_MESSAGES: Final = f"""
SELECT DISTINCT message_id FROM queue_recipient
WHERE lane = ? AND domain = ? AND state <> {State.SETTLED:d} LIMIT ?"""
_MOVE: Final = """
UPDATE queue_recipient SET lane = ? WHERE message_id = ? AND lane = ? AND domain = ?"""


async def reclassify(database: Database, lane_of: LaneOf) -> set[str]:
    """Put every recipient into the lane that `lane_of` names now. The lanes that gained or lost mail.

    Raises DatabaseTrouble; what was moved by then stays moved.
    """
    touched: set[str] = set()
    for old, domain in await database.read(lambda tx: tx.fetch_all(_DOMAINS)):
        new = lane_of(Mailbox(LocalPart("postmaster"), parse_host(domain)))
        if new != old:
            await _move(database, old, new, domain)
            touched |= {old, new}
    return touched


async def _move(database: Database, old: str, new: str, domain: str) -> None:
    async def work(tx: Transaction) -> int:
        rows = await tx.fetch_all(_MESSAGES, (old, domain, _CHUNK))
        for (number,) in rows:
            await tx.execute(_MOVE, (new, number, old, domain))
            for lane in (old, new):
                await refresh_errand(tx, QueueId(number), lane)
        return len(rows)

    while await database.write(work) == _CHUNK:
        pass
