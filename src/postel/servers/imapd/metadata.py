"""Annotations of mailboxes and of the server.

Implements  RFC 5464 4.2 (GETMETADATA), 4.3 (SETMETADATA), 3.2 (private and shared entries), 5 (rights), RFC 9590
            (LIST RETURN (METADATA)).
Gives       HANDLERS, metadata_of, may_annotate.
Not here    Rows and limits: store.annotations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from postel.database import Transaction
from postel.proto.imap import NO, OK, Code, GetMetadata, MetadataOptions, SetMetadata, codes, responses
from postel.servers.imapd.faults import NO_RIGHT, Denied
from postel.servers.imapd.names import Opened
from postel.store import Annotations, StoredMailbox, TooMany

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession

_PRIVATE: Final = "/private/"
_READING: Final = frozenset("rswip")  # RFC 5464 3.3
_SERVER: Final = 0  # the store's number for "no mailbox"
_SHARED: Final = 0  # and for "everybody's"


async def _get(session: ImapSession, command: GetMetadata) -> None:
    box = None
    if command.mailbox is not None:
        box = (await _opened(session, command.mailbox)).box
    known = await _known(session, box)
    found = entries_of(known, command.entries, command.options)
    limit, longest = command.options.max_size, 0
    told: list[tuple[str, bytes | None]] = []
    for entry, value in found:
        if limit is not None and value is not None and len(value) > limit:
            longest = max(longest, len(value))
        else:
            told.append((entry, value))
    if told:
        await session.send(responses.metadata(command.mailbox, told, is_utf8=session.is_utf8))
    code = codes.metadata_long_entries(longest) if longest else None  # RFC 5464 4.2.1
    await session.finish(OK.saying("Annotations told", code))


async def _opened(session: ImapSession, name: str) -> Opened:
    """RFC 5464 3.3: the right l, and one more that has to do with messages. Raises Denied."""
    opened = await session.names.open(name, "l")
    if not may_annotate(opened.rights):
        raise Denied(NO_RIGHT)
    return opened


def may_annotate(rights: frozenset[str]) -> bool:
    """Whether annotations of a mailbox, which may be seen, may be read."""
    return not rights.isdisjoint(_READING)


async def _known(session: ImapSession, box: StoredMailbox | None) -> dict[str, bytes]:
    """All entries of a place that the account may read."""
    annotations, owner, box_id = _place(session, box)
    shared = await annotations.of(owner, box_id, _SHARED)
    return {**shared, **await annotations.of(owner, box_id, session.account_id)}


def _place(session: ImapSession, box: StoredMailbox | None) -> tuple[Annotations, int, int]:
    owner = session.account_id if box is None else box.account_id
    return session.parts.store.annotations, owner, _SERVER if box is None else box.id


def entries_of(
    known: Mapping[str, bytes], wanted: Iterable[str], options: MetadataOptions
) -> Sequence[tuple[str, bytes | None]]:
    """The entries that are asked for, those below them included as deep as is asked (RFC 5464 4.2.2)."""
    found: dict[str, bytes | None] = {}
    for entry in wanted:
        found[entry] = known.get(entry)
        if options.depth != 0:
            below = (name for name in known if name.startswith(entry + "/"))
            found.update((name, known[name]) for name in below if _is_near(entry, name, options.depth))
    # RFC 5464 4.4.1: an entry that is not there is told as NIL, unless what is below it was asked for, too.
    return [(name, value) for name, value in found.items() if value is not None or options.depth == 0]


def _is_near(above: str, name: str, depth: int | None) -> bool:
    return depth is None or name.removeprefix(above + "/").count("/") < depth


async def metadata_of(session: ImapSession, name: str, box: StoredMailbox, entries: Sequence[str]) -> bytes:
    """A METADATA response beside LIST (RFC 9590 3)."""
    found = entries_of(await _known(session, box), entries, MetadataOptions())
    return responses.metadata(name, found, is_utf8=session.is_utf8)


async def _set(session: ImapSession, command: SetMetadata) -> None:
    box = None
    if command.mailbox is not None:
        opened = await _opened(session, command.mailbox)
        box = opened.box
        if any(not entry.startswith(_PRIVATE) for entry, _ in command.values):
            opened.needs("w")  # RFC 5464 5: shared entries change the mailbox for everybody
    elif any(not entry.startswith(_PRIVATE) for entry, _ in command.values):
        raise Denied(NO.saying("The server's shared annotations are the administrator's", codes.NOPERM))
    annotations, owner, box_id = _place(session, box)
    private = {entry: value for entry, value in command.values if entry.startswith(_PRIVATE)}
    shared = {entry: value for entry, value in command.values if entry not in private}

    async def work(tx: Transaction) -> None:
        if private:
            await annotations.set(tx, owner, box_id, session.account_id, private)
        if shared:
            await annotations.set(tx, owner, box_id, _SHARED, shared)

    try:
        await session.parts.database.write(work)
    except TooMany as fault:
        raise Denied(NO.saying(str(fault), _limit(session, fault))) from None
    await session.finish(OK)


def _limit(session: ImapSession, fault: TooMany) -> Code:
    """RFC 5464 4.3: which limit it was."""
    is_size = fault.limit == session.parts.store.options.annotation_bytes
    return codes.metadata_max_size(fault.limit) if is_size else codes.METADATA_TOOMANY


HANDLERS: Final[Mapping[type, Handler]] = {GetMetadata: _get, SetMetadata: _set}
