"""SELECT, EXAMINE, CLOSE, UNSELECT.

Implements  RFC 9051 6.3.2, 6.3.3, 6.4.1, 6.4.2, RFC 3501 6.3.1 (RECENT, UNSEEN), RFC 7162 3.1.2 (HIGHESTMODSEQ) and
            3.2.5 (QRESYNC), RFC 8474 4.1 (MAILBOXID), RFC 4314 4 (rights).
Gives       HANDLERS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from postel.proto.imap import OK, Close, Resync, Select, UidSet, Unselect, codes, responses
from postel.servers.imapd.faults import NO_SUCH_MAILBOX, Denied
from postel.servers.imapd.object_ids import mailbox_id
from postel.servers.imapd.recent import NOBODYS, Recent
from postel.servers.imapd.selected import Selected
from postel.servers.imapd.vanished import gone_since
from postel.store import Flags, Snapshot

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession

# RFC 4314 4: with any of these the mailbox can be changed.
_WRITING: Final = frozenset("swite")


async def _select(session: ImapSession, command: Select) -> None:
    store = session.parts.store
    if session.selected is not None:
        session.deselect()
        session.talk.send(responses.untagged("The mailbox before is closed", codes.CLOSED))
    opened = await session.names.open(command.mailbox, "r")
    if not opened.box.is_selectable:
        raise Denied(NO_SUCH_MAILBOX)
    if command.condstore:
        session.talk.enable("CONDSTORE")
    is_read_only = command.is_read_only or not opened.rights & _WRITING
    recent = Recent() if is_read_only else Recent(await store.claim_recent(opened.box.id))
    snapshot = await store.snapshots.current(opened.box.id)
    if is_read_only:  # RFC 3501 6.3.2: who only looks takes \Recent from nobody
        recent = Recent(range(snapshot.mailbox.recent_from, NOBODYS))
    selected = Selected(session, snapshot, opened.rights, is_read_only=is_read_only, recent=recent)
    session.select(selected)
    await session.send(_description(session, selected, command.mailbox))
    if command.resync is not None:
        await _resync(session, selected, command.resync)
    mode = codes.READ_ONLY if is_read_only else codes.READ_WRITE
    session.talk.answer(OK.saying("Selected", mode))


def _description(session: ImapSession, selected: Selected, name: str) -> bytes:
    snapshot, box = selected.snapshot, selected.box
    is_rev2 = "IMAP4REV2" in session.talk.enabled
    known = selected.known_flags()
    lines = [
        responses.flags(known),
        responses.exists(selected.view.exists),
        responses.untagged("What can be changed", codes.permanent_flags(_permanent(selected, known))),
        responses.untagged("UIDs are valid", codes.uid_validity(box.uid_validity)),
        responses.untagged("The next UID", codes.uid_next(box.uid_next)),
        selected.standing(),
        responses.untagged("Its id", codes.mailbox_id(mailbox_id(box.id))),
    ]
    if is_rev2:
        # RFC 9051 6.3.2: LIST says by what name the mailbox is known.
        lines.append(responses.listing((), "/", name, is_utf8=session.is_utf8))
    else:
        lines.insert(2, responses.recent(selected.recent_count()))
        first = _first_unseen(snapshot)
        if first:
            lines.append(responses.untagged("The first unseen message", codes.unseen(first)))
    return b"".join(lines)


def _permanent(selected: Selected, known: list[bytes]) -> list[bytes]:
    """RFC 4314 4: only what the rights allow; a backslash and a star: keywords can be made."""
    if selected.is_read_only:
        return []
    rights = selected.rights
    needed = {b"\\Seen": "s", b"\\Deleted": "t"}
    allowed = [flag for flag in known if needed.get(flag, "w") in rights]
    return [*allowed, b"\\*"] if "w" in rights else allowed


def _first_unseen(snapshot: Snapshot) -> int:
    """RFC 3501 7.1: the sequence number of the first message without \\Seen; 0: there is none."""
    unseen = {n for n, entry in enumerate(snapshot.flag_sets) if not entry.flags & Flags.SEEN}
    return next((place + 1 for place, number in enumerate(snapshot.flags) if number in unseen), 0)


async def _resync(session: ImapSession, selected: Selected, known: Resync) -> None:
    """RFC 7162 3.2.5: what changed since the client was here, if it was here."""
    if known.uid_validity != selected.box.uid_validity:
        return
    gone = await gone_since(session, selected, known.modseq, known.known_uids)
    if known.match_seqs is not None and known.match_uids is not None:
        gone = _unmatched(gone, selected, known.match_seqs, known.match_uids)
    if gone:
        await session.send(responses.vanished(gone, earlier=True))
    snapshot = selected.snapshot
    changed = [
        (place + 1, uid)
        for place, (uid, modseq) in enumerate(zip(snapshot.uids, snapshot.modseqs, strict=True))
        if modseq > known.modseq and (known.known_uids is None or uid in known.known_uids)
    ]
    if changed:
        await selected.tell_flags(changed, with_uid=True)


def _unmatched(gone: UidSet, selected: Selected, seqs: UidSet, uids: UidSet) -> UidSet:
    """RFC 7162 3.2.5.2: up to the last pair that still fits, the client knows what is gone."""
    fits = 0
    for seq, uid in zip(seqs, uids, strict=True):
        if selected.view.uid(seq) != uid:
            break
        fits = uid
    return gone - UidSet(((1, fits),)) if fits else gone


async def _close(session: ImapSession, command: Close) -> None:
    """RFC 9051 6.4.1: what is deleted goes, and nobody is told here."""
    box = session.box
    if not box.is_read_only and "e" in box.rights:
        store = session.parts.store
        await store.remove(box.id, await store.deleted_uids(box.id))
    session.deselect()
    session.talk.answer(OK)


async def _unselect(session: ImapSession, command: Unselect) -> None:
    session.deselect()
    session.talk.answer(OK)


HANDLERS: Final[Mapping[type, Handler]] = {Select: _select, Close: _close, Unselect: _unselect}
