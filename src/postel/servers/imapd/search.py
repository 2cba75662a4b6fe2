"""SEARCH, SORT, THREAD.

Implements  RFC 9051 6.4.4 (SEARCH, ESEARCH), RFC 5182 (SAVE), RFC 5256 (SORT, THREAD), RFC 5267 3 (ESORT), 4
            (CONTEXT), RFC 9394 3.1 (PARTIAL), RFC 7162 3.1.5 (MODSEQ of the answer).
Gives       HANDLERS, found_of, modseq_of.
Not here    What matches: searching. Orders and threads: message.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from postel.message import (
    IndexedContent,
    SortCriterion,
    SortRow,
    ThreadRow,
    format_threads,
    sort_numbers,
    thread_by_references,
    thread_by_subject,
)
from postel.proto import imap
from postel.proto.imap import (
    NO,
    OK,
    And,
    Fuzzy,
    ModifiedSince,
    Not,
    Or,
    ReturnOption,
    Returns,
    SearchKey,
    Sort,
    SortField,
    Thread,
    ThreadAlgorithm,
    codes,
    responses,
)
from postel.servers.imapd.faults import Denied
from postel.servers.imapd.searching import Search
from postel.store import NoSuchMailbox, Snapshot

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession

_AT_ONCE: Final = 500
_ALL: Final = Returns(frozenset({ReturnOption.ALL}))
_CRITERIA: Final = {
    field: SortCriterion(field.value.decode()) for field in SortField if field is not SortField.RELEVANCY
}
_THREADS: Final = {
    ThreadAlgorithm.ORDEREDSUBJECT: thread_by_subject,
    ThreadAlgorithm.REFERENCES: thread_by_references,
}


async def _search(session: ImapSession, command: imap.Search) -> None:
    search = await _prepared(session, command.key, command.returns)
    uids = await search.find(command.key, is_limited=True)
    is_rev2 = "IMAP4REV2" in session.talk.enabled
    returns = command.returns or (_ALL if is_rev2 else None)  # RFC 9051 6.4.4: rev2 knows ESEARCH only
    modseq = modseq_of(session.box.snapshot, command.key, uids)
    numbers = _numbers(session, uids, uid=command.uid)
    if returns is None:
        await session.send(responses.search(numbers, modseq if numbers else None))
    else:
        found = found_of(returns, numbers, modseq, is_ordered=False)
        _save(session, returns, uids)
        if ReturnOption.UPDATE in returns.options:
            again = partial(_find_newest, session, command.key)
            await session.contexts.keep(again, uids, is_uid=command.uid, is_ordered=False)
        if returns.options != frozenset({ReturnOption.SAVE}):
            await session.send(responses.esearch(session.tag, found, uid=command.uid))
    await session.finish(OK.saying("", search.left), may_expunge=command.uid)


async def _sort(session: ImapSession, command: Sort) -> None:
    uids = await _find(session, command.key, command.returns)
    modseq = modseq_of(session.box.snapshot, command.key, uids)
    program = [(_CRITERIA[key.field], key.is_reverse) for key in command.order if key.field in _CRITERIA]
    ordered = sort_numbers(await _sort_rows(session, uids), program)
    numbers = _numbers(session, ordered, uid=command.uid)
    if command.returns is None:
        await session.send(responses.sort(numbers, modseq if numbers else None))
    else:
        found = found_of(command.returns, numbers, modseq, is_ordered=True)
        _save(session, command.returns, ordered)
        if ReturnOption.UPDATE in command.returns.options:
            again = partial(_find_sorted, session, command, program)
            await session.contexts.keep(again, ordered, is_uid=command.uid, is_ordered=True)
        await session.send(responses.esearch(session.tag, found, uid=command.uid))
    await session.finish(OK, may_expunge=command.uid)


async def _find_sorted(
    session: ImapSession, command: Sort, program: Sequence[tuple[SortCriterion, bool]]
) -> list[int]:
    uids = await _find(session, command.key, None)
    return sort_numbers(await _sort_rows(session, uids), program)


async def _thread(session: ImapSession, command: Thread) -> None:
    uids = await _find(session, command.key, None)
    rows = await _thread_rows(session, uids, uid=command.uid)
    threads = format_threads(_THREADS[command.algorithm](rows))
    await session.send(b"* THREAD %b\r\n" % threads if threads else b"* THREAD\r\n")
    await session.finish(OK, may_expunge=command.uid)


async def _find(session: ImapSession, key: SearchKey, returns: Returns | None) -> list[int]:
    return await (await _prepared(session, key, returns)).find(key)


async def _find_newest(session: ImapSession, key: SearchKey) -> list[int]:
    return await (await _prepared(session, key, None)).find(key, is_limited=True)


async def _prepared(session: ImapSession, key: SearchKey, returns: Returns | None) -> Search:
    """A search of the mailbox as it is now. RFC 5182 2.1: a SAVE that fails leaves nothing saved."""
    box = session.box
    if returns is not None and ReturnOption.SAVE in returns.options:
        box.view.save(())
    if any(_modseq_keys(key)):
        session.talk.enable("CONDSTORE")
    try:
        await box.refresh()
    except NoSuchMailbox:
        raise Denied(NO.saying("The mailbox is gone", codes.NONEXISTENT)) from None
    return Search(session, box)


def _modseq_keys(key: SearchKey) -> Iterable[bool]:
    match key:
        case And(keys):
            for part in keys:
                yield from _modseq_keys(part)
        case Or(one, other):
            yield from _modseq_keys(one)
            yield from _modseq_keys(other)
        case Not(part) | Fuzzy(part):
            yield from _modseq_keys(part)
        case ModifiedSince():
            yield True


def modseq_of(snapshot: Snapshot, key: SearchKey, uids: Sequence[int]) -> int | None:
    """RFC 7162 3.1.5: the highest mod-sequence of what was found, where one was asked for."""
    if not uids or not any(_modseq_keys(key)):
        return None
    return max(
        (snapshot.modseqs[place] for place in snapshot.places(sorted(uids)) if place >= 0), default=None
    )


def _numbers(session: ImapSession, uids: Sequence[int], *, uid: bool) -> list[int]:
    if uid:
        return list(uids)
    view = session.box.view
    if len(uids) == view.exists and list(view.uids) == uids:
        return list(range(1, view.exists + 1))
    found = (view.seq(one) for one in uids)
    return [seq for seq in found if seq is not None]


def found_of(
    returns: Returns, numbers: Sequence[int], modseq: int | None, *, is_ordered: bool
) -> responses.Found:
    """What an ESEARCH response says of these numbers (RFC 9051 6.4.4, RETURN)."""
    options = returns.options
    made = responses.ordered_set if is_ordered else responses.ascending_set
    first, last = (numbers[0], numbers[-1]) if numbers else (None, None)
    window = None
    if returns.partial is not None:
        window = returns.partial, made(numbers[returns.partial.cut(len(numbers))])
    return responses.Found(
        min=first if ReturnOption.MIN in options else None,
        max=last if ReturnOption.MAX in options else None,
        count=len(numbers) if ReturnOption.COUNT in options else None,
        all=made(numbers) if ReturnOption.ALL in options else None,
        partial=window,
        modseq=modseq,
        relevancy=[100] * len(numbers) if ReturnOption.RELEVANCY in options else None,
    )


def _save(session: ImapSession, returns: Returns, uids: Sequence[int]) -> None:
    """RFC 5182 2.4: with MIN or MAX and neither ALL nor COUNT, only these are saved."""
    options = returns.options
    if ReturnOption.SAVE not in options:
        return
    if options & {ReturnOption.MIN, ReturnOption.MAX} and not options & {
        ReturnOption.ALL,
        ReturnOption.COUNT,
    }:
        ends = {ReturnOption.MIN: uids[:1], ReturnOption.MAX: uids[-1:]}
        uids = [uid for option, some in ends.items() if option in options for uid in some]
    session.box.view.save(uids)


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


HANDLERS: Final[Mapping[type, Handler]] = {
    imap.Search: _search,
    Sort: _sort,
    Thread: _thread,
}
