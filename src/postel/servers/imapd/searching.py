"""Find the messages of the selected mailbox that a search program matches.

Implements  RFC 9051 6.4.4, RFC 5032 (WITHIN), RFC 5182 ($), RFC 7162 3.1.5 (MODSEQ), RFC 8474 6, RFC 8514 4.3,
            RFC 6203 (FUZZY: answered exactly).
Gives       Search.
Not here    Texts: search_texts. What FILTER stands for: filters. How the answer is written: search.

What arrays can tell is looked at first, a page of messages at a time, and of what is left only, texts are asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from postel.proto.imap import (
    And,
    Code,
    Dated,
    DateOf,
    Fuzzy,
    HasFlag,
    HasObjectId,
    InBody,
    InHeader,
    InText,
    ModifiedSince,
    Not,
    Numbered,
    Or,
    Order,
    SaveDateSupported,
    SearchKey,
    Sized,
    UidSet,
    Within,
    leaves_of,
)
from postel.servers.imapd.filters import Filters
from postel.servers.imapd.flags import FLAGS_BY_NAME
from postel.servers.imapd.message_limit import newest
from postel.servers.imapd.object_ids import email_of
from postel.servers.imapd.search_texts import Texts

if TYPE_CHECKING:
    from postel.servers.imapd.selected import Selected
    from postel.servers.imapd.session import ImapSession

_AT_ONCE: Final = 1000  # messages: a few milliseconds
_DAY_S: Final = 86400

# (place in the snapshot, UID) -> whether it matches
_Test: TypeAlias = Callable[[int, int], bool]
_Awaited: TypeAlias = InHeader | InBody | InText | Dated | HasObjectId


class Search:
    """One search program, on the mailbox as it is when `find` is called."""

    def __init__(self, session: ImapSession, box: Selected) -> None:
        self._session = session
        self._box = box
        self._now = session.parts.clock.now()
        self._texts = Texts(session, box)
        self._found: dict[SearchKey, frozenset[int]] = {}
        self.left: Code | None = None

    async def find(self, key: SearchKey, *, is_limited: bool = False) -> list[int]:
        """The UIDs of what matches, ascending. Raises Denied, DatabaseTrouble.

        `is_limited`: look at no more messages than one command may; `left` says so then (RFC 9738).
        """
        key = await Filters(self._session).replaced(key)
        program = key.keys if isinstance(key, And) else (key,)
        cheap = [part for part in program if not any(_awaited(part))]
        dear = [part for part in program if any(_awaited(part))]
        uids: Sequence[int] = self._box.view.uids
        if is_limited and self._session.options.limits.messages:
            # What a program names by numbers is what it looks at.
            named = await self._filter(uids, [part for part in cheap if isinstance(part, Numbered)])
            uids, self.left = newest(self._session, named)
        uids = await self._filter(uids, cheap)
        for leaf in dict.fromkeys(leaf for part in dear for leaf in _awaited(part)):
            self._found[leaf] = await self._ask(leaf, uids)
        # The commonest programs are a text, and nothing else that is to be looked at again.
        for text in [part for part in dear if part in self._found]:
            hits = self._found[text]
            uids = [uid for uid in uids if uid in hits]
            dear.remove(text)
        return await self._filter(uids, dear) if dear else list(uids)

    async def _filter(self, uids: Sequence[int], keys: Sequence[SearchKey]) -> list[int]:
        tests = [self._test(key) for key in keys]
        found: list[int] = []
        for start in range(0, len(uids), _AT_ONCE):
            page = uids[start : start + _AT_ONCE]
            rows = zip(self._box.snapshot.places(page), page, strict=True)
            if tests:
                found += [
                    uid for place, uid in rows if place >= 0 and all(test(place, uid) for test in tests)
                ]
            else:
                found += [uid for place, uid in rows if place >= 0]
            if start:
                await asyncio.sleep(0)
        return found

    async def _ask(self, leaf: _Awaited, uids: Sequence[int]) -> frozenset[int]:
        match leaf:
            case InHeader(field, text):
                return await self._texts.in_header(field, text, uids)
            case InBody(text):
                return await self._texts.in_body(text, uids)
            case InText(text):
                return await self._texts.in_text(text, uids)
            case Dated():
                return await self._texts.sent(lambda day: _compared(day, leaf), uids)
            case HasObjectId():
                return await self._texts.in_thread(leaf.object_id, uids)

    # --- tests -------------------------------------------------------------------------------------------

    def _test(self, key: SearchKey) -> _Test:
        found = self._found.get(key)
        if found is not None:
            return lambda place, uid: uid in found
        return _TESTS[type(key)](self, key)

    def _and(self, key: And) -> _Test:
        tests = [self._test(part) for part in key.keys]
        return lambda place, uid: all(test(place, uid) for test in tests)

    def _or(self, key: Or) -> _Test:
        one, other = self._test(key.one), self._test(key.other)
        return lambda place, uid: one(place, uid) or other(place, uid)

    def _not(self, key: Not) -> _Test:
        test = self._test(key.key)
        return lambda place, uid: not test(place, uid)

    def _fuzzy(self, key: Fuzzy) -> _Test:
        return self._test(key.key)

    def _has_flag(self, key: HasFlag) -> _Test:
        snapshot = self._box.snapshot
        if key.flag == b"\\Recent":
            recent = self._box.recent
            return lambda place, uid: uid in recent
        flag = FLAGS_BY_NAME.get(key.flag)
        keyword = key.flag.decode("ascii", "replace").casefold()
        known: dict[int, bool] = {}

        def test(place: int, uid: int) -> bool:
            number = snapshot.flags[place]
            has = known.get(number)
            if has is None:
                entry = snapshot.flag_sets[number]
                has = (
                    bool(entry.flags & flag)
                    if flag is not None
                    else keyword in {word.casefold() for word in entry.keywords}
                )
                known[number] = has
            return has

        return test

    def _dated(self, key: Dated) -> _Test:
        snapshot = self._box.snapshot
        return lambda place, uid: _compared(
            _day((snapshot.dates if key.of is DateOf.INTERNAL else snapshot.saved)[place]), key
        )

    def _within(self, key: Within) -> _Test:
        snapshot, edge = self._box.snapshot, self._now - key.seconds
        if key.is_younger:
            return lambda place, uid: snapshot.dates[place] >= edge
        return lambda place, uid: snapshot.dates[place] <= edge

    def _sized(self, key: Sized) -> _Test:
        snapshot, size = self._box.snapshot, key.size_bytes
        if key.is_larger:
            return lambda place, uid: snapshot.sizes[place] > size
        return lambda place, uid: snapshot.sizes[place] < size

    def _numbered(self, key: Numbered) -> _Test:
        view = self._box.view
        if key.numbers.is_saved:
            saved = frozenset(view.saved)
            return lambda place, uid: uid in saved
        if key.is_uid:
            uids = key.numbers.resolve(view.last_uid)
            return lambda place, uid: uid in uids
        # RFC 9051 6.4.4: a number that no message has matches none; a search for it is no fault.
        spans = view.seq_spans(key.numbers.resolve(view.exists).ranges)
        wanted = UidSet.of(view.pick(spans))
        return lambda place, uid: uid in wanted

    def _modified(self, key: ModifiedSince) -> _Test:
        snapshot = self._box.snapshot
        return lambda place, uid: snapshot.modseqs[place] >= key.modseq

    def _email(self, key: HasObjectId) -> _Test:
        snapshot = self._box.snapshot
        number = email_of(key.object_id)
        return lambda place, uid: snapshot.letters[place] == number

    def _always(self, key: SaveDateSupported) -> _Test:
        return lambda place, uid: True


_TESTS: Final[Mapping[type, Callable[[Search, Any], _Test]]] = {
    And: Search._and,
    Or: Search._or,
    Not: Search._not,
    Fuzzy: Search._fuzzy,
    HasFlag: Search._has_flag,
    Dated: Search._dated,
    Within: Search._within,
    Sized: Search._sized,
    Numbered: Search._numbered,
    ModifiedSince: Search._modified,
    HasObjectId: Search._email,
    SaveDateSupported: Search._always,
}


def _awaited(key: SearchKey) -> Iterator[_Awaited]:
    """The parts of a key that arrays cannot answer."""
    for leaf in leaves_of(key):
        match leaf:
            case InHeader() | InBody() | InText() | Dated(of=DateOf.SENT) | HasObjectId(is_thread=True):
                yield leaf


def _day(moment: float) -> int:
    return int(moment // _DAY_S)


_EPOCH: Final = date(1970, 1, 1).toordinal()


def _compared(day: int, key: Dated) -> bool:
    """Whether a day, counted from 1970, is where the key wants it."""
    wanted = key.date.toordinal() - _EPOCH
    match key.order:
        case Order.BEFORE:
            return day < wanted
        case Order.ON:
            return day == wanted
        case Order.SINCE:
            return day >= wanted
