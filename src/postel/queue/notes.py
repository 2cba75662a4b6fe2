"""How processes that do not schedule tell the one that does: by notes in the database.

Gives       leave_notes, any_notes, take_notes, ALL_LANES, CHANNEL (announced with every note).

A note names a lane whose mail has changed. The scheduler takes notes away in the transaction that reads them and then
looks at those lanes; should it die in between, its successor looks at every lane anyway. More lanes than
can be looked at one by one become one note for all, with an empty name.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from postel.database import Transaction

ALL_LANES: Final = ""
CHANNEL: Final = "queue notes"
_NAMES_LIMIT: Final = 200


async def leave_notes(tx: Transaction, lanes: Collection[str]) -> None:
    """Ask the scheduler to look at these lanes once this is durable."""
    names = [ALL_LANES] if len(lanes) > _NAMES_LIMIT else sorted(lanes)
    await tx.execute_many("INSERT INTO queue_note (lane) VALUES (?)", [(name,) for name in names])
    tx.announce(CHANNEL)


async def any_notes(tx: Transaction) -> bool:
    """Whether there is any: another process may have taken them."""
    return await tx.fetch_one("SELECT 1 FROM queue_note LIMIT 1") is not None


async def take_notes(tx: Transaction) -> set[str]:
    """All notes there are; `{ALL_LANES}` when that is more than a few."""
    sql = "SELECT id, lane FROM queue_note ORDER BY id LIMIT ?"
    names: set[str] = set()
    while rows := await tx.fetch_all(sql, (_NAMES_LIMIT,)):
        await tx.execute("DELETE FROM queue_note WHERE id <= ?", (rows[-1][0],))
        names |= {row[1] for row in rows}
    return {ALL_LANES} if ALL_LANES in names or len(names) > _NAMES_LIMIT else names
