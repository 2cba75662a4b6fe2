"""Many messages by UID, read and named in few statements.

Gives       BETWEEN, Stretch, find_stretches, Run, read_runs, pieces, ranges.

A stretch is messages that are there, as a condition: so one statement copies or removes a thousand, or as many as lie
side by side, and none of them passes through Python.

UIDs that lie close together are read as one range, and what was not asked for is left out. A run is a sequence of
rows with nothing between them in the mailbox: so one statement with BETWEEN reaches them and no others, as long
as the transaction that read them lasts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from postel.database import Row, Transaction, Value

Run: TypeAlias = list[Row]

_GAP: Final = 16  # so many UIDs that nobody asked for cost less to skip than a statement of their own
_SIDE_BY_SIDE: Final = 64  # so many are worth a stretch of their own
_NAMED: Final = 1000  # UIDs that one statement names

BETWEEN: Final = "mailbox_id = ? AND uid BETWEEN ? AND ?"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages that are there. `where` is true of them and of no others, as long as the transaction lasts."""

    uids: Sequence[int]
    where: str
    params: Sequence[Value]


async def find_stretches(tx: Transaction, mailbox_id: int, uids: Sequence[int]) -> list[Stretch]:
    """Those of the messages (UIDs ascending) that are there, in order."""
    found: list[Stretch] = []
    for group in _groups(uids):
        if isinstance(group, range):
            found.append(await _side_by_side(tx, mailbox_id, group))
        else:
            found.append(await _named(tx, mailbox_id, group))
    return [stretch for stretch in found if stretch.uids]


async def _side_by_side(tx: Transaction, mailbox_id: int, uids: range) -> Stretch:
    params = (mailbox_id, uids[0], uids[-1])
    row = await tx.fetch_one(f"SELECT COUNT(*) FROM stored_message WHERE {BETWEEN}", params)
    there: Sequence[int] = uids
    if row is None or row[0] != len(uids):
        sql = f"SELECT uid FROM stored_message WHERE {BETWEEN} ORDER BY uid"
        there = [uid for (uid,) in await tx.fetch_all(sql, params)]
    return Stretch(there, BETWEEN, params)


async def _named(tx: Transaction, mailbox_id: int, uids: Sequence[int]) -> Stretch:
    where = f"mailbox_id = ? AND uid IN ({', '.join('?' * len(uids))})"
    params = (mailbox_id, *uids)
    rows = await tx.fetch_all(f"SELECT uid FROM stored_message WHERE {where} ORDER BY uid", params)
    return Stretch([uid for (uid,) in rows], where, params)


def _groups(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    """In order: a range of what lies side by side, or some that do not."""
    single: list[int] = []
    for first, last in ranges(uids):
        if single and (last - first >= _SIDE_BY_SIDE or len(single) + last - first >= _NAMED):
            yield single
            single = []
        if last - first >= _SIDE_BY_SIDE:
            yield range(first, last + 1)
        else:
            single += range(first, last + 1)
    if single:
        yield single


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
    if uids and uids[-1] - uids[0] == len(uids) - 1:
        yield uids[0], uids[-1]
        return
    start = 0
    for at in range(1, len(uids) + 1):
        if at == len(uids) or uids[at] != uids[at - 1] + 1:
            yield uids[start], uids[at - 1]
            start = at
