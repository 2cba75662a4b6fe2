"""What IMAP URLs name: parts of messages, for CATENATE, and for whoever was given an authorized one.

Implements  RFC 5092 (URLs), RFC 4469 4 (CATENATE), RFC 4467 3 (URLAUTH: INTERNAL), 7 (GENURLAUTH, RESETKEY, URLFETCH),
            RFC 5550 5.7.1 (URL-PARTIAL).
Gives       read_url, HANDLERS.
Not here    Syntax: proto.imap.urls. Keys: store.url_keys. Who may follow which: url_access. Octets: url_content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from postel.contents import ContentMissing
from postel.mail import BadSyntax
from postel.proto.imap import (
    BAD,
    NO,
    OK,
    GenUrlAuth,
    ImapUrl,
    ResetKey,
    UrlFetch,
    codes,
    parse_imap_url,
    responses,
)
from postel.servers.imapd.faults import Denied
from postel.servers.url_access import INTERNAL, Reader, UrlAccess, UrlDenied, UrlRooms, token_of
from postel.servers.url_content import open_url
from postel.store import StoredMailbox

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession


async def read_url(session: ImapSession, text: str) -> bytes:
    """The octets that a URL of CATENATE names, in a mailbox that the account may read. Raises Denied."""
    bad = Denied(NO.saying("The URL names nothing", codes.bad_url(text)))
    try:
        url = parse_imap_url(text)
    except BadSyntax:
        raise bad from None
    box = await _box_of(session, url)
    if box is None or url.auth is not None:
        raise bad
    found = await _read(session, box, url)
    if found is None:
        raise bad
    return found


async def _box_of(session: ImapSession, url: ImapUrl) -> StoredMailbox | None:
    """RFC 4469 3: a URL is relative to the server, or to the selected mailbox."""
    if url.mailbox is None:
        return None if session.selected is None else session.selected.box
    if url.host is not None and not _is_ours(session, url.host):
        return None
    if url.user is not None and url.user.casefold() != str(session.account).casefold():
        return None
    opened = await session.names.find(url.mailbox)
    return opened.box if opened is not None and "r" in opened.rights else None


def _is_ours(session: ImapSession, host: str) -> bool:
    return host.casefold() == session.options.hostname.ascii.casefold()


async def _read(session: ImapSession, box: StoredMailbox, url: ImapUrl) -> bytes | None:
    """The octets of the message, or of the part, or of some of it; None when they are not to be had."""
    content = await open_url(session.parts.store, session.parts.contents, box, url)
    if content is None or content.size_bytes > session.options.limits.append:
        return None
    try:
        return await content.read()
    except ContentMissing:
        return None


# --- URLAUTH ---------------------------------------------------------------------------------------------


async def _generate(session: ImapSession, command: GenUrlAuth) -> None:
    made: list[str] = []
    for text, mechanism in command.urls:
        made.append(await _authorized(session, text, mechanism))
    await session.send(responses.generated_urls(made))
    await session.finish(OK)


async def _authorized(session: ImapSession, text: str, mechanism: str) -> str:
    """The URL with the proof that its owner allowed it. Raises Denied."""
    if mechanism != INTERNAL:
        raise Denied(BAD.saying("The mechanism of a URL is INTERNAL"))
    try:
        url = parse_imap_url(text)
    except BadSyntax as why:
        text = str(why)
        raise Denied(BAD.saying(text[:1].upper() + text[1:])) from None
    if url.auth is None or url.auth.token is not None or url.mailbox is None or url.host is None:
        raise Denied(BAD.saying("A URL with an access and without a token is expected"))
    is_own = url.user is not None and url.user.casefold() == str(session.account).casefold()
    if not is_own or not _is_ours(session, url.host):
        # RFC 4467 7: only what belongs to whoever asks.
        raise Denied(BAD.saying("The URL is of another user or server"))
    opened = await session.names.open(url.mailbox, "r")
    key = await session.parts.store.url_keys.of(session.account_id, opened.box.id)
    return f"{url.auth.rump}:{INTERNAL}:{token_of(key, url.auth.rump)}"


async def _reset(session: ImapSession, command: ResetKey) -> None:
    keys, box_id = session.parts.store.url_keys, None
    if command.mailbox is not None:
        box_id = (await session.names.open(command.mailbox, "r")).box.id
    if command.mechanisms and INTERNAL not in command.mechanisms:
        raise Denied(BAD.saying("The mechanism of a URL is INTERNAL"))
    await session.parts.database.write(lambda tx: keys.reset(tx, session.account_id, box_id))
    await session.finish(OK.saying("Reset", codes.url_mech(INTERNAL)))


async def _fetch(session: ImapSession, command: UrlFetch) -> None:
    parts = session.parts
    rooms = UrlRooms(parts.clock, parts.contents, parts.directory, parts.store)
    access = UrlAccess(rooms, session.options.hostname.ascii)
    for text in command.urls:
        # RFC 4467 7: whatever is wrong with a URL, NIL is all that is said.
        await session.send(responses.fetched_url(text, await _fetched(session, access, text)))
    await session.finish(OK)


async def _fetched(session: ImapSession, access: UrlAccess, text: str) -> bytes | None:
    try:
        content = await access.authorized(text, Reader(str(session.account).casefold()))
        return None if content.size_bytes > session.options.limits.append else await content.read()
    except (UrlDenied, ContentMissing):
        return None


HANDLERS: Final[Mapping[type, Handler]] = {GenUrlAuth: _generate, ResetKey: _reset, UrlFetch: _fetch}
