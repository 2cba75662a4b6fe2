"""SEARCH, SORT, THREAD.

Implements  RFC 9051 6.4.4 (SEARCH, ESEARCH), RFC 5182 (SAVE), RFC 5256 (SORT, THREAD), RFC 5267 3 (ESORT), 4
            (CONTEXT), RFC 9394 3.1 (PARTIAL), RFC 7162 3.1.5 (MODSEQ of the answer).
Gives       HANDLERS, found_of, modseq_of, keep_found, saving.
Not here    What matches: searching. Orders and threads: orders.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final

from postel.message import SortCriterion
from postel.proto import imap
from postel.proto.imap import (
    NO,
    OK,
    InUnknownCharset,
    ModifiedSince,
    ReturnOption,
    Returns,
    SearchKey,
    Sort,
    SortField,
    Thread,
    codes,
    leaves_of,
    responses,
)
from postel.servers.imapd.faults import Denied
from postel.servers.imapd.orders import sort_uids, threads_of
from postel.servers.imapd.searching import Search
from postel.store import NoSuchMailbox, Snapshot

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession

_ALL: Final = Returns(frozenset({ReturnOption.ALL}))
_NAMING: Final = frozenset({ReturnOption.MIN, ReturnOption.MAX, ReturnOption.PARTIAL})
_AT_ONCE: Final = 10_000  # numbers: a millisecond or two
_CRITERIA: Final = {
    field: SortCriterion(field.value.decode()) for field in SortField if field is not SortField.RELEVANCY
}


async def _search(session: ImapSession, command: imap.Search) -> None:
    with saving(session, command.key, command.returns):
        search = await _prepared(session, command.key)
        uids = await search.find(command.key, is_limited=True)
    is_rev2 = "IMAP4REV2" in session.talk.enabled
    returns = command.returns or (_ALL if is_rev2 else None)  # RFC 9051 6.4.4: rev2 knows ESEARCH only
    modseq = modseq_of(session.box.snapshot, command.key, _told(returns, uids))
    numbers = await _numbers(session, uids, uid=command.uid)
    if returns is None:
        await session.send(responses.search(numbers, modseq if numbers else None))
    else:
        found = found_of(returns, numbers, modseq, is_ordered=False)
        await keep_found(session, command.key, returns, uids, is_uid=command.uid)
        await _tell(session, returns, found, uid=command.uid)
    await session.finish(OK.saying("", search.left), may_expunge=command.uid)


async def keep_found(
    session: ImapSession, key: SearchKey, returns: Returns, uids: Sequence[int], *, is_uid: bool
) -> None:
    """Save what was found, and keep it up to date, where that is asked for (RFC 5182 2.1, RFC 5267 4.3)."""
    _save(session, returns, uids)
    if ReturnOption.UPDATE in returns.options:
        again = partial(_find_newest, session, key)
        await session.contexts.keep(again, uids, returns.items, is_uid=is_uid, is_ordered=False)


async def _sort(session: ImapSession, command: Sort) -> None:
    program = [(_CRITERIA[key.field], key.is_reverse) for key in command.order if key.field in _CRITERIA]
    with saving(session, command.key, command.returns):
        uids = await _find(session, command.key)
        ordered = await sort_uids(session, uids, program)
    modseq = modseq_of(session.box.snapshot, command.key, _told(command.returns, uids))
    numbers = await _numbers(session, ordered, uid=command.uid)
    if command.returns is None:
        await session.send(responses.sort(numbers, modseq if numbers else None))
    else:
        found = found_of(command.returns, numbers, modseq, is_ordered=True)
        _save(session, command.returns, ordered)
        if ReturnOption.UPDATE in command.returns.options:
            again = partial(_find_sorted, session, command, program)
            items = command.returns.items
            await session.contexts.keep(again, ordered, items, is_uid=command.uid, is_ordered=True)
        await _tell(session, command.returns, found, uid=command.uid)
    await session.finish(OK, may_expunge=command.uid)


async def _tell(session: ImapSession, returns: Returns, found: responses.Found, *, uid: bool) -> None:
    """RFC 5182 2.4: of what is only to be saved nothing is told."""
    if returns.options != frozenset({ReturnOption.SAVE}):
        await session.send(responses.esearch(session.tag, found, uid=uid))


async def _find_sorted(
    session: ImapSession, command: Sort, program: Sequence[tuple[SortCriterion, bool]]
) -> list[int]:
    uids = await _find(session, command.key)
    return await sort_uids(session, uids, program)


async def _thread(session: ImapSession, command: Thread) -> None:
    with saving(session, command.key, None):
        uids = await _find(session, command.key)
    threads = await threads_of(session, uids, command.algorithm, uid=command.uid)
    await session.send(b"* THREAD %b\r\n" % threads if threads else b"* THREAD\r\n")
    await session.finish(OK, may_expunge=command.uid)


@contextmanager
def saving(session: ImapSession, key: SearchKey, returns: Returns | None) -> Iterator[None]:
    """RFC 5182 2.1: while a search goes on, `$` is what it was; when it fails, and was to be saved, nothing is.

    Raises Denied where the program's charset is not known.
    """
    try:
        if isinstance(key, InUnknownCharset):
            raise Denied(NO.saying("Unknown charset", codes.bad_charset(key.known)))
        yield
    except Exception:
        if returns is not None and ReturnOption.SAVE in returns.options and session.selected is not None:
            session.selected.view.save(())
        raise


async def _find(session: ImapSession, key: SearchKey) -> list[int]:
    return await (await _prepared(session, key)).find(key)


async def _find_newest(session: ImapSession, key: SearchKey) -> list[int]:
    return await (await _prepared(session, key)).find(key, is_limited=True)


async def _prepared(session: ImapSession, key: SearchKey) -> Search:
    """A search of the mailbox as it is now."""
    box = session.box
    if _asks_modseq(key):
        await session.enable_condstore()
    try:
        await box.refresh()
    except NoSuchMailbox:
        raise Denied(NO.saying("The mailbox is gone", codes.NONEXISTENT)) from None
    return Search(session, box)


def _asks_modseq(key: SearchKey) -> bool:
    return any(isinstance(leaf, ModifiedSince) for leaf in leaves_of(key))


def modseq_of(snapshot: Snapshot, key: SearchKey, uids: Sequence[int]) -> int | None:
    """RFC 7162 3.1.5: the highest mod-sequence of what was found, where one was asked for."""
    if not uids or not _asks_modseq(key):
        return None
    return max(
        (snapshot.modseqs[place] for place in snapshot.places(sorted(uids)) if place >= 0), default=None
    )


def _told(returns: Returns | None, uids: Sequence[int]) -> Sequence[int]:
    """RFC 4731 3.2: with MIN or MAX alone, the mod-sequence is of these."""
    if returns is None or not returns.options or returns.options & {ReturnOption.ALL, ReturnOption.COUNT}:
        return uids
    return _ends(returns, uids) or uids


def _ends(returns: Returns, uids: Sequence[int]) -> list[int]:
    """The messages that MIN and MAX name, as far as they are asked for."""
    ends = {ReturnOption.MIN: uids[:1], ReturnOption.MAX: uids[-1:]}
    return [uid for option, some in ends.items() if option in returns.options for uid in some]


async def _numbers(session: ImapSession, uids: Sequence[int], *, uid: bool) -> list[int]:
    """What the client knows messages by; of many, in steps between which others have their turn."""
    if uid:
        return list(uids)
    view = session.box.view
    if len(uids) == view.exists and list(view.uids) == uids:
        return list(range(1, view.exists + 1))
    if len(uids) * 8 > view.exists:
        seqs = dict(zip(view.uids, count(1)))
        seq_of: Callable[[int], int | None] = seqs.get
    else:
        seq_of = view.seq
    numbers: list[int] = []
    for start in range(0, len(uids), _AT_ONCE):
        if start:
            await asyncio.sleep(0)
        numbers += [seq for seq in map(seq_of, uids[start : start + _AT_ONCE]) if seq is not None]
    return numbers


def found_of(
    returns: Returns, numbers: Sequence[int], modseq: int | None, *, is_ordered: bool
) -> responses.Found:
    """What an ESEARCH response says of these numbers (RFC 9051 6.4.4, RETURN)."""
    options = returns.options
    made = responses.ordered_set if is_ordered else responses.ascending_set
    first, last = (numbers[0], numbers[-1]) if numbers else (None, None)
    window = None
    if returns.partial is not None:
        window = returns.partial.outward(), made(numbers[returns.partial.cut(len(numbers))])
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
    """RFC 5182 2.4, RFC 9394 3.2: with MIN, MAX or PARTIAL and neither ALL nor COUNT, only what these name is saved."""
    options = returns.options
    if ReturnOption.SAVE not in options:
        return
    if options & _NAMING and not options & {ReturnOption.ALL, ReturnOption.COUNT}:
        window = [] if returns.partial is None else uids[returns.partial.cut(len(uids))]
        uids = sorted({*_ends(returns, uids), *window})
    session.box.view.save(uids)


HANDLERS: Final[Mapping[type, Handler]] = {
    imap.Search: _search,
    Sort: _sort,
    Thread: _thread,
}
