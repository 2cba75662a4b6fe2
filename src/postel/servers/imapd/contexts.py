"""Searches that are kept up to date.

Implements  RFC 5267 4.3 (UPDATE: ADDTO, REMOVEFROM), 4.3.4 (CANCELUPDATE), 4.2 (CONTEXT, a hint), RFC 5465 7 (what is
            told of a new message that joins).
Gives       Contexts, HANDLERS.
Not here    What matches: searching. Orders: search.

After each catching up with the mailbox, a search that is kept is made again and compared with what the client knows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from postel.proto.imap import OK, CancelUpdate, FetchItem, UidSet, codes, responses
from postel.servers.imapd.fetch import fetch_fresh

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession

CONTEXTS_LIMIT: Final = 10  # of a session; beyond it, a search is answered and not kept (NOUPDATE)

# What matches now, as UIDs, in the order that was asked for.
Find: TypeAlias = Callable[[], Awaitable[Sequence[int]]]


@dataclass(slots=True)
class _Context:
    """One search, and what the client knows of it; `items` are told of messages beyond `last_uid` that join."""

    tag: bytes
    find: Find
    known: list[int]
    is_uid: bool
    is_ordered: bool
    items: Sequence[FetchItem]
    last_uid: int


@dataclass(slots=True)
class Contexts:
    """The searches that a session keeps, of the selected mailbox."""

    session: ImapSession
    _contexts: dict[bytes, _Context] = field(default_factory=dict)
    _modseq: int = 0  # of the mailbox when they were last up to date

    async def keep(
        self, find: Find, known: Sequence[int], items: Sequence[FetchItem], *, is_uid: bool, is_ordered: bool
    ) -> None:
        """Keep the search of the command in hand, if there is room for it."""
        tag = self.session.tag
        if len(self._contexts) >= CONTEXTS_LIMIT:
            await self.session.send(responses.untagged("Too many searches are kept", codes.no_update(tag)))
            return
        last = self.session.box.view.last_uid
        self._contexts[tag] = _Context(tag, find, list(known), is_uid, is_ordered, items, last)

    def cancel(self, tags: Sequence[bytes]) -> None:
        """Forget some."""
        for tag in tags:
            self._contexts.pop(tag, None)

    def clear(self) -> None:
        """Forget all: the mailbox is closed."""
        self._contexts.clear()

    async def update(self) -> None:
        """Tell what matches now and did not, and what does not match any more."""
        if not self._contexts or self._modseq == self.session.box.view.modseq:
            return
        self._modseq = self.session.box.view.modseq
        for context in list(self._contexts.values()):
            await self._update(context)

    async def _update(self, context: _Context) -> None:
        view = self.session.box.view
        now = [uid for uid in await context.find() if view.seq(uid) is not None]
        there = set(now)
        known = [uid for uid in context.known if view.seq(uid) is not None]
        removed = [uid for uid in known if uid not in there]
        before = set(known)
        added = [(place, uid) for place, uid in enumerate(now, 1) if uid not in before]
        context.known = now
        fresh = sorted(uid for _, uid in added if uid > context.last_uid)
        context.last_uid = max(view.last_uid, context.last_uid)
        if not added and not removed:
            return
        if fresh and context.items:
            await fetch_fresh(self.session, fresh, context.items)
        if context.is_ordered:
            more = [(place, b"%d" % self._number(context, uid)) for place, uid in added]
        else:
            more = self._anywhere(context, [uid for _, uid in added])
        found = responses.Found(added=more, removed=self._anywhere(context, removed))
        await self.session.send(responses.esearch(context.tag, found, uid=context.is_uid))

    async def tell_gone(self, expunged: Sequence[tuple[int, int]]) -> None:
        """RFC 5267 4.3.4: what is expunged leaves the results first, while its number (number, UID) is valid."""
        for context in self._contexts.values():
            left = {uid: uid if context.is_uid else seq for seq, uid in expunged}
            numbers = [left[uid] for uid in context.known if uid in left]
            if numbers:
                context.known = [uid for uid in context.known if uid not in left]
                found = responses.Found(removed=[(0, UidSet.of(numbers).format())])
                await self.session.send(responses.esearch(context.tag, found, uid=context.is_uid))

    def _anywhere(self, context: _Context, uids: Sequence[int]) -> list[tuple[int, bytes]]:
        """A change whose place does not matter, as one set."""
        return [(0, UidSet.of(self._number(context, uid) for uid in uids).format())] if uids else []

    def _number(self, context: _Context, uid: int) -> int:
        return uid if context.is_uid else self.session.box.view.seq(uid) or 0


async def _cancel(session: ImapSession, command: CancelUpdate) -> None:
    session.contexts.cancel(command.tags)
    await session.finish(OK)


HANDLERS: Final[Mapping[type, Handler]] = {CancelUpdate: _cancel}
