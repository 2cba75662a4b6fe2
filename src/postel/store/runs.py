"""Many messages by UID, read and named in few statements.

Gives       Run, read_runs, pieces, ranges.

UIDs that lie close together are read as one range, and what was not asked for is left out. A run is a sequence of
rows with nothing between them in the mailbox: so one statement with BETWEEN reaches them and no others, as long
as the transaction that read them lasts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from postel.database import Row, Transaction

Run: TypeAlias = list[Row]

_GAP: Final = 16  # so many UIDs that nobody asked for cost less to skip than a statement of their own


async def read_runs(tx: Transaction, mailbox_id: int, uids: Sequence[int], columns: str) -> list[Run]:
    """The messages with these UIDs (ascending) that are there. `columns` of stored_message; the first is uid."""
    sql = f"SELECT {columns} FROM stored_message WHERE mailbox_id = ? AND uid BETWEEN ? AND ? ORDER BY uid"
    runs: list[Run] = []
    for first, last, count in _spans(uids):
        rows = await tx.fetch_all(sql, (mailbox_id, uids[first], uids[last - 1]))
        if count == uids[last - 1] - uids[first] + 1:
            runs.append(rows)
        else:
            runs += _wanted(rows, set(uids[first:last]))
    return [run for run in runs if run]


def _spans(uids: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Places in `uids` where each span begins and ends, and how many are in it."""
    start = 0
    for at in range(1, len(uids) + 1):
        if at == len(uids) or uids[at] - uids[at - 1] > _GAP:
            yield start, at, at - start
            start = at


def _wanted(rows: Iterable[Row], uids: set[int]) -> Iterator[Run]:
    run: Run = []
    for row in rows:
        if row[0] in uids:
            run.append(row)
        else:
            yield run
            run = []
    yield run


def pieces(uids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Of so many each."""
    return (uids[start : start + size] for start in range(0, len(uids), size))


def ranges(uids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Sorted UIDs as ranges without gaps, first and last included."""
    start = 0
    for at in range(1, len(uids) + 1):
        if at == len(uids) or uids[at] != uids[at - 1] + 1:
            yield uids[start], uids[at - 1]
            start = at
