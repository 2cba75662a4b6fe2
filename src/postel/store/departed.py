"""What has left a mailbox lately: so much that a client who has not been told of it can still read it.

Implements  RFC 2180 4.1.1 (messages that were expunged stay until a session has been told).
Gives       Departed.
Not here    The octets: a letter is kept for a time after the last mailbox has lost it (kept).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

from postel.database import Row

MOST: Final = 1000  # messages: the last ones to go
ROW_BYTES: Final = 400


class Departed:
    """By UID, the rows (snapshot.COLUMNS) of the last messages that went, as they were then."""

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def note(self, rows: Iterable[Row]) -> None:
        """These have gone."""
        self._rows.update((row[0], row) for row in rows)
        for uid in list(islice(self._rows, max(len(self._rows) - MOST, 0))):
            del self._rows[uid]

    def rows(self, uids: Iterable[int]) -> list[Row]:
        """Those of the messages that are remembered, in this order."""
        found = map(self._rows.get, uids)
        return [row for row in found if row is not None]
