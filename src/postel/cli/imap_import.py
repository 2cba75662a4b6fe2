"""Mail from another IMAP server into an account, as often as one likes and nothing twice.

Implements  RFC 9051 2.3.1.1 (UIDs say what is new), 6.3.9 (LIST), 6.4.5 (FETCH).
Gives       import_account.
Not here    The session: imap_source. How far a mailbox was taken: imap_mark.

How far that was is kept as an annotation of ours, in the transaction that stores a message. So a run that was
interrupted goes on where it ended, and a later one takes only what has come since, and what was refused before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from postel.app import Bench
from postel.cli.imap_mark import Mark
from postel.cli.imap_source import ImapPlace, ImapSource
from postel.cli.progress import progress
from postel.cli.skipped import NotTaken, Skipped, reason_of
from postel.cli.work import CannotDo
from postel.contents import Sealed, keep
from postel.database import Transaction
from postel.directory import Account
from postel.message import parse_date
from postel.proto.imap import (
    STREAMED,
    Exists,
    FetchData,
    ListData,
    LiteralPiece,
    Remark,
    UidSet,
)
from postel.store import (
    INBOX,
    SEPARATOR,
    BadMailboxName,
    Flags,
    LineEnds,
    MailboxName,
    MessageFacts,
    OverQuota,
    StoreOptions,
    TooMany,
    checked_name,
)

_Advance: TypeAlias = Callable[[int], None]

_LAST_UID: Final = 2**32 - 1
_ITEMS: Final = (b"UID", b"FLAGS", b"INTERNALDATE", b"BODY.PEEK[]")
_BODY: Final = b"BODY[]"
_FLAGS: Final = {
    b"\\SEEN": Flags.SEEN,
    b"\\ANSWERED": Flags.ANSWERED,
    b"\\FLAGGED": Flags.FLAGGED,
    b"\\DELETED": Flags.DELETED,
    b"\\DRAFT": Flags.DRAFT,
}
# A view of other mailboxes is no mailbox of its own.
_VIEWS: Final = frozenset({b"\\ALL", b"\\FLAGGED", b"\\NOSELECT", b"\\NONEXISTENT", b"\\IMPORTANT"})


@dataclass(frozen=True, slots=True)
class _Box:
    """A mailbox there, and the one it becomes here."""

    there: str
    here: MailboxName


async def import_account(
    bench: Bench, account: Account, place: ImapPlace, password: str, skipped: Skipped, *, verify: bool
) -> int:
    """Take what is new of one mailbox, or of all; how many messages. Raises CannotDo, saying how far it came.

    Of all, a mailbox that cannot be read there or kept here is skipped, as is a letter that is refused.
    """
    source = await ImapSource.open(place, password, verify=verify)
    try:
        taker = _Taker(bench, account, place, source, skipped)
        try:
            for box in await _boxes(source, place, skipped):
                await taker.take_if_possible(box)
        except (CannotDo, OverQuota) as why:
            so_far = f"({taker.number} messages were imported; the next run goes on)"
            raise CannotDo(f"{reason_of(why)} {so_far}") from None
        return taker.number
    finally:
        await source.close()


async def _boxes(source: ImapSource, place: ImapPlace, skipped: Skipped) -> list[_Box]:
    if place.mailbox:
        return [_Box(place.mailbox, _name_here(place.mailbox, SEPARATOR))]
    told = await source.done(source.client.list("", "*"), "LIST")
    boxes = []
    for event in told:
        if not isinstance(event, ListData) or {word.upper() for word in event.attributes} & _VIEWS:
            continue
        try:
            boxes.append(_Box(event.name, _name_here(event.name, event.delimiter)))
        except NotTaken as why:
            skipped.add(event.name, why)
    return sorted(boxes, key=lambda box: (box.here != INBOX, box.here))


def _name_here(name: str, delimiter: str) -> MailboxName:
    """Raises NotTaken."""
    levels = name.split(delimiter) if delimiter else [name]
    if len(levels) > 1 and levels[0].upper() == INBOX:
        levels = levels[1:]  # servers that keep everything below INBOX
    try:
        made = checked_name(SEPARATOR.join(level.replace(SEPARATOR, "_") for level in levels), StoreOptions())
    except BadMailboxName as complaint:
        raise NotTaken(str(complaint)) from None
    return INBOX if made.upper() == INBOX else made


class _Taker:
    """Takes messages of one account there into one here."""

    def __init__(
        self, bench: Bench, account: Account, place: ImapPlace, source: ImapSource, skipped: Skipped
    ) -> None:
        self.number = 0
        self._skipped = skipped
        self._rooms = bench.rooms
        self._account = account
        self._place = place
        self._source = source

    async def take_if_possible(self, box: _Box) -> None:
        """What is new in a mailbox, unless it is refused."""
        try:
            await self._take(box)
        except NotTaken as why:
            self._skipped.add(box.there, why)

    async def _take(self, box: _Box) -> None:
        told = await self._source.done(self._source.client.select(box.there, read_only=True), "EXAMINE")
        count = next((event.count for event in told if isinstance(event, Exists)), 0)
        mark = Mark(await self._make(box), _entry(self._place, box), _uid_validity(told))
        await self._read(mark)
        if not count or (mark.reached >= _LAST_UID and not mark.passed):
            return
        news = UidSet(((min(mark.reached + 1, _LAST_UID), _LAST_UID),))
        mark.expect([uid for uid in await self._uids(news) if uid > mark.reached])
        before = mark.value()
        with progress(f"into {box.here}", count) as advance:
            with suppress(NotTaken):
                await self._take_these(news, box, mark, advance)
            await self._take_rest(mark.left(), box, mark, advance)
        if mark.value() != before:
            await self._rooms.database.write(partial(self._keep, mark))

    async def _make(self, box: _Box) -> int:
        store, database = self._rooms.store, self._rooms.database
        try:
            await database.write(lambda tx: store.create(tx, self._account.id, box.here))
        except (BadMailboxName, TooMany) as why:
            raise NotTaken(str(why)) from None
        stored = await store.mailbox(self._account.id, box.here)
        assert stored is not None, "it was made a moment ago"
        return stored.id

    async def _uids(self, wanted: UidSet) -> list[int]:
        """Those that are there."""
        told = await self._source.done(self._source.client.fetch(wanted, (b"UID",)), "FETCH")
        found = {event.uid for event in told if isinstance(event, FetchData) and event.uid is not None}
        return [uid for uid in sorted(found) if uid in wanted]

    async def _take_rest(self, uids: Sequence[int], box: _Box, mark: Mark, advance: _Advance) -> None:
        """What a FETCH has left out; halved where it is refused, until a letter that is refused is alone."""
        left = [uid for uid in uids if uid not in mark.taken]
        half = len(left) // 2
        for some in (left[:half], left[half:]):
            if not some:
                continue
            try:
                await self._take_these(UidSet.of(some), box, mark, advance)
                mark.forget(some)
            except NotTaken as why:
                if len(some) > 1:
                    await self._take_rest(some, box, mark, advance)
                elif some[0] not in mark.taken:
                    self._skipped.add(f"{box.there}, the letter with UID {some[0]}", why)

    async def _take_these(self, uids: UidSet, box: _Box, mark: Mark, advance: _Advance) -> None:
        """Raises NotTaken: some of them may have come."""
        draft, ends = self._rooms.contents.draft(), LineEnds()
        tag = self._source.client.fetch(uids, _ITEMS)
        try:
            async for event in self._source.events(tag, "FETCH"):
                if isinstance(event, LiteralPiece) and event.item == _BODY:
                    await draft.write(ends.feed(event.data))
                elif isinstance(event, FetchData):
                    body = event.items.get(_BODY)
                    if isinstance(body, bytes) and body != STREAMED:
                        await draft.write(ends.feed(body))
                    if body is not None and event.uid is not None and event.uid in uids:
                        await draft.write(ends.end())
                        await self._store(await draft.seal(), event, box, mark)
                        advance(len(mark.taken))
                    await draft.discard()
                    draft, ends = self._rooms.contents.draft(), LineEnds()
        finally:
            await draft.discard()

    async def _store(self, sealed: Sealed, event: FetchData, box: _Box, mark: Mark) -> None:
        store = self._rooms.store
        flags, keywords = _flags_of(event.flags or ())
        mark.take(event.uid or 0)

        async def work(tx: Transaction) -> None:
            content_id = await keep(tx, sealed, holders=0)  # the store is its first holder
            facts = MessageFacts(
                content_id=content_id,
                content_size_bytes=sealed.size_bytes,
                internal_date_at=_date_of(event),
                flags=flags,
                keywords=keywords,
            )
            await store.append(tx, self._account.id, facts, box.here)
            await self._keep(mark, tx)

        await self._rooms.database.write(work)
        self.number += 1

    async def _keep(self, mark: Mark, tx: Transaction) -> None:
        own = self._account.id
        await self._rooms.store.annotations.set(tx, own, mark.mailbox_id, own, {mark.entry: mark.value()})

    async def _read(self, mark: Mark) -> None:
        own = self._account.id
        known = await self._rooms.store.annotations.of(own, mark.mailbox_id, own)
        mark.read(known.get(mark.entry, b"0 0"))


def _entry(place: ImapPlace, box: _Box) -> str:
    name = hashlib.sha256(f"{place.name}\0{box.there}".encode()).hexdigest()[:32]
    return f"/private/vendor/postel/import/{name}"


def _uid_validity(told: Sequence[Any]) -> int:
    codes = (event.told.code for event in told if isinstance(event, Remark) and event.told.code is not None)
    return next((int(code.data) for code in codes if code.name == b"UIDVALIDITY" and code.data.isdigit()), 0)


def _flags_of(words: Sequence[bytes]) -> tuple[Flags, frozenset[str]]:
    flags, keywords = Flags.NONE, set()
    for word in words:
        if word.startswith(b"\\"):
            flags |= _FLAGS.get(word.upper(), Flags.NONE)
        else:
            keywords.add(word.decode("ascii", "replace"))
    return flags, frozenset(keywords)


def _date_of(event: FetchData) -> float:
    value = event.items.get(b"INTERNALDATE")
    text = value.decode("ascii", "replace").strip() if isinstance(value, bytes) else ""
    found = parse_date(text.replace("-", " ", 2))
    return 0.0 if found is None else found
