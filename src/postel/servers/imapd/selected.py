"""The mailbox that a session has selected: what its client knows of it, kept in step with the store.

Implements  RFC 9051 5.2 and 7.4 (updates are told as soon as they may be), 7.5.1 (EXPUNGE), RFC 7162 3.2.10 (VANISHED)
            and 3.1.4.1 (MODSEQ with every change of flags), RFC 9586 3.4 (UIDONLY).
Gives       Selected, TOLD_AT_ONCE.
Not here    Numbering: proto.imap.view. What is in the mailbox: store.snapshots.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from postel.database import DatabaseTrouble
from postel.proto.imap import (
    BAD,
    BYE,
    NO,
    SYSTEM_FLAGS,
    FetchAtom,
    MailboxView,
    SequenceSet,
    UidSet,
    Updates,
    codes,
    responses,
)
from postel.servers.imapd.faults import NO_RIGHT, Denied
from postel.servers.imapd.fetch import fetch_fresh
from postel.servers.imapd.fetch_ahead import Ahead
from postel.servers.imapd.recent import Recent
from postel.store import NoSuchMailbox, Snapshot, StoredMailbox

if TYPE_CHECKING:
    from postel.servers.imapd.session import ImapSession

TOLD_AT_ONCE: Final = 1000  # changes of flags: some milliseconds

_GONE: Final = BYE.saying("The selected mailbox is gone", codes.NONEXISTENT)


class Selected:
    """A session's selected mailbox.

    view          the client's numbering.
    snapshot      what is in the mailbox, as of the last catching up.
    rights        what the user may do with it.
    recent        the messages that are recent to this session.
    ahead         what was read of messages that are likely to be fetched next.
    """

    def __init__(
        self,
        session: ImapSession,
        snapshot: Snapshot,
        rights: frozenset[str],
        *,
        is_read_only: bool,
        recent: Recent,
    ) -> None:
        self._session = session
        self.snapshot = snapshot
        self.rights = rights
        self.is_read_only = is_read_only
        self.recent = recent
        self.ahead = Ahead()
        self.view = MailboxView(snapshot.change_since(None))
        self._unwatch: list[Callable[[], None]] = []
        self._is_doubtful = False  # whether the rights may be others than before
        self._known_keywords = frozenset(snapshot.keywords())
        self._flag_sets_seen = 0

    @property
    def id(self) -> int:
        """Of the mailbox."""
        return self.snapshot.mailbox.id

    @property
    def box(self) -> StoredMailbox:
        """The mailbox, its counters as of the last catching up."""
        return self.snapshot.mailbox

    def watch(self, wake: Callable[[], None]) -> None:
        """Have `wake` called whenever the mailbox changes."""
        changes = self._session.parts.store.changes
        self._unwatch.append(changes.watch_mailbox(self.id, wake))
        if self.box.account_id != self._session.account_id:
            self._unwatch.append(changes.watch_tree(self.box.account_id, partial(self._doubt, wake)))

    def close(self) -> None:
        """Hear of changes no more."""
        while self._unwatch:
            self._unwatch.pop()()

    def _doubt(self, wake: Callable[[], None]) -> None:
        self._is_doubtful = True
        wake()

    async def may_go_on(self) -> bool:
        """Whether the mailbox may still be read; what others granted or took back since it was selected holds now.

        If it may not (r), the session ends as it does when the mailbox goes. Raises DatabaseTrouble.
        """
        if not self._is_doubtful:
            return True
        self._is_doubtful = False
        try:
            self.rights = await self._session.names.rights(self.box)
        except DatabaseTrouble:
            self._is_doubtful = True
            raise
        if "r" not in self.rights:
            self._session.talk.shut_down(_GONE)
        return "r" in self.rights

    def needs(self, rights: str) -> None:
        """Raises Denied unless the mailbox may be changed in these ways (RFC 4314 4)."""
        if self.is_read_only:
            raise Denied(NO.saying("The mailbox is open for reading only", codes.NOPERM))
        if not self.rights.issuperset(rights):
            raise Denied(NO_RIGHT)

    # --- numbers -----------------------------------------------------------------------------------------

    def spans(self, numbers: SequenceSet, *, uid: bool) -> list[range]:
        """The places, in the client's numbering, of the messages of a set."""
        view = self.view
        if numbers.is_saved:
            return view.uid_spans(UidSet.of(view.saved).ranges)
        if uid:
            return view.uid_spans(numbers.resolve(view.last_uid).ranges)
        if numbers.largest_named > view.exists:
            # RFC 9051 9, seq-number: a number beyond the last message is a fault of the client.
            raise Denied(BAD.saying("There is no message of that number"))
        return view.seq_spans(numbers.resolve(view.exists).ranges)

    def uids(self, numbers: SequenceSet, *, uid: bool) -> Sequence[int]:
        """The UIDs of the messages of a set, ascending."""
        return self.view.pick(self.spans(numbers, uid=uid))

    # --- what others did ---------------------------------------------------------------------------------

    async def refresh(self) -> Snapshot:
        """The mailbox as it is now; the client is told of nothing yet. Raises NoSuchMailbox."""
        self.snapshot = await self._session.parts.store.snapshots.current(self.id)
        self.view.advance(self.snapshot.change_since(self.view.modseq))
        return self.snapshot

    async def catch_up(self, *, may_expunge: bool, names_modseq: bool = True) -> None:
        """Tell the client what happened in the mailbox since it was last told.

        names_modseq    whether what came or went is followed by where the mailbox stands; else the result says that.
        """
        if not await self.may_go_on():
            return
        try:
            await self.refresh()
        except NoSuchMailbox:
            # RFC 2180 3.3: a mailbox that is gone cannot be looked at any more.
            self._session.talk.shut_down(_GONE)
            return
        updates = Updates()
        if self.view.has_news:
            if self.view.news > TOLD_AT_ONCE:  # either half takes some milliseconds
                await asyncio.sleep(0)
            updates = self.view.sync(may_expunge=may_expunge, most=TOLD_AT_ONCE)
            await self._tell(updates)
        while self.view.has_changes:
            await asyncio.sleep(0)  # others have their turn
            await self._tell(self.view.sync(may_expunge=may_expunge, most=TOLD_AT_ONCE))
        await self._tell_modseq(updates if names_modseq else Updates())

    def standing(self) -> bytes:
        """The mod-sequence as of which the client has been told of everything (RFC 7162 3.1.2.1); 0 would be none."""
        modseq = codes.highest_modseq(max(self.view.told_modseq, 1))
        return responses.untagged("Its mod-sequence", modseq)

    async def _tell_modseq(self, updates: Updates) -> None:
        """Say where the mailbox stands.

        RFC 6851 4.4: behind what went; and what came is told without a mod-sequence, too. RFC 7162 3.2, 6: also when
        messages went and the client may not be told yet, so that it asks for them when it comes again, though it has
        seen greater mod-sequences.
        """
        enabled = self._session.talk.enabled
        is_wanted = bool(updates.expunged) and "CONDSTORE" in enabled
        if "QRESYNC" in enabled:
            is_wanted |= updates.exists is not None or self.view.has_news
        if is_wanted:
            await self._session.send(self.standing())

    async def _tell(self, updates: Updates) -> None:
        send = self._session.send
        if updates.expunged:
            await self._session.contexts.tell_gone(updates.expunged)
            if len(updates.expunged) > TOLD_AT_ONCE:
                await asyncio.sleep(0)  # numbering them, and saying so, are some milliseconds each
            await send(self._gone(updates.expunged))
        if updates.exists is not None:
            await self._claim(updates.fresh[-1])
            await send(responses.exists(updates.exists) + self._recent())
            await self._tell_fresh(updates.fresh)
        if updates.changed:
            await self.tell_flags(updates.changed)

    async def _tell_fresh(self, uids: Sequence[int]) -> None:
        """RFC 5465 5.2: what the client wants to know of new messages, it is told with them."""
        watcher = self._session.watcher
        if watcher is not None and watcher.fetch_items and len(uids):
            await fetch_fresh(self._session, uids, watcher.fetch_items)

    def _gone(self, expunged: Sequence[tuple[int, int]]) -> bytes:
        if self._session.talk.enabled & {"QRESYNC", "UIDONLY"}:
            return responses.vanished(UidSet.of(uid for _, uid in expunged))
        return responses.expunged(seq for seq, _ in expunged)

    def _recent(self) -> bytes:
        if "IMAP4REV2" in self._session.talk.enabled:
            return b""
        return responses.recent(self.recent_count())

    def recent_count(self) -> int:
        """How many messages are recent to this session."""
        return sum(len(span) for span in self.view.uid_spans(self.recent.ranges))

    @property
    def takes_recent(self) -> bool:
        """Whether what this client is told of first is recent to it, and to nobody who comes later."""
        return not self.is_read_only and "IMAP4REV2" not in self._session.talk.enabled

    async def _claim(self, newest: int) -> None:
        """RFC 3501 2.3.2: what the client is told of now is recent to it, unless another one was told before."""
        if not self.takes_recent or newest < self.box.recent_from:
            return
        with suppress(DatabaseTrouble, NoSuchMailbox):  # then it is recent to the next one
            self.recent.add(await self._session.parts.store.claim_recent(self.id))

    async def tell_flags(
        self, messages: Sequence[tuple[int, int]], *, with_uid: bool = False, with_flags: bool = True
    ) -> None:
        """FETCH responses with the flags of messages (sequence number, UID), or with their mod-sequences alone."""
        if with_flags:
            await self.tell_keywords()
        snapshot, enabled = self.snapshot, self._session.talk.enabled
        places = snapshot.places([uid for _, uid in messages])
        there = [(seq, uid, place) for (seq, uid), place in zip(messages, places, strict=True) if place >= 0]
        if not there:
            return
        uid_only, watcher = "UIDONLY" in enabled, self._session.watcher
        seqs, uids, places = zip(*there, strict=True)
        items: list[FetchAtom] = []
        columns: list[Iterable[object]] = []
        if uid_only:
            seqs = uids
        elif with_uid or "QRESYNC" in enabled or (watcher is not None and watcher.wants_flags):
            items.append(FetchAtom.UID)
            columns.append(uids)
        if with_flags:
            items.append(FetchAtom.FLAGS)
            columns.append(self.flag_texts(snapshot, uids, places))
        if "CONDSTORE" in enabled:
            items.append(FetchAtom.MODSEQ)
            columns.append([snapshot.modseqs[place] for place in places])
        await self._session.send(responses.fetch_lines(items, seqs, *columns, uid_only=uid_only))

    def flag_texts(self, snapshot: Snapshot, uids: Sequence[int], places: Sequence[int]) -> list[bytes]:
        """The flags of messages as a client reads them; \\Recent is ours to add (RFC 3501 2.3.2)."""
        sets, numbers = snapshot.flag_sets, snapshot.flags
        texts = [entry.text for entry in sets]
        if isinstance(places, range):
            found = [texts[number] for number in numbers[places.start : places.stop]]
        else:
            found = [texts[numbers[place]] for place in places]
        recent = self.recent
        if uids and uids[-1] >= recent.first and "IMAP4REV2" not in self._session.talk.enabled:
            found = [
                (text + b" \\Recent").strip() if uid in recent else text
                for uid, text in zip(uids, found, strict=True)
            ]
        return found

    async def tell_keywords(self) -> None:
        """RFC 9051 7.3.5: FLAGS again when there are keywords that the client has not heard of."""
        if len(self.snapshot.flag_sets) == self._flag_sets_seen:
            return
        self._flag_sets_seen = len(self.snapshot.flag_sets)
        keywords = frozenset(self.snapshot.keywords())
        if not keywords <= self._known_keywords:
            self._known_keywords |= keywords
            await self._session.send(responses.flags(self.known_flags()))

    def known_flags(self) -> list[bytes]:
        """The system flags, and the keywords in use."""
        return [*SYSTEM_FLAGS, *(keyword.encode() for keyword in sorted(self._known_keywords))]
