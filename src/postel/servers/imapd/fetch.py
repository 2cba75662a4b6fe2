"""FETCH.

Implements  RFC 9051 6.4.5, RFC 7162 3.1.4.1 (CHANGEDSINCE), 3.2.6 (VANISHED), RFC 9394 3.2 (PARTIAL), RFC 9586,
            RFC 2180 4.1.1 (what went, and the client has not been told of, is read all the same).
Gives       HANDLERS, fetch_fresh.
Not here    Items: fetch_plan, fetch_columns, fetch_sections. VANISHED: vanished. What is read beforehand: fetch_ahead.

Messages are taken a page at a time, between which other sessions have their turn. Where all items are columns, a
page is made in one go; else message by message, as the client takes their octets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from postel.net import ConnectionLost
from postel.proto.imap import OK, Fetch, FetchAtom, FetchItem, UidSet, codes, responses
from postel.servers.imapd.faults import SOME_GONE, TROUBLES
from postel.servers.imapd.fetch_columns import Needs, Page
from postel.servers.imapd.fetch_plan import Bulk, Plan, planned
from postel.servers.imapd.fetch_sections import Sections
from postel.servers.imapd.message_limit import newest_spans, one_code, refuse_window
from postel.servers.imapd.vanished import gone_since
from postel.store import FlagChange, Flags, How, LetterPage

if TYPE_CHECKING:
    from postel.servers.imapd.selected import Selected
    from postel.servers.imapd.session import Handler, ImapSession

_ARRAYS_AT_ONCE: Final = 2000  # messages: a few milliseconds each
_INDEX_AT_ONCE: Final = 250
_BODIES_AT_ONCE: Final = 32
# A page of no more messages is no reason to let others in: the drive does, between commands.
_ALONE: Final = 4


async def _fetch(session: ImapSession, command: Fetch) -> None:
    box = session.box
    if command.changed_since is not None or FetchAtom.MODSEQ in command.items:
        await session.enable_condstore()  # RFC 7162 3.1: asking is enabling
    refuse_window(session, command.partial)
    plan = planned(_items(session, command))
    await box.refresh()
    spans = box.spans(command.numbers, uid=command.uid)
    if command.vanished and command.changed_since is not None:
        await _tell_vanished(session, command)
    if command.changed_since is not None or command.partial is not None:
        spans = _chosen(box, spans, command)
    spans, left = newest_spans(session, box, spans)
    if plan.sets_seen and not box.is_read_only and "s" in box.rights:
        plan = await _set_seen(session, spans, plan, command)
    is_complete = await _write_all(session, spans, plan)
    result = OK.saying("", left)
    if not is_complete and not command.uid:
        result = OK.saying("", await one_code(session, codes.EXPUNGEISSUED, left)) if left else SOME_GONE
    await session.finish(result, may_expunge=command.uid)


def _items(session: ImapSession, command: Fetch) -> Sequence[FetchItem]:
    items = list(command.items)
    # RFC 9051 6.4.9: with UID FETCH the UID comes in any case; under UIDONLY (RFC 9586 3.3) it stands in front, and is
    # repeated for who asks.
    is_in_front = "UIDONLY" in session.talk.enabled
    if command.uid and not is_in_front and FetchAtom.UID not in items:
        items.insert(0, FetchAtom.UID)
    if command.changed_since is not None and FetchAtom.MODSEQ not in items:
        items.append(FetchAtom.MODSEQ)  # RFC 7162 3.1.4.1
    return items


async def _tell_vanished(session: ImapSession, command: Fetch) -> None:
    """RFC 7162 3.2.6: those of the set that went since."""
    box = session.box
    asked = command.numbers.resolve(max(box.box.uid_next - 1, 1))
    gone = await gone_since(session, box, command.changed_since or 0, asked)
    if gone:
        await session.send(responses.vanished(gone, earlier=True))


def _chosen(box: Selected, spans: list[range], command: Fetch) -> list[range]:
    view, snapshot = box.view, box.snapshot
    places = list(chain.from_iterable(spans))
    if command.partial is not None:  # RFC 9394 3.4: first the window, and of it what changed
        places = places[command.partial.cut(len(places))]
    if command.changed_since is not None:
        since = command.changed_since
        found = snapshot.places([view.uids[place] for place in places])
        pairs = zip(places, found, strict=True)
        places = [place for place, at in pairs if at >= 0 and snapshot.modseqs[at] > since]
    return _spans(places)


def _spans(places: Sequence[int]) -> list[range]:
    spans: list[range] = []
    for place in places:
        if spans and spans[-1].stop == place:
            spans[-1] = range(spans[-1].start, place + 1)
        else:
            spans.append(range(place, place + 1))
    return spans


async def _set_seen(session: ImapSession, spans: list[range], plan: Plan, command: Fetch) -> Plan:
    """Set \\Seen where it is not; the new flags come with the messages, not after them."""
    box = session.box
    snapshot = box.snapshot
    uids = box.view.pick(spans)
    unseen = [
        uid
        for uid, place in zip(uids, snapshot.places(uids), strict=True)
        if place >= 0 and not snapshot.flag_set(place).flags & Flags.SEEN
    ]
    if not unseen:
        return plan
    await session.parts.store.change_flags(box.id, unseen, FlagChange(How.ADD, Flags.SEEN))
    await box.refresh()
    box.view.hush(unseen)
    if FetchAtom.FLAGS in command.items:
        return plan
    items = [*_items(session, command), FetchAtom.FLAGS]
    if "CONDSTORE" in session.talk.enabled and FetchAtom.MODSEQ not in items:
        items.append(FetchAtom.MODSEQ)
    return planned(items)


async def _write_all(session: ImapSession, spans: list[range], plan: Plan) -> bool:
    """All messages; whether none was gone for good."""
    size = _BODIES_AT_ONCE
    if plan.bulk is not None:
        size = _INDEX_AT_ONCE if plan.bulk.needs else _ARRAYS_AT_ONCE
    is_complete = True
    for span in spans:
        for start in range(span.start, span.stop, size):
            page = _page(session, range(start, min(start + size, span.stop)))
            is_complete &= await _write_page(session, page, plan)
            if len(page.uids) > _ALONE:
                await asyncio.sleep(0)
    return is_complete


def _page(session: ImapSession, span: range) -> Page:
    """The messages at these places of the client's numbering."""
    box, enabled = session.box, session.talk.enabled
    uids: Sequence[int] = box.view.uids[span.start : span.stop]
    numbers: Sequence[int] = uids if "UIDONLY" in enabled else range(span.start + 1, span.stop + 1)
    places = box.snapshot.places(uids)
    page = Page(box, box.snapshot, numbers, uids, places, "UTF8=ACCEPT" in enabled, "IMAP4REV2" in enabled)
    if not isinstance(places, range) and -1 in places:
        _keep(page, places, [place >= 0 for place in places])
    return page


