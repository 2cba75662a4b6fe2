"""Letters that came without being read are indexed soon after, so that nobody has to wait for it.

Gives       Indexer.
Not here    One content: index. Threads: threads. Most letters are indexed as they come: coming.

In order of their ids, some at a time; how far it has come is kept in the transaction that keeps what was found. So a
crash costs one batch, and a delivery nothing. It begins when no more letters come for a moment, or after five seconds,
and takes half of the time at most, and less while letters come in: who delivers goes first, since whoever looks at a
letter before its turn has it indexed at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from postel.database import Database, DatabaseTrouble, Row, Transaction
from postel.observe import logger
from postel.store.coming import UNREAD
from postel.store.following import Follower
from postel.store.index import ContentIndex, is_fresh, keep_blobs
from postel.store.threads import NewLetter, assign_threads, thread_keys
from postel.store.walking import reach, reached

BATCH: Final = 32
PROGRESS: Final = "index"
_GATHER_S: Final = 1.0  # no more letters have come for so long

log = logger("store")

_NEXT: Final = f"""
SELECT id, content_id, thread_id FROM stored_letter WHERE thread_id = 0 AND id > ? ORDER BY id LIMIT {BATCH}"""


class Indexer:
    """Indexes all letters of a database, in the background of one process."""

    def __init__(self, database: Database, index: ContentIndex) -> None:
        self._database = database
        self._index = index
        follower = Follower(database, UNREAD, self._batch, _tell, gather_s=_GATHER_S)
        self.start, self.close, self.catch_up = follower.start, follower.close, follower.catch_up

    async def _batch(self) -> bool:
        """Index the next letters; whether there were any."""
        after = await self._database.read(lambda tx: reached(tx, PROGRESS))
        rows = await self._database.read(lambda tx: tx.fetch_all(_NEXT, (after,)))
        if not rows:
            return False
        found = await self._index.known([row[1] for row in rows])
        known = {content_id: blob for content_id, blob in found.items() if is_fresh(blob)}
        made = await self._make(dict.fromkeys(row[1] for row in rows if row[1] not in known))
        await self._database.write(lambda tx: _record(tx, rows, known, made))
        return True

    async def _make(self, content_ids: Mapping[int, None]) -> dict[int, bytes]:
        made: dict[int, bytes] = {}
        for content_id in content_ids:
            blob = await self._index.make(content_id)
            if blob is not None:
                made[content_id] = blob
        return made


def _tell(trouble: DatabaseTrouble) -> None:
    log.trouble("store_untidy", because=str(trouble))


async def _record(
    tx: Transaction, rows: Sequence[Row], known: Mapping[int, bytes], made: Mapping[int, bytes]
) -> None:
    await keep_blobs(tx, made)
    blobs = {**known, **made}
    new = [
        NewLetter(letter_id, thread_keys(blobs[content_id]))
        for letter_id, content_id, thread_id in rows
        if not thread_id and content_id in blobs
    ]
    await assign_threads(tx, new)
    await reach(tx, PROGRESS, rows[-1][0])
