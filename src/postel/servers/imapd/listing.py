"""LIST and LSUB.

Implements  RFC 9051 6.3.9, RFC 3501 6.3.9 (LSUB), RFC 5258 3 (selection and return options), RFC 5819 (STATUS),
            RFC 6154 2 (SPECIAL-USE), RFC 8440 (MYRIGHTS), RFC 3348 (CHILDREN), RFC 9590 (METADATA).
Gives       HANDLERS, give_way.
Not here    Patterns: proto.imap.patterns.

An account may have ten thousand mailboxes: between some hundreds of names others have their turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from postel.proto.imap import OK, List, ListReturn, Lsub, Pattern, Selection, responses
from postel.servers.imapd.mailboxes import status_of
from postel.servers.imapd.metadata import may_annotate, metadata_of
from postel.store import INBOX, SEPARATOR, StoredMailbox, inbox_first

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession

_SUBSCRIBED_BELOW: Final = (b"SUBSCRIBED",)
_AT_ONCE: Final = 200  # names: a few milliseconds


async def give_way(number: int) -> None:
    """Let other sessions have their turn after some of many names: the nth is looked at now."""
    if number % _AT_ONCE == 0:
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A name that a user can see: of a mailbox, of what is above one, or only subscribed to."""

    name: str
    box: StoredMailbox | None


class _Tree:
    """All names that a user can see, by name, and which of them are subscribed to."""

    def __init__(self, entries: Mapping[str, _Entry], subscribed: frozenset[str]) -> None:
        self._entries = entries
        self.subscribed = subscribed
        self._parents = {name.rpartition(SEPARATOR)[0] for name in entries if SEPARATOR in name}

    @classmethod
    async def of(cls, session: ImapSession) -> _Tree:
        store = session.parts.store
        boxes = [(str(box.name), box) for box in await store.mailboxes(session.account_id)]
        boxes += await session.names.shared()
        entries: dict[str, _Entry] = {}
        for number, (name, box) in enumerate(boxes, 1):
            await give_way(number)
            for above in _above(name):  # RFC 9051 6.3.9: a level of the hierarchy is a name, too
                entries.setdefault(above, _Entry(above, None))
            entries[name] = _Entry(name, box)
        return cls(entries, frozenset(await store.tree.subscriptions(session.account_id)))

    def names(self, *, with_subscribed: bool) -> Iterator[_Entry]:
        """In the order of their names, INBOX first; with what is subscribed to and not there, and the names above."""
        entries = dict(self._entries)
        if with_subscribed:
            for name in self.subscribed | _all_above(self.subscribed):
                entries.setdefault(name, _Entry(name, None))
        yield from sorted(entries.values(), key=lambda entry: (entry.name != INBOX, entry.name))

    def has_children(self, name: str) -> bool:
        """Whether there is a name below."""
        return name in self._parents

    def is_there(self, name: str) -> bool:
        """Whether a mailbox has the name, or a name is below it."""
        return name in self._entries


def _above(name: str) -> Iterator[str]:
    while SEPARATOR in name:
        name = name.rpartition(SEPARATOR)[0]
        yield name


def _all_above(names: Iterable[str]) -> frozenset[str]:
    return frozenset(above for name in names for above in _above(name))


async def _list(session: ImapSession, command: List) -> None:
    if command.patterns == ("",) and not command.is_extended:
        await session.send(responses.root(SEPARATOR))  # RFC 9051 6.3.9: only the delimiter is asked for
    else:
        await _answer(session, command, await _Tree.of(session))
    await session.finish(OK)


