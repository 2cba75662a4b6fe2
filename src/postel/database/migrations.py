"""Numbered steps of the schema, each applied once.

Gives       migrate(tx, migrations).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from postel.database.faults import DatabaseTooNew
from postel.database.interface import Migration, Transaction
from postel.mail import LocalFault

_TABLE = """CREATE TABLE IF NOT EXISTS migration (
    room TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (room, number))"""


async def migrate(tx: Transaction, migrations: Sequence[Migration]) -> None:
    """Apply what is missing, in the order given. All or nothing: the caller's transaction holds it.

    Raises DatabaseTooNew when a room has had steps that this code does not know.
    """
    check_numbers(migrations)
    await tx.execute(_TABLE)
    rows = await tx.fetch_all("SELECT room, max(number) FROM migration GROUP BY room")
    reached: dict[str, int] = {str(room): int(number) for room, number in rows}
    _refuse_newer(reached, migrations)
    for step in migrations:
        if step.number > reached.get(step.room, 0):
            await tx.execute(step.sql)
            await tx.execute("INSERT INTO migration (room, number) VALUES (?, ?)", (step.room, step.number))


def check_numbers(migrations: Sequence[Migration]) -> None:
    """Raises LocalFault unless each room counts 1, 2, 3 in the order given."""
    expected: defaultdict[str, int] = defaultdict(lambda: 1)
    for step in migrations:
        if step.number != expected[step.room]:
            raise LocalFault(f"migration {step.room} {step.number}: expected {expected[step.room]}")
        expected[step.room] += 1


def _refuse_newer(reached: dict[str, int], migrations: Sequence[Migration]) -> None:
    known: dict[str, int] = {step.room: step.number for step in migrations}
    for room, number in known.items():
        if reached.get(room, 0) > number:
            raise DatabaseTooNew(
                f"the database was used by a newer Postel: {room} is at step {reached[room]}, "
                f"and this one knows {number}. Install that version or newer, or restore a backup"
            )
