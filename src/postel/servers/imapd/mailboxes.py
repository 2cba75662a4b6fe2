"""Mailboxes made, deleted, renamed, subscribed to, and asked about.

Implements  RFC 9051 6.3.4 (CREATE), 6.3.5 (DELETE), 6.3.6 (RENAME), 6.3.7, 6.3.8 (SUBSCRIBE), 6.3.10 (NAMESPACE),
            6.3.11 (STATUS), RFC 6154 3 (USE), RFC 4314 4 (rights), RFC 8474 4.2 (MAILBOXID).
Gives       HANDLERS, status_of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from postel.database import Transaction
from postel.proto.imap import (
    NO,
    OK,
    Create,
    Delete,
    Namespace,
    Rename,
    Status,
    StatusItem,
    Subscribe,
    Unsubscribe,
    codes,
    responses,
)
from postel.servers.imapd.faults import NO_RIGHT, NO_SUCH_MAILBOX, Denied
from postel.servers.imapd.names import Place
from postel.servers.imapd.object_ids import mailbox_id
from postel.store import INBOX, OTHER_USERS, SEPARATOR, MailboxName, SpecialUse, StoredMailbox, inbox_first

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession


async def _create(session: ImapSession, command: Create) -> None:
    store, place = session.parts.store, await session.names.own(command.mailbox)
    await _may_make(session, place)
    uses = frozenset(_use(use) for use in command.uses)

    async def work(tx: Transaction) -> int:
        return await store.tree.create(tx, place.account_id, place.name, uses)

    number = await session.parts.database.write(work)
    await session.finish(OK.saying("Created", codes.mailbox_id(mailbox_id(number))))


def _use(name: bytes) -> SpecialUse:
    try:
        return SpecialUse(name.decode())
    except ValueError:
        raise Denied(NO.saying("That use is not supported", codes.USEATTR)) from None


async def _may_make(session: ImapSession, place: Place) -> None:
    """RFC 4314 4: in another's tree, only below a mailbox on which one has the right k."""
    if place.account_id == session.account_id:
        return
    name: str = place.name
    while SEPARATOR in name:
        name = name.rpartition(SEPARATOR)[0]
        box = await session.parts.store.mailbox(place.account_id, MailboxName(name))
        if box is not None:
            if "k" in await session.names.rights(box):
                return
            break
    raise Denied(NO_RIGHT)


async def _delete(session: ImapSession, command: Delete) -> None:
    opened = await session.names.open(command.mailbox, "x")
    tree = session.parts.store.tree
    await session.parts.database.write(lambda tx: tree.delete(tx, opened.box.id))
    if session.selected is not None and session.selected.id == opened.box.id:
        session.deselect()
        session.talk.deselect()
    await session.finish(OK)


async def _rename(session: ImapSession, command: Rename) -> None:
    store = session.parts.store
    opened = await session.names.open(command.mailbox, "x")
    place = await session.names.own(command.new_name)
    await _may_make(session, place)
    if place.account_id != opened.box.account_id:
        raise Denied(NO.saying("A mailbox stays with its owner", codes.CANNOT))
    if opened.box.name == INBOX:
        await store.rename_inbox(opened.box.account_id, place.name)
    else:
        # A tree may have ten thousand names.
        await session.parts.database.write_apart(lambda tx: store.tree.rename(tx, opened.box.id, place.name))
    if "IMAP4REV2" in session.talk.enabled:  # RFC 9051 6.3.6
        told = responses.listing(
            (), SEPARATOR, command.new_name, is_utf8=session.is_utf8, old_name=command.mailbox
        )
        await session.send(told)
    await session.finish(OK)


async def _subscribe(session: ImapSession, command: Subscribe) -> None:
    tree = session.parts.store.tree
    name = inbox_first(command.mailbox.removesuffix(SEPARATOR))
    await session.parts.database.write(lambda tx: tree.subscribe(tx, session.account_id, name))
    await session.finish(OK)


async def _unsubscribe(session: ImapSession, command: Unsubscribe) -> None:
    tree = session.parts.store.tree
    name = inbox_first(command.mailbox.removesuffix(SEPARATOR))
    await session.parts.database.write(lambda tx: tree.unsubscribe(tx, session.account_id, name))
    await session.finish(OK)


async def _namespace(session: ImapSession, command: Namespace) -> None:
    others = [(OTHER_USERS + SEPARATOR, SEPARATOR)]
    await session.send(responses.namespace([("", SEPARATOR)], others, [], is_utf8=session.is_utf8))
    await session.finish(OK)


async def _status(session: ImapSession, command: Status) -> None:
    opened = await session.names.open(command.mailbox, "r")
    if not opened.box.is_selectable:
        raise Denied(NO_SUCH_MAILBOX)
    if StatusItem.HIGHESTMODSEQ in command.items:
        await session.enable_condstore()  # RFC 7162 3.1: asking is enabling
    await session.send(status_of(session, command.mailbox, opened.box, command.items))
    await session.finish(OK)


def status_of(session: ImapSession, name: str, box: StoredMailbox, items: Sequence[StatusItem]) -> bytes:
    """A STATUS response, from the mailbox's counters."""
    values = {item: _VALUES[item](session, box) for item in items}
    return responses.status(name, values, is_utf8=session.is_utf8)


_VALUES: Final[Mapping[StatusItem, Callable[[ImapSession, StoredMailbox], int | str | None]]] = {
    StatusItem.MESSAGES: lambda session, box: box.message_count,
    StatusItem.RECENT: lambda session, box: min(max(box.uid_next - box.recent_from, 0), box.message_count),
    StatusItem.UIDNEXT: lambda session, box: box.uid_next,
    StatusItem.UIDVALIDITY: lambda session, box: box.uid_validity,
    StatusItem.UNSEEN: lambda session, box: box.unseen_count,
    StatusItem.DELETED: lambda session, box: box.deleted_count,
    StatusItem.SIZE: lambda session, box: box.size_bytes,
    StatusItem.HIGHESTMODSEQ: lambda session, box: max(box.highest_modseq, 1),
    StatusItem.APPENDLIMIT: lambda session, box: session.options.limits.append,
    StatusItem.MAILBOXID: lambda session, box: mailbox_id(box.id),
    StatusItem.DELETED_STORAGE: lambda session, box: -(-box.deleted_bytes // 1024),
}

HANDLERS: Final[Mapping[type, Handler]] = {
    Create: _create,
    Delete: _delete,
    Rename: _rename,
    Subscribe: _subscribe,
    Unsubscribe: _unsubscribe,
    Namespace: _namespace,
    Status: _status,
}
