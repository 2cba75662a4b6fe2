"""The messages of a mailbox in a client's order, and as threads.

Implements  RFC 5256 3 (SORT, THREAD), RFC 5957 (DISPLAY).
Gives       sort_uids, threads_of.
Not here    Orders and threads themselves: message. Which messages: searching. What is remembered: kept_answers.

What is asked of a whole mailbox is remembered while the same messages are there, and the dates of their Date fields
beyond that: when letters come, only theirs are read.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from postel.message import (
    IndexedContent,
    SortCriterion,
    SortRow,
    ThreadRow,
    format_threads,
    sort_columns,
    sort_numbers,
    thread_by_references,
    thread_by_subject,
)
from postel.net import without_collection
from postel.proto.imap import ThreadAlgorithm
from postel.servers.imapd.kept_answers import Question

if TYPE_CHECKING:
    from postel.servers.imapd.session import ImapSession

_AT_ONCE: Final = 500
_WORTH_A_WORKER: Final = 2000  # messages: some milliseconds
_OF_ARRAYS: Final = frozenset({SortCriterion.ARRIVAL, SortCriterion.DATE, SortCriterion.SIZE})
_THREADS: Final = {
    ThreadAlgorithm.ORDEREDSUBJECT: thread_by_subject,
    ThreadAlgorithm.REFERENCES: thread_by_references,
}

T = TypeVar("T")

Program: TypeAlias = Sequence[tuple[SortCriterion, bool]]
Columns: TypeAlias = Mapping[SortCriterion, Sequence[float]]


async def sort_uids(session: ImapSession, uids: Sequence[int], program: Program) -> list[int]:
    """Messages of the client's view (ascending), sorted."""
    box, kept = session.box, session.parts.kept_answers
    everybody = box.view.uids
    question: Question[array[int]] = Question(box.id, box.box.uid_validity, ("SORT", tuple(program)))
    order = kept.find(question, everybody)
    if order is not None:
        if len(uids) == len(everybody):
            return order.tolist()
        wanted = frozenset(uids)
        return [uid for uid in order if uid in wanted]
    if _OF_ARRAYS.issuperset(criterion for criterion, _ in program):
        numbers, columns = await _columns(session, uids, program)
        found = await _apart(session, len(numbers), lambda: sort_columns(numbers, columns, program))
    else:
        rows = await _sort_rows(session, uids)
        found = await _apart(session, len(rows), lambda: sort_numbers(rows, program))
    if len(found) == len(everybody):
        kept.keep(question, everybody, array("I", found), 4)
    return found


async def threads_of(
    session: ImapSession, uids: Sequence[int], algorithm: ThreadAlgorithm, *, uid: bool
) -> bytes:
    """Messages of the client's view (ascending) as thread lists, by sequence numbers or by UIDs."""
    box, kept = session.box, session.parts.kept_answers
    everybody = box.view.uids
    question: Question[bytes] = Question(box.id, box.box.uid_validity, ("THREAD", algorithm, uid))
    if len(uids) == len(everybody):
        known = kept.find(question, everybody)
        if known is not None:
            return known
    rows = await _thread_rows(session, uids, uid=uid)
    threads = await _apart(session, len(rows), lambda: format_threads(_THREADS[algorithm](rows)))
    if len(rows) == len(everybody):
        kept.keep(question, everybody, threads, 1)
    return threads


async def _apart(session: ImapSession, items: int, work: Callable[[], T]) -> T:
    """The result of what is only worked out: of many items by a worker, so that others have their turn meanwhile."""
    if items < _WORTH_A_WORKER:
        return work()
    with without_collection():
        return await session.parts.workers.run(work)


