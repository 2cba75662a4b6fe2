"""Mail from another IMAP server into an account, as often as one likes and nothing twice.

Implements  RFC 9051 2.3.1.1 (UIDs say what is new), 6.3.9 (LIST), 6.4.5 (FETCH).
Gives       import_account.
Not here    The session: imap_source.

How far each mailbox was taken is kept as an annotation of ours, in the transaction that stores a message. So a run
that was interrupted goes on where it ended, and a later one takes only what has come since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from postel.app import Bench
from postel.cli.imap_source import ImapPlace, ImapSource
from postel.cli.progress import progress
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
    StoreOptions,
    checked_name,
)

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
    bench: Bench, account: Account, place: ImapPlace, password: str, *, verify: bool
) -> int:
    """Take what is new of one mailbox, or of all; how many messages. Raises CannotDo, saying how far it came."""
    source = await ImapSource.open(place, password, verify=verify)
    try:
        taker = _Taker(bench, account, place, source)
        try:
            for box in await _boxes(source, place):
                await taker.take(box)
        except CannotDo as why:
            raise CannotDo(f"{why} ({taker.number} messages were imported; the next run goes on)") from None
        return taker.number
    finally:
        await source.close()


async def _boxes(source: ImapSource, place: ImapPlace) -> list[_Box]:
    if place.mailbox:
        return [_Box(place.mailbox, _name_here(place.mailbox, SEPARATOR))]
    told = await source.done(source.client.list("", "*"), "LIST")
    listed = [event for event in told if isinstance(event, ListData)]
    boxes = [
        _Box(event.name, _name_here(event.name, event.delimiter))
        for event in listed
        if not {word.upper() for word in event.attributes} & _VIEWS
    ]
    return sorted(boxes, key=lambda box: (box.here != INBOX, box.here))


def _name_here(name: str, delimiter: str) -> MailboxName:
    """Raises CannotDo."""
    levels = name.split(delimiter) if delimiter else [name]
    if len(levels) > 1 and levels[0].upper() == INBOX:
        levels = levels[1:]  # servers that keep everything below INBOX
    try:
        made = checked_name(SEPARATOR.join(level.replace(SEPARATOR, "_") for level in levels), StoreOptions())
    except BadMailboxName as complaint:
        raise CannotDo(f"{name}: {complaint}") from None
    return INBOX if made.upper() == INBOX else made


class _Taker:
    """Takes messages of one account there into one here."""

    def __init__(self, bench: Bench, account: Account, place: ImapPlace, source: ImapSource) -> None:
        self.number = 0
        self._rooms = bench.rooms
        self._account = account
        self._place = place
        self._source = source

    async def take(self, box: _Box) -> None:
        """What is new in a mailbox."""
        store, database = self._rooms.store, self._rooms.database
        await database.write(lambda tx: store.create(tx, self._account.id, box.here))
        client = self._source.client
        told = await self._source.done(client.select(box.there, read_only=True), f"EXAMINE {box.there}")
        count = next((event.count for event in told if isinstance(event, Exists)), 0)
        validity = _uid_validity(told)
        stored = await store.mailbox(self._account.id, box.here)
        assert stored is not None, "it was made a moment ago"
        entry = _entry(self._place, box)
        first = await self._reached(stored.id, entry, validity) + 1
        if not count or first > _LAST_UID:
            return
        tag = client.fetch(UidSet(((first, _LAST_UID),)), _ITEMS)
        with progress(f"into {box.here}", count) as advance:
            await self._take_all(tag, box, _Mark(stored.id, entry, validity, first), advance)

    async def _take_all(self, tag: bytes, box: _Box, mark: _Mark, advance: Callable[[int], None]) -> None:
        draft, ends = self._rooms.contents.draft(), LineEnds()
        done = 0
        try:
            async for event in self._source.events(tag, f"FETCH of {box.there}"):
                if isinstance(event, LiteralPiece) and event.item == _BODY:
                    await draft.write(ends.feed(event.data))
                elif isinstance(event, FetchData):
                    body = event.items.get(_BODY)
                    if isinstance(body, bytes) and body != STREAMED:
                        await draft.write(ends.feed(body))
                    if body is not None and event.uid is not None and event.uid >= mark.first:
                        await draft.write(ends.end())
                        await self._store(await draft.seal(), event, box, mark)
                        done += 1
                        advance(done)
                    await draft.discard()
                    draft, ends = self._rooms.contents.draft(), LineEnds()
        finally:
            await draft.discard()

    async def _store(self, sealed: Sealed, event: FetchData, box: _Box, mark: _Mark) -> None:
        store = self._rooms.store
        flags, keywords = _flags_of(event.flags or ())

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
            value = b"%d %d" % (mark.validity, event.uid or 0)
            own = self._account.id
            await store.annotations.set(tx, own, mark.mailbox_id, own, {mark.entry: value})

        await self._rooms.database.write(work)
        self.number += 1

    async def _reached(self, mailbox_id: int, entry: str, validity: int) -> int:
        """The last UID that was taken, if the mailbox is still the same one."""
        own = self._account.id
        known = (await self._rooms.store.annotations.of(own, mailbox_id, own)).get(entry, b"0 0")
        then, uid = map(int, known.split())
        return uid if then == validity else 0


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where it is kept how far a mailbox was taken, and where this run begins."""

    mailbox_id: int
    entry: str
    validity: int
    first: int


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
