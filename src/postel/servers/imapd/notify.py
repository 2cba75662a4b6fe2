"""NOTIFY: what a client wants to hear of without asking.

Implements  RFC 5465 3 (SET, NONE, STATUS), 5 (events), 6 (mailboxes, SELECTED and SELECTED-DELAYED).
Gives       HANDLERS, Watcher.
Not here    Annotations: annotation_news. Which mailboxes a filter names: multisearch.boxes_of. What is told of the
            selected mailbox: selected.

A watcher remembers what it has told of each mailbox that is not selected; whenever one of them changes, and no
command is in hand, it looks at that one, and tells what is different now. What several groups say of a mailbox
holds together (RFC 5465 6).

RFC 5465 5 would have a client who wants no events of the selected mailbox (NONE, SELECTED NONE) look at it as it was.
RFC 9051 5.2 demands that a command tells the size that it observes, and who means "no more NOTIFY" by NONE and polls
would never hear of mail again: so nothing is told unasked then, and with a command's result all is, as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from postel.database import DatabaseTrouble
from postel.proto.imap import (
    OK,
    EventGroup,
    FetchItem,
    MailboxView,
    MailEvent,
    Notify,
    Scope,
    StatusItem,
    responses,
)
from postel.servers.imapd.annotation_news import SERVER, AnnotationNews
from postel.servers.imapd.listing import give_way
from postel.servers.imapd.mailboxes import status_of
from postel.servers.imapd.multisearch import boxes_of
from postel.store import SEPARATOR, StoredMailbox

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession

_OF_SELECTED: Final = frozenset({Scope.SELECTED, Scope.SELECTED_DELAYED})
_ANNOTATIONS: Final = frozenset({MailEvent.MAILBOX_METADATA_CHANGE, MailEvent.SERVER_METADATA_CHANGE})
_MESSAGES: Final = frozenset({MailEvent.MESSAGE_NEW, MailEvent.MESSAGE_EXPUNGE})
# RFC 5465 5.2: what a change of messages is told by.
_ITEMS: Final = (
    StatusItem.MESSAGES,
    StatusItem.UIDNEXT,
    StatusItem.UIDVALIDITY,
    StatusItem.UNSEEN,
    StatusItem.HIGHESTMODSEQ,
)


@dataclass(slots=True)
class _Told:
    """What the client knows of a mailbox."""

    name: str
    box: StoredMailbox
    events: frozenset[MailEvent]
    unwatch: Callable[[], None]
    is_subscribed: bool = False


class Watcher:
    """What one session wants to hear of.

    is_immediate    whether changes of the selected mailbox are told as they happen; None: nothing was said of it.
    fetch_items     what is told at once of each new message in it.
    wants_flags     whether changes of flags in it are wanted: then they are told with UIDs (RFC 5465 5.1).
    """

    def __init__(self, session: ImapSession, command: Notify) -> None:
        self._session = session
        self._groups = [group for group in command.groups if group.mailboxes.scope not in _OF_SELECTED]
        chosen = next((group for group in command.groups if group.mailboxes.scope in _OF_SELECTED), None)
        self.is_immediate = _is_immediate(chosen)
        self.fetch_items: tuple[FetchItem, ...] = () if chosen is None else chosen.items
        self.wants_flags = chosen is not None and MailEvent.FLAG_CHANGE in chosen.events
        self._told: dict[int, _Told] = {}
        self._no_access: list[str] = []
        self._events = frozenset[MailEvent]().union(*(group.events for group in self._groups))
        self._annotations = AnnotationNews(session.parts.store.annotations, session.account_id)
        self._unwatch: list[Callable[[], None]] = []
        self._is_stale = False  # which mailboxes there are, and what may be seen of them, is to be looked up
        self._changed: set[int] = set()  # mailboxes in which something happened

    def _hear_of_tree(self) -> None:
        self._is_stale = True
        self._session.drive.wake()

    def _hear_of(self, mailbox_id: int) -> None:
        self._changed.add(mailbox_id)
        self._session.drive.wake()

    async def begin(self, before: Watcher | None, *, wants_status: bool) -> None:
        """Watch from now on; with `wants_status`, tell how things are (RFC 5465 3.1).

        before      the one whose place it takes: what that one has not told any more is told now.
        """
        known = {} if before is None else before.close()
        session, store = self._session, self._session.parts.store
        if self._groups:
            self._unwatch.append(store.changes.watch_tree(session.account_id, self._hear_of_tree))
            # RFC 5465 5.4: a right l that another gives or takes back makes or deletes a mailbox.
            self._unwatch.append(store.rights.watch(session.names.address, self._hear_of_tree))
        if self._events & _ANNOTATIONS:
            await self._annotations.look()
        now = await self._look()
        for name in self._no_access:  # RFC 5465 3.1
            await session.send(responses.listing([b"\\NoAccess"], SEPARATOR, name, is_utf8=session.is_utf8))
        for number, told in enumerate(now.values(), 1):
            await give_way(number)
            if wants_status and told.events & _MESSAGES and told.box.id != self._selected_id:
                # RFC 5465 3.1: of who wants to hear of flags, HIGHESTMODSEQ is wanted too.
                await self._tell_status(told, with_modseq=MailEvent.FLAG_CHANGE in told.events)
            elif told.box.id in known:
                await self._tell_difference(known[told.box.id], told)

    def close(self) -> Mapping[int, _Told]:
        """Hear of nothing more; what has been told of each mailbox."""
        known, self._told = self._told, {}
        for told in known.values():
            told.unwatch()
        while self._unwatch:
            self._unwatch.pop()()
        return known

    def deselected(self, mailbox_id: int, view: MailboxView) -> None:
        """A mailbox is as any other from now on; what its client has not been told of it is news."""
        if told := self._told.get(mailbox_id):
            told.box = replace(
                told.box,
                highest_modseq=view.told_modseq,
                message_count=view.exists,
                uid_next=view.last_uid + 1,
            )
            self._hear_of(mailbox_id)

    async def tell(self) -> None:
        """Say what has happened since it was last said."""
        changed, self._changed = self._changed, set()
        is_stale, self._is_stale = self._is_stale, False
        try:
            if is_stale or not await self._tell_changed(changed):
                await self._tell_all()
        except DatabaseTrouble:
            self._is_stale = True  # the next time
            raise

    async def _tell_changed(self, changed: set[int]) -> bool:
        """Look at these alone; False when one has another name, or is another user's: the rights may have gone."""
        session = self._session
        for mailbox_id in sorted(changed & self._told.keys()):
            old = self._told[mailbox_id]
            box = await session.parts.store.mailbox_by_id(mailbox_id)
            if box is None or box.name != old.box.name or box.account_id != session.account_id:
                return False
            told = self._told[mailbox_id] = replace(old, box=box)
            if mailbox_id != self._selected_id and _has_news(old, told):
                await self._tell_status(told)
        return True

    async def _tell_all(self) -> None:
        before = dict(self._told)
        now = await self._look()
        for number, (mailbox_id, told) in enumerate(now.items(), 1):
            await give_way(number)
            await self._tell_difference(before.get(mailbox_id), told)
        for mailbox_id in before.keys() - now.keys():
            await self._tell_gone(before[mailbox_id])
        if self._events & _ANNOTATIONS:
            await self._tell_annotations(now)

    async def _tell_difference(self, old: _Told | None, told: _Told) -> None:
        await self._tell_name(old, told)
        if old is not None and told.box.id != self._selected_id and _has_news(old, told):
            await self._tell_status(told)

    async def _tell_annotations(self, now: Mapping[int, _Told]) -> None:
        session = self._session
        for mailbox_id, entries in (await self._annotations.look()).items():
            told = now.get(mailbox_id)
            if mailbox_id == SERVER:
                is_wanted = MailEvent.SERVER_METADATA_CHANGE in self._events
            else:
                is_wanted = told is not None and MailEvent.MAILBOX_METADATA_CHANGE in told.events
            if is_wanted:
                name = None if told is None else told.name
                await session.send(responses.metadata_changed(name, entries, is_utf8=session.is_utf8))

    @property
    def _selected_id(self) -> int | None:
        return None if self._session.selected is None else self._session.selected.id

    async def _look(self) -> dict[int, _Told]:
        """How things are now; mailboxes that came are watched, those that went are not."""
        session, now = self._session, dict[int, _Told]()
        subscribed = await session.parts.store.tree.subscriptions(session.account_id)
        groups = [(group, await boxes_of(session, [group.mailboxes])) for group in self._groups]
        hidden = await self._hidden(groups)
        self._no_access = [name for group, boxes in groups for name, box in boxes if box.id in hidden]
        # Nothing may be awaited from here on: whoever ends this session meanwhile would miss the new watches.
        for group, boxes in groups:
            for name, box in boxes:
                if not group.events or box.id in hidden:
                    continue
                if box.id in now:
                    now[box.id].events |= group.events
                    continue
                known = self._told.get(box.id)
                unwatch = known.unwatch if known else self._watch(box.id)
                now[box.id] = _Told(name, box, group.events, unwatch, name in subscribed)
        for mailbox_id in self._told.keys() - now.keys():
            self._told[mailbox_id].unwatch()
        self._told = now
        return now

    async def _hidden(
        self, groups: Sequence[tuple[EventGroup, Sequence[tuple[str, StoredMailbox]]]]
    ) -> frozenset[int]:
        """RFC 5465 5: mailboxes of others of which nothing is told, since there is no right r."""
        names, own = self._session.names, self._session.account_id
        others = {box.id: box for _, boxes in groups for _, box in boxes if box.account_id != own}
        return frozenset([box.id for box in others.values() if "r" not in await names.rights(box)])

    def _watch(self, mailbox_id: int) -> Callable[[], None]:
        return self._session.parts.store.changes.watch_mailbox(mailbox_id, partial(self._hear_of, mailbox_id))

    async def _tell_status(self, told: _Told, *, with_modseq: bool = False) -> None:
        has_modseq = with_modseq or "CONDSTORE" in self._session.talk.enabled
        items = _ITEMS if has_modseq else _ITEMS[:-1]
        await self._session.send(status_of(self._session, told.name, told.box, items))

    async def _tell_name(self, old: _Told | None, told: _Told) -> None:
        """RFC 5465 5.4, 5.5: made, renamed, subscribed to."""
        is_named = MailEvent.MAILBOX_NAME in told.events and (old is None or old.name != told.name)
        changed = old is not None and old.is_subscribed != told.is_subscribed
        is_subscribed = MailEvent.SUBSCRIPTION_CHANGE in told.events and changed
        if not is_named and not is_subscribed:
            return
        attributes = [b"\\Subscribed"] if told.is_subscribed else []
        await self._session.send(
            responses.listing(
                attributes,
                SEPARATOR,
                told.name,
                is_utf8=self._session.is_utf8,
                old_name=old.name if old is not None and old.name != told.name else None,
            )
        )

    async def _tell_gone(self, told: _Told) -> None:
        if MailEvent.MAILBOX_NAME in told.events:
            gone = responses.listing([b"\\NonExistent"], SEPARATOR, told.name, is_utf8=self._session.is_utf8)
            await self._session.send(gone)


def _is_immediate(group: EventGroup | None) -> bool | None:
    if group is None:
        return None
    return group.mailboxes.scope is Scope.SELECTED and bool(group.events)


def _has_news(old: _Told, told: _Told) -> bool:
    """Whether something happened of which the client wants to hear."""
    if old.box.highest_modseq == told.box.highest_modseq:
        return False
    if told.events & _MESSAGES and (
        old.box.message_count != told.box.message_count or old.box.uid_next != told.box.uid_next
    ):
        return True
    return MailEvent.FLAG_CHANGE in told.events


async def _notify(session: ImapSession, command: Notify) -> None:
    before, session.watcher = session.watcher, None
    if command.groups:
        session.watcher = Watcher(session, command)
        await session.watcher.begin(before, wants_status=command.wants_status)
    elif before is not None:
        before.close()
    await session.finish(OK)


HANDLERS: Final[Mapping[type, Handler]] = {Notify: _notify}