async def _answer(session: ImapSession, command: List, tree: _Tree) -> None:
    patterns = [_pattern(command.reference + pattern) for pattern in command.patterns]
    wants_subscribed = Selection.SUBSCRIBED in command.selection
    whys, hidden = _above_subscribed(command, tree, patterns)
    for number, entry in enumerate(tree.names(with_subscribed=wants_subscribed), 1):
        await give_way(number)
        if not any(pattern.matches(entry.name) for pattern in patterns):
            continue
        is_selected = _is_selected(command, tree, entry)
        child_info = _SUBSCRIBED_BELOW if entry.name in (whys if is_selected else hidden) else ()
        if is_selected or child_info:
            await session.send(
                responses.listing(
                    _attributes(command, tree, entry),
                    SEPARATOR,
                    entry.name,
                    is_utf8=session.is_utf8,
                    child_info=child_info,
                )
            )
            # RFC 5819 2, RFC 9590 4: of what is only told for its children's sake there is nothing else to tell.
            if is_selected and tree.is_there(entry.name):
                await _tell_more(session, command.returns, entry)


def _pattern(text: str) -> Pattern:
    return Pattern(inbox_first(text), SEPARATOR)


def _is_selected(command: List, tree: _Tree, entry: _Entry) -> bool:
    """RFC 5258 3.1: all selection options that choose names must hold."""
    if Selection.SUBSCRIBED in command.selection and entry.name not in tree.subscribed:
        return False
    if Selection.SPECIAL_USE in command.selection:
        return entry.box is not None and bool(entry.box.special_uses)
    return True


def _above_subscribed(command: List, tree: _Tree, patterns: Sequence[Pattern]) -> tuple[Set[str], Set[str]]:
    """RFC 5258 3.5: names above subscribed ones, and those of them above one that is not told itself."""
    if not {Selection.RECURSIVEMATCH, Selection.SUBSCRIBED} <= command.selection:
        return frozenset(), frozenset()
    untold = [name for name in tree.subscribed if not any(pattern.matches(name) for pattern in patterns)]
    return _all_above(tree.subscribed), _all_above(untold)


def _attributes(command: List, tree: _Tree, entry: _Entry) -> list[bytes]:
    attributes: list[bytes] = []
    if not tree.is_there(entry.name):
        attributes.append(b"\\NonExistent")
    elif entry.box is None or not entry.box.is_selectable:
        attributes.append(b"\\Noselect")
    attributes.append(b"\\HasChildren" if tree.has_children(entry.name) else b"\\HasNoChildren")
    wants_subscribed = command.returns.subscribed or Selection.SUBSCRIBED in command.selection
    if wants_subscribed and entry.name in tree.subscribed:
        attributes.append(b"\\Subscribed")
    # RFC 6154 2: the uses are told in any case; programs look for them in a plain LIST.
    if entry.box is not None:
        attributes += sorted(use.value.encode() for use in entry.box.special_uses if use)
    return attributes


async def _tell_more(session: ImapSession, returns: ListReturn, entry: _Entry) -> None:
    box = entry.box
    if box is None:
        return
    rights = await session.names.rights(box)
    if returns.my_rights:  # RFC 8440 3
        told = "".join(sorted(rights))
        await session.send(responses.my_rights(entry.name, told, is_utf8=session.is_utf8))
    if returns.status and box.is_selectable and "r" in rights:
        await session.send(status_of(session, entry.name, box, returns.status))
    if returns.metadata and may_annotate(rights):  # RFC 9590 3
        await session.send(await metadata_of(session, entry.name, box, returns.metadata))


async def _lsub(session: ImapSession, command: Lsub) -> None:
    """RFC 3501 6.3.9: with %, a name above a subscribed one that does not match itself is told as \\Noselect."""
    tree = await _Tree.of(session)
    pattern = _pattern(command.reference + command.pattern)
    told: dict[str, bool] = {}
    for number, name in enumerate(tree.subscribed, 1):
        await give_way(number)
        if pattern.matches(name):
            told[name] = True
            continue
        for above in _above(name):
            if pattern.matches(above):
                told.setdefault(above, False)
    for number, name in enumerate(sorted(told, key=lambda name: (name != INBOX, name)), 1):
        await give_way(number)
        attributes = () if told[name] or name in tree.subscribed else (b"\\Noselect",)
        await session.send(responses.lsub(attributes, SEPARATOR, name, is_utf8=session.is_utf8))
    await session.finish(OK)


HANDLERS: Final[Mapping[type, Handler]] = {List: _list, Lsub: _lsub}
