"""Messages copied, moved, expunged; flags stored.

Implements  RFC 9051 6.4.3 (EXPUNGE), 6.4.6 (STORE), 6.4.7 (COPY), 6.4.8 (MOVE), RFC 4315 (UIDPLUS), RFC 7162 3.1.3
            (UNCHANGEDSINCE), RFC 4314 4 (rights).
Gives       HANDLERS.
Not here    Which flags may be set: flags.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from postel.proto import imap
from postel.proto.imap import OK, Code, Copy, Expunge, FlagChange, Move, UidSet, codes, responses
from postel.servers.imapd.faults import NO_RIGHT, SOME_GONE, Denied
from postel.servers.imapd.flags import ALL_FLAGS, allowed, read_flags, settable
from postel.servers.imapd.message_limit import newest, one_code, refuse_beyond
from postel.servers.imapd.names import Opened
from postel.servers.imapd.selected import TOLD_AT_ONCE
from postel.store import Carried, Copied, Flags, FlagsChanged, How
from postel.store import FlagChange as Change

if TYPE_CHECKING:
    from postel.servers.imapd.selected import Selected
    from postel.servers.imapd.session import Handler, ImapSession

_HOW: Final = {FlagChange.ADD: How.ADD, FlagChange.REMOVE: How.REMOVE, FlagChange.REPLACE: How.REPLACE}


async def _store(session: ImapSession, command: imap.Store) -> None:
    box = session.box
    flags, keywords = _changeable(box, *read_flags(command.flags), command.change)
    if command.unchanged_since is not None:
        await session.enable_condstore()
    uids, left = newest(session, box.uids(command.numbers, uid=command.uid))
    change = Change(_HOW[command.change], flags, keywords)
    done = await session.parts.store.change_flags(box.id, uids, change, command.unchanged_since)
    await box.refresh()
    await _answer_store(session, command, uids, done, left)


def _changeable(
    box: Selected, flags: Flags, keywords: frozenset[str], change: FlagChange
) -> tuple[Flags, frozenset[str]]:
    """RFC 4314 4: what one has no right for is left as it is, if there is one for the rest. Raises Denied."""
    box.needs("")
    mine, words = allowed(box.rights, flags, keywords)
    if (flags or keywords) and not (mine or words):
        raise Denied(NO_RIGHT)
    if change is FlagChange.REPLACE and settable(box.rights) != ALL_FLAGS:
        raise Denied(NO_RIGHT)  # it would take away flags that are not ours to take
    return mine, words


def _carried(target: Opened) -> Carried:
    """RFC 4314 4: a flag for which there is no right is lost; the message is copied all the same."""
    return Carried(settable(target.rights), has_keywords="w" in target.rights)


async def _answer_store(
    session: ImapSession, command: imap.Store, uids: Sequence[int], done: FlagsChanged, left: Code | None
) -> None:
    view = session.box.view
    failed = set(done.failed)
    if command.is_silent:
        await _hush(session, done, with_uid=command.uid)
    else:
        await _tell_flags(session, [uid for uid in uids if uid not in failed], with_uid=command.uid)
    code: Code | None = None
    if failed:
        numbers_of = failed if command.uid else {seq for uid in failed if (seq := view.seq(uid)) is not None}
        code = codes.modified(UidSet.of(numbers_of))
    is_missing = not command.uid and view.are_gone(uids)
    if is_missing and code is None and left is not None:
        code = codes.EXPUNGEISSUED
    code = await one_code(session, code, left)
    result = SOME_GONE if is_missing and code is None else OK.saying("Stored", code)
    await session.finish(result, may_expunge=command.uid)


async def _hush(session: ImapSession, done: FlagsChanged, *, with_uid: bool) -> None:
    """Do not tell of what the client itself has done, but for what others have changed since."""
    box = session.box
    latest = max((modseq for modseq, _ in done.changed), default=0)
    for some in _in_pages([uid for _, uids in done.changed for uid in uids]):
        quiet = box.snapshot.unchanged_since(latest, some)
        # RFC 7162 3.1.3: under CONDSTORE the new mod-sequences are told even so.
        if "CONDSTORE" in session.talk.enabled:
            await box.tell_flags(_numbered(box, quiet), with_uid=with_uid, with_flags=False)
        box.view.hush(quiet)
        if len(some) == TOLD_AT_ONCE:
            await asyncio.sleep(0)  # others have their turn


async def _tell_flags(session: ImapSession, uids: Sequence[int], *, with_uid: bool) -> None:
    box = session.box
    for some in _in_pages(uids):
        box.view.hush(some)
        await box.tell_flags(_numbered(box, some), with_uid=with_uid)
        if len(some) == TOLD_AT_ONCE:
            await asyncio.sleep(0)  # others have their turn


def _in_pages(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (uids[start : start + TOLD_AT_ONCE] for start in range(0, len(uids), TOLD_AT_ONCE))


def _numbered(box: Selected, uids: Sequence[int]) -> list[tuple[int, int]]:
    """The messages that the client knows: sequence number and UID."""
    return [(seq, uid) for uid in uids if (seq := box.view.seq(uid)) is not None]


async def _copy(session: ImapSession, command: Copy) -> None:
    box = session.box
    target = await session.names.target(command.mailbox)
    uids = box.uids(command.numbers, uid=command.uid)
    refuse_beyond(session, len(uids), uids)
    copied = await session.parts.store.copy(box.id, uids, target.box.id, _carried(target))
    if not command.uid and len(copied.source_uids) < len(uids) and not copied.source_uids:
        raise Denied(SOME_GONE)
    await session.finish(OK.saying("Copied", _copy_uid(copied)), may_expunge=command.uid)


def _copy_uid(copied: Copied) -> Code | None:
    """RFC 4315 3: no code where nothing was copied."""
    if not copied.source_uids:
        return None
    source, made = UidSet.of(copied.source_uids), UidSet.of(copied.target_uids)
    return codes.copy_uid(copied.uid_validity, source, made)


async def _move(session: ImapSession, command: Move) -> None:
    box = session.box
    box.needs("te")
    target = await session.names.target(command.mailbox)
    uids, left = newest(session, box.uids(command.numbers, uid=command.uid))
    moved = await session.parts.store.move(box.id, uids, target.box.id, _carried(target))
    if moved.source_uids:
        # RFC 6851 4.3: COPYUID comes in an untagged OK, before the EXPUNGEs.
        await session.send(responses.untagged("Moved", _copy_uid(moved)))
    await session.finish(OK.saying("", left))


async def _expunge(session: ImapSession, command: Expunge) -> None:
    box, store = session.box, session.parts.store
    box.needs("e")
    going: Sequence[int] = await store.deleted_uids(box.id)
    left = None
    if command.uids is not None:  # RFC 9738 3.1: EXPUNGE itself must have no limit
        wanted = set(box.uids(command.uids, uid=True))
        going, left = newest(session, [uid for uid in going if uid in wanted])
    removed = await store.remove(box.id, going)
    code = None
    if removed.uids and session.talk.enabled & {"CONDSTORE", "QRESYNC"}:
        code = codes.highest_modseq(removed.modseq)  # RFC 7162 3.2.7
    await session.finish(OK.saying("Expunged", await one_code(session, code, left)))


HANDLERS: Final[Mapping[type, Handler]] = {
    imap.Store: _store,
    Copy: _copy,
    Move: _move,
    Expunge: _expunge,
}