def _keep(page: Page, places: Sequence[int], are_there: Sequence[bool]) -> None:
    """Leave in the page what is there; of the rest, remember what it was."""
    rows = list(zip(page.numbers, page.uids, places, are_there, strict=True))
    page.missed += [row[:2] for row in rows if not row[3]]
    page.numbers, page.uids, page.places = ([row[n] for row in rows if row[3]] for n in range(3))


async def _write_page(session: ImapSession, page: Page, plan: Plan) -> bool:
    """A page; whether none of it was gone for good."""
    if len(page.uids) and (plan.bulk is None or not await _write_bulk(session, page, plan.bulk)):
        await _write_parts(session, page, plan)
    return not page.missed or await _write_departed(session, page, plan)


async def _write_parts(session: ImapSession, page: Page, plan: Plan) -> None:
    store = session.parts.store
    for start in range(0, len(page.uids), _BODIES_AT_ONCE):
        part = page.part(start, start + _BODIES_AT_ONCE)
        found = await session.box.ahead.page(store, session.box, part.uids)
        if Needs.LETTERS in plan.needs:
            found = replace(found, letters=await store.threaded(session.box.id, part.uids))
        await _write_streamed(session, part, found, plan)


async def _write_departed(session: ImapSession, page: Page, plan: Plan) -> bool:
    """RFC 2180 4.1.1: what of a page has gone, and the client was not told of; whether all of it is still to be had."""
    number_of = {uid: number for number, uid in page.missed}
    uids = sorted(number_of)
    for start in range(0, len(uids), _BODIES_AT_ONCE):
        left = page.snapshot.departed(uids[start : start + _BODIES_AT_ONCE])
        numbers = [number_of.pop(uid) for uid in left.uids]
        places = range(len(left.uids))
        part = replace(page, snapshot=left, numbers=numbers, uids=left.uids, places=places, missed=[])
        await _write_streamed(session, part, await session.parts.store.departed(left), plan)
        number_of.update((uid, number) for number, uid in part.missed)
    return not number_of


