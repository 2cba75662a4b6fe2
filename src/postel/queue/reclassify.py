"""Moves recipients when the lanes are cut anew: after a start or reload with other routes.

Gives       reclassify, is_sorted, note_sorted.

One walk through the queue, page by page, however many lanes have changed. What an agent has in hand meanwhile is
found by its number when it is recorded (queue.record).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, TypeAlias

from postel.database import Database, Row, Transaction
from postel.mail import LocalPart, Mailbox, parse_host
from postel.queue.ids import QueueId
from postel.queue.intake import LaneOf
from postel.queue.record import refresh_errand
from postel.queue.schema import State

_PAGE: Final = 200
_IDS: Final = "SELECT id FROM queue_message WHERE id > ? ORDER BY id LIMIT ?"
_PLACES: Final = f"""
SELECT DISTINCT message_id, lane, domain FROM queue_recipient
WHERE message_id BETWEEN ? AND ? AND state <> {State.SETTLED:d}"""
_MOVE: Final = "UPDATE queue_recipient SET lane = ? WHERE message_id = ? AND lane = ? AND domain = ?"

# A message, the lane that recipients of it are in, the one where they belong, and their domain.
_Move: TypeAlias = tuple[int, str, str, str]


async def is_sorted(tx: Transaction, fingerprint: str) -> bool:
    """Whether all mail is in its lanes by the routes of that fingerprint."""
    row = await tx.fetch_one("SELECT fingerprint FROM queue_routes")
    return row is not None and row[0] == fingerprint


async def note_sorted(tx: Transaction, fingerprint: str) -> None:
    """It is, from now on; "" while it is not known."""
    await tx.execute("DELETE FROM queue_routes")
    await tx.execute("INSERT INTO queue_routes (fingerprint) VALUES (?)", (fingerprint,))


async def reclassify(database: Database, lane_of: LaneOf) -> set[str]:
    """Put every recipient into the lane that `lane_of` names now. The lanes that gained or lost mail.

    Raises DatabaseTrouble; what was moved by then stays moved.
    """
    touched: set[str] = set()
    lanes = _Lanes(lane_of)
    last = -1
    while ids := await _page(database, last):
        last = ids[-1]
        moves = [move for row in await _places(database, ids) if (move := lanes.move(row))]
        if moves:
            await _carry_out(database, moves)
            touched.update(lane for _, old, new, _ in moves for lane in (old, new))
        await asyncio.sleep(0)  # reading does not suspend, and others want the loop too
    return touched


async def _page(database: Database, last: int) -> Sequence[int]:
    rows = await database.read(lambda tx: tx.fetch_all(_IDS, (last, _PAGE)))
    return [row[0] for row in rows]


async def _places(database: Database, ids: Sequence[int]) -> Sequence[Row]:
    return await database.read(lambda tx: tx.fetch_all(_PLACES, (ids[0], ids[-1])))


class _Lanes:
    """Where mail belongs now: a lane is a function of the domain, whoever is there."""

    def __init__(self, lane_of: LaneOf) -> None:
        self._lane_of = lane_of
        self._known: dict[str, str] = {}

    def move(self, row: Row) -> _Move | None:
        """The move that a message, lane and domain want, if any."""
        number, old, domain = row
        new = self._known.get(domain)
        if new is None:
            new = self._known[domain] = self._lane_of(Mailbox(LocalPart("postmaster"), parse_host(domain)))
        return None if new == old else (number, old, new, domain)


async def _carry_out(database: Database, moves: Sequence[_Move]) -> None:
    async def work(tx: Transaction) -> None:
        for number, old, new, domain in moves:
            await tx.execute(_MOVE, (new, number, old, domain))
        for number, lane in {(number, lane) for number, old, new, _ in moves for lane in (old, new)}:
            await refresh_errand(tx, QueueId(number), lane)

    await database.write(work)
