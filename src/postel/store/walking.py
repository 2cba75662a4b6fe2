"""Letters in the order in which they came, for work in the background that follows them.

Gives       WalkedLetter, letters_after, reached, reach.
Not here    Who follows: indexer, fulltext.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from postel.database import Transaction

_AFTER: Final = """
SELECT l.id, l.content_id,
    (SELECT MIN(b.account_id) FROM stored_message m JOIN stored_mailbox b ON b.id = m.mailbox_id
     WHERE m.letter_id = l.id)
FROM stored_letter l WHERE l.id > ? ORDER BY l.id LIMIT ?"""
_REACHED: Final = "SELECT reached FROM stored_progress WHERE name = ?"
_REACH: Final = """
INSERT INTO stored_progress (name, reached) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET reached = excluded.reached"""


@dataclass(frozen=True, slots=True)
class WalkedLetter:
    """A letter; `account_id` None when it is in nobody's mailbox any more."""

    letter_id: int
    content_id: int
    account_id: int | None


async def letters_after(tx: Transaction, letter_id: int, limit: int) -> list[WalkedLetter]:
    """The next letters by their ids."""
    return [WalkedLetter(*row) for row in await tx.fetch_all(_AFTER, (letter_id, limit))]


async def reached(tx: Transaction, name: str) -> int:
    """How far the work of this name has come."""
    row = await tx.fetch_one(_REACHED, (name,))
    return 0 if row is None else int(row[0])


async def reach(tx: Transaction, name: str, letter_id: int) -> None:
    """The work of this name has come so far."""
    await tx.execute(_REACH, (name, letter_id))
