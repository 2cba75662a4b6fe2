"""Several processes that deliver from one database: which of them this one is, and who has what in hand.

Gives       Crew, ALONE, claim, disclaim, claims_of, release_claims, claimed.
Not here    Who starts them and learns of their death: app.

One process of a crew *schedules*: the tables of the queue are its business. The others are *helpers*: each delivers
from memory what it has accepted a moment ago, and nothing else. An arrival has the number of its helper; one that
is filed in the tables by anybody gets a row in `queue_claim` with that number in the same transaction, and the
scheduler leaves claimed messages alone. A claim goes when its helper has recorded what became of the message or gives
it up, or when it is known to be dead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from postel.database import Transaction

_CLAIM: Final = "INSERT INTO queue_claim (message_id, owner) VALUES (?, ?)"
_DISCLAIM: Final = "DELETE FROM queue_claim WHERE message_id = ?"
_OWNERS: Final = "SELECT DISTINCT owner FROM queue_claim"
_LANES: Final = """
SELECT DISTINCT queue_errand.lane FROM queue_claim JOIN queue_errand USING (message_id) WHERE owner = ?"""
_RELEASE: Final = "DELETE FROM queue_claim WHERE owner = ?"
_CLAIMED: Final = "SELECT 1 FROM queue_claim WHERE message_id = ?"


@dataclass(frozen=True, slots=True)
class Crew:
    """One process's place.

    number      greater than that of every process of this crew that was started before; of a helper, its name in
                claims.
    schedules   whether the tables are its business; one process does that.
    living      the numbers of the helpers that lived when this one was started, which matters to the scheduler.
    is_first    whether there was no other process before this one since the data directory was taken: claims that it
                finds are from another life.
    """

    number: int = 0
    schedules: bool = True
    living: frozenset[int] = frozenset()
    is_first: bool = True

    @property
    def owner(self) -> int | None:
        """What stands in rows of mail that this process has accepted."""
        return None if self.schedules else self.number

    def is_dead(self, owner: int) -> bool:
        """Whether claims of that number are nobody's any more. Those started later tell of themselves."""
        return self.is_first or (owner < self.number and owner not in self.living)


ALONE: Final = Crew()


async def claim(tx: Transaction, owners: Iterable[tuple[int, int | None]]) -> None:
    """Keep messages, which are in the tables from now on, for the helpers that have them."""
    await tx.execute_many(_CLAIM, [(number, owner) for number, owner in owners if owner is not None])


async def disclaim(tx: Transaction, ids: Collection[int]) -> None:
    """They are the scheduler's from now on."""
    await tx.execute_many(_DISCLAIM, [(int(number),) for number in ids])


async def claims_of(tx: Transaction, crew: Crew) -> list[int]:
    """The dead who still have claims."""
    return [row[0] for row in await tx.fetch_all(_OWNERS) if crew.is_dead(row[0])]


async def release_claims(tx: Transaction, owner: int) -> set[str]:
    """The helper is dead. The lanes in which it had mail."""
    lanes = {row[0] for row in await tx.fetch_all(_LANES, (owner,))}
    await tx.execute(_RELEASE, (owner,))
    return lanes


async def claimed(tx: Transaction, number: int) -> bool:
    """Whether a helper has the message."""
    return await tx.fetch_one(_CLAIMED, (int(number),)) is not None