async def _write_bulk(session: ImapSession, page: Page, bulk: Bulk) -> bool:
    """The whole page at once; False where an index lacks something."""
    if bulk.needs:
        await _load(session, page, bulk.needs)
        page = _there(page, bulk.needs)
    columns = [column(page) for column in bulk.columns]
    if bulk.may_lack:
        columns = list(map(list, columns))  # looked at here, and read again below
        if any(None in column for column in columns):
            return False
    is_uid_only = "UIDONLY" in session.talk.enabled
    await session.send(responses.fetch_lines(bulk.templates, page.numbers, *columns, uid_only=is_uid_only))
    return True


async def _load(session: ImapSession, page: Page, needs: Needs) -> None:
    store, box = session.parts.store, session.box
    if Needs.LETTERS in needs:
        page.letters = await store.threaded(box.id, page.uids)
    if Needs.PREFIXES in needs:
        page.prefixes = await store.prefixes(box.id, page.uids)
    if Needs.INDEX in needs:
        page.blobs = await store.index.fresh(page.contents)


def _there(page: Page, needs: Needs) -> Page:
    """The page without what went while its letters and indexes were read: that may have moved the arrays on."""
    places = page.snapshot.places(page.uids)
    contents, sources = page.snapshot.contents, page.sources(needs)
    if isinstance(places, range):
        there = contents[places.start : places.stop]
        is_whole = Needs.INDEX not in needs or all(map(page.blobs.__contains__, there))
        if is_whole and all(len(source) == len(page.uids) for source in sources):
            page.places = places
            return page
    are_there = [
        place >= 0
        and all(uid in source for source in sources)
        and (Needs.INDEX not in needs or contents[place] in page.blobs)
        for uid, place in zip(page.uids, places, strict=True)
    ]
    _keep(page, places, are_there)
    return page


async def _write_streamed(session: ImapSession, page: Page, found: LetterPage, plan: Plan) -> None:
    """Message by message, as the client takes them."""
    page.letters, page.blobs = found.letters, found.blobs
    page = _there(page, Needs.LETTERS | Needs.INDEX)
    contents = page.contents
    columns = [None if item.column is None else list(item.column(page)) for item in plan.items]
    blobs = [page.blobs[content_id] for content_id in contents]
    is_uid_only = "UIDONLY" in session.talk.enabled
    for n, (number, uid) in enumerate(zip(page.numbers, page.uids, strict=True)):
        letter = page.letters[uid]
        sections = Sections(session, letter, blobs[n], found.contents.get(letter.content_id))
        values = [None if column is None else column[n] for column in columns]
        begin = responses.fetch_begin(number, uid_only=is_uid_only)
        if (whole := _at_hand(plan, sections, values)) is not None:
            await session.send(begin + whole + responses.FETCH_END)
            continue
        for section in plan.sections:
            await sections.check(section)
        await session.send(begin)
        try:
            await _write_message(session, plan, sections, values)
        except TROUBLES as trouble:
            # A literal that was announced cannot be taken back: nothing can be said any more.
            raise ConnectionLost(f"cut within a message: {trouble}") from trouble


def _at_hand(plan: Plan, sections: Sections, values: Sequence[object]) -> bytes | None:
    """All items of a message; None where some must be waited for."""
    items: list[bytes] = []
    for item, value in zip(plan.items, values, strict=True):
        template, section = item.template, item.section
        written = template % value if section is None else sections.at_hand(template, section)
        if written is None:
            return None
        items.append(written)
    return b" ".join(items)


async def _write_message(
    session: ImapSession, plan: Plan, sections: Sections, values: Sequence[object]
) -> None:
    for place, (item, value) in enumerate(zip(plan.items, values, strict=True)):
        if place:
            session.talk.send(b" ")
        if item.section is None:
            await session.send(item.template % value)
        else:
            await sections.write(item.template, item.section)
    await session.send(responses.FETCH_END)


async def fetch_fresh(session: ImapSession, uids: Sequence[int], items: Sequence[FetchItem]) -> None:
    """Tell these items of messages that the client has just been told of."""
    box = session.box
    wanted = items if FetchAtom.UID in items or "UIDONLY" in session.talk.enabled else (FetchAtom.UID, *items)
    await _write_all(session, box.view.uid_spans(UidSet.of(uids).ranges), planned(wanted))


HANDLERS: Final[Mapping[type, Handler]] = {Fetch: _fetch}