async def _sort_rows(session: ImapSession, uids: Sequence[int]) -> list[SortRow]:
    snapshot = session.box.snapshot
    rows: list[SortRow] = []
    async for uid, place, index in _indexes(session, uids):
        keys = index.keys
        arrival_at = snapshot.dates[place]
        rows.append(
            SortRow(
                uid,
                arrival_at,
                keys.sort_cc,
                arrival_at if index.sent_at is None else index.sent_at,
                keys.sort_from,
                snapshot.sizes[place],
                keys.base_subject,
                keys.sort_to,
                keys.display_from,
                keys.display_to,
            )
        )
    return rows


async def _columns(
    session: ImapSession, uids: Sequence[int], program: Program
) -> tuple[Sequence[int], Columns]:
    """The messages that are still there, and what they are sorted by: from arrays, and dates that are remembered."""
    sent = array("d")
    if any(criterion is SortCriterion.DATE for criterion, _ in program):
        uids, sent = await _sent_dates(session, uids)
    snapshot = session.box.snapshot
    places = snapshot.places(uids)
    if isinstance(places, range):
        part = slice(places.start, places.stop)
        dates, sizes = snapshot.dates[part], snapshot.sizes[part]
    else:
        left = [at for at, place in enumerate(places) if place >= 0]
        dates = array("d", [snapshot.dates[places[at]] for at in left])
        sizes = array("Q", [snapshot.sizes[places[at]] for at in left])
        uids, sent = [uids[at] for at in left], array("d", [sent[at] for at in left if sent])
    return uids, {SortCriterion.ARRIVAL: dates, SortCriterion.SIZE: sizes, SortCriterion.DATE: sent}


async def _sent_dates(session: ImapSession, uids: Sequence[int]) -> tuple[Sequence[int], array[float]]:
    """The messages that are still there, and when they were sent, or came where they do not say."""
    box, kept = session.box, session.parts.kept_answers
    question: Question[array[float]] = Question(box.id, box.box.uid_validity, "sent")
    everybody, known = box.view.uids, kept.latest(question)
    if known is not None and known[0] is everybody and len(uids) == len(everybody):
        return uids, known[1]
    sent: dict[int, float] = {} if known is None else dict(zip(*known, strict=True))
    missing = [uid for uid in uids if uid not in sent]
    snapshot = box.snapshot
    async for uid, place, index in _indexes(session, missing):
        sent[uid] = snapshot.dates[place] if index.sent_at is None else index.sent_at
    if (missing or known is None or known[0] is not everybody) and sent.keys() >= set(everybody):
        await asyncio.sleep(0)
        kept.keep(question, everybody, array("d", [sent[uid] for uid in everybody]), 8)
        await asyncio.sleep(0)
    there = [uid for uid in uids if uid in sent]
    return there, array("d", [sent[uid] for uid in there])


async def _thread_rows(session: ImapSession, uids: Sequence[int], *, uid: bool) -> list[ThreadRow]:
    snapshot, view = session.box.snapshot, session.box.view
    rows: list[ThreadRow] = []
    async for one, place, index in _indexes(session, uids):
        keys = index.keys
        number = one if uid else view.seq(one)
        if number is None:
            continue
        sent_at = snapshot.dates[place] if index.sent_at is None else index.sent_at
        rows.append(
            ThreadRow(number, keys.message_id, keys.references, keys.base_subject, keys.is_reply, sent_at)
        )
    return rows


async def _indexes(
    session: ImapSession, uids: Sequence[int]
) -> AsyncIterator[tuple[int, int, IndexedContent]]:
    """(UID, place, index) of each message that is still there."""
    snapshot, index = session.box.snapshot, session.parts.store.index
    for start in range(0, len(uids), _AT_ONCE):
        page = uids[start : start + _AT_ONCE]
        contents = [snapshot.contents[place] for place in snapshot.places(page) if place >= 0]
        blobs = await index.fresh(contents)
        for uid, place in zip(page, snapshot.places(page), strict=True):
            blob = blobs.get(snapshot.contents[place]) if place >= 0 else None
            if blob is not None:
                yield uid, place, IndexedContent.read(blob)
        await asyncio.sleep(0)
