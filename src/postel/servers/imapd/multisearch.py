"""ESEARCH: one search in several mailboxes.

Implements  RFC 7377 2 (IN; an ESEARCH response for each mailbox with hits), 2.2 (SAVE and UPDATE of the selected
            one), RFC 5465 6 (which).
Gives       HANDLERS, boxes_of.
Not here    What matches: searching.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from postel.proto.imap import BAD, OK, Esearch, MailboxFilter, ReturnOption, Returns, Scope, responses
from postel.servers.imapd.faults import Denied
from postel.servers.imapd.recent import Recent
from postel.servers.imapd.search import found_of, keep_found, modseq_of, saving
from postel.servers.imapd.searching import Search
from postel.servers.imapd.selected import Selected
from postel.store import INBOX, SEPARATOR, NoSuchMailbox, StoredMailbox

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession


_OF_SELECTED: Final = frozenset({ReturnOption.SAVE, ReturnOption.UPDATE})
_SELECTED: Final = MailboxFilter(Scope.SELECTED)


async def _esearch(session: ImapSession, command: Esearch) -> None:
    sources = command.sources or (_SELECTED,)
    _check(session, command.returns, sources)
    with saving(session, command.key, command.returns):
        for name, box in await boxes_of(session, sources):
            await _search_one(session, command, name, box)
            await asyncio.sleep(0)
    await session.finish(OK)


def _check(session: ImapSession, returns: Returns, sources: Sequence[MailboxFilter]) -> None:
    """RFC 7377 2.2: "selected" wants a mailbox that is; SAVE and UPDATE want no other one. Raises Denied."""
    if session.selected is None and _SELECTED in sources:
        raise Denied(BAD.saying("No mailbox is selected"))
    if not returns.options.isdisjoint(_OF_SELECTED) and set(sources) != {_SELECTED}:
        raise Denied(BAD.saying("SAVE and UPDATE are for the selected mailbox"))


async def _search_one(session: ImapSession, command: Esearch, name: str, box: StoredMailbox) -> None:
    rights = await session.names.rights(box)
    if "r" not in rights or not box.is_selectable:
        return  # RFC 7377 2.2: what cannot be searched is passed over
    try:
        snapshot = await session.parts.store.snapshots.current(box.id)
    except NoSuchMailbox:
        return
    looked_at = Selected(session, snapshot, rights, is_read_only=True, recent=Recent())
    if session.selected is not None and session.selected.id == box.id:
        looked_at.view.save(session.selected.view.saved)
    uids = await Search(session, looked_at).find(command.key)
    if not command.returns.options.isdisjoint(_OF_SELECTED):
        await keep_found(session, command.key, command.returns, uids, is_uid=True)
    if not uids or command.returns.options == {ReturnOption.SAVE}:
        return
    modseq = modseq_of(looked_at.snapshot, command.key, uids)
    found = found_of(command.returns, uids, modseq, is_ordered=False)
    source = responses.Source(name, box.uid_validity, session.is_utf8)
    await session.send(responses.esearch(session.tag, found, uid=True, source=source))


async def boxes_of(session: ImapSession, sources: Sequence[MailboxFilter]) -> list[tuple[str, StoredMailbox]]:
    """The mailboxes that these filters name, each once, by the names the account knows them by."""
    own = [(str(box.name), box) for box in await session.parts.store.mailboxes(session.account_id)]
    known = [*own, *await session.names.shared()]
    subscribed = await session.parts.store.tree.subscriptions(session.account_id)
    selected = None if session.selected is None else session.selected.id
    found: dict[int, tuple[str, StoredMailbox]] = {}
    for source in sources:
        for name, box in known:
            if _is_in(source, name, box, subscribed, selected):
                found[box.id] = name, box
    return list(found.values())


def _is_in(
    source: MailboxFilter, name: str, box: StoredMailbox, subscribed: set[str], selected: int | None
) -> bool:
    match source.scope:
        case Scope.SELECTED | Scope.SELECTED_DELAYED:
            return box.id == selected
        case Scope.INBOXES:
            return name == INBOX  # the one to which mail is delivered
        case Scope.PERSONAL:
            return name == box.name
        case Scope.SUBSCRIBED:
            return name in subscribed
        case Scope.MAILBOXES:
            return name in source.mailboxes
        case Scope.SUBTREE:
            return any(name == top or name.startswith(top + SEPARATOR) for top in source.mailboxes)
        case Scope.SUBTREE_ONE:
            above = name.rpartition(SEPARATOR)[0]
            return any(top in (name, above) for top in source.mailboxes)


HANDLERS: Final[Mapping[type, Handler]] = {Esearch: _esearch}
