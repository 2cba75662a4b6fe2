"""What IMAP URLs name: parts of messages, for CATENATE, and for whoever was given an authorized one.

Implements  RFC 5092 (URLs), RFC 4469 4 (CATENATE), RFC 4467 3 (URLAUTH: INTERNAL), 7 (GENURLAUTH, RESETKEY, URLFETCH),
            RFC 5550 5.7.1 (URL-PARTIAL).
Gives       read_url, HANDLERS.
Not here    Syntax: proto.imap.urls. Keys: store.url_keys.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from postel.contents import ContentMissing
from postel.directory import Account
from postel.mail import BadSyntax
from postel.proto.imap import (
    BAD,
    NO,
    OK,
    FetchSection,
    GenUrlAuth,
    ImapUrl,
    MailboxName,
    Octets,
    ResetKey,
    Section,
    UrlAuth,
    UrlFetch,
    codes,
    parse_imap_url,
    responses,
)
from postel.servers.imapd.faults import Denied
from postel.servers.imapd.fetch_sections import Sections
from postel.store import MailboxName as StoredName
from postel.store import StoredMailbox

if TYPE_CHECKING:
    from postel.servers.imapd.session import Handler, ImapSession

INTERNAL: Final = "INTERNAL"  # RFC 4467 6: the one mechanism that there must be
_ALL_OCTETS: Final = 1 << 62


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
    if url.uid is None or (url.uid_validity is not None and url.uid_validity != box.uid_validity):
        return None
    store = session.parts.store
    letter = (await store.letters(box.id, [url.uid])).get(url.uid)
    if letter is None:
        return None
    blob = (await store.index.fresh([letter.content_id])).get(letter.content_id)
    if blob is None:
        return None
    octets = None
    if url.partial is not None:
        offset, count = url.partial
        octets = Octets(offset, _ALL_OCTETS if count is None else count)
    wanted = FetchSection(url.section or Section(), True, octets)
    try:
        return await Sections(session, letter, blob, None).read(wanted, session.options.limits.append)
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
        raise Denied(BAD.saying(str(why))) from None
    if url.auth is None or url.auth.token is not None or url.mailbox is None or url.host is None:
        raise Denied(BAD.saying("A URL with an access and without a token is expected"))
    is_own = url.user is not None and url.user.casefold() == str(session.account).casefold()
    if not is_own or not _is_ours(session, url.host):
        # RFC 4467 7: only what belongs to whoever asks.
        raise Denied(BAD.saying("The URL is of another user or server"))
    opened = await session.names.open(url.mailbox, "r")
    key = await session.parts.store.url_keys.of(session.account_id, opened.box.id)
    return f"{url.auth.rump}:{INTERNAL}:{_token(key, url.auth.rump)}"


def _token(key: bytes, rump: str) -> str:
    return hmac.new(key, rump.encode("ascii"), hashlib.sha256).hexdigest()


async def _reset(session: ImapSession, command: ResetKey) -> None:
    keys, box_id = session.parts.store.url_keys, None
    if command.mailbox is not None:
        box_id = (await session.names.open(command.mailbox, "r")).box.id
    if command.mechanisms and INTERNAL not in command.mechanisms:
        raise Denied(BAD.saying("The mechanism of a URL is INTERNAL"))
    await session.parts.database.write(lambda tx: keys.reset(tx, session.account_id, box_id))
    await session.finish(OK.saying("Reset", codes.url_mech(INTERNAL)))


async def _fetch(session: ImapSession, command: UrlFetch) -> None:
    for text in command.urls:
        # RFC 4467 7: whatever is wrong with a URL, NIL is all that is said.
        await session.send(responses.fetched_url(text, await _fetched(session, text)))
    await session.finish(OK)


async def _fetched(session: ImapSession, text: str) -> bytes | None:
    try:
        url = parse_imap_url(text)
    except BadSyntax:
        return None
    auth = url.auth
    if auth is None or url.user is None or url.mailbox is None or url.host is None:
        return None
    if not _is_ours(session, url.host) or not _is_open(session, auth):
        return None
    owner = await session.parts.directory.find(url.user.casefold())
    box = None if owner is None else await _proven(session, owner, url.mailbox, auth)
    return None if box is None else await _read(session, box, url)


def _is_open(session: ImapSession, auth: UrlAuth) -> bool:
    """Whether this session is among those that the URL is for, and it is not too late."""
    if auth.mechanism != INTERNAL or auth.token is None:
        return False
    if auth.expire is not None and session.parts.clock.now() > _instant(auth.expire):
        return False
    # RFC 4467 3: submit+ is for the submission server alone.
    kind, _, user = auth.access.partition("+")
    match kind.casefold():
        case "anonymous" | "authuser":
            return True
        case "user":
            return user.casefold() == str(session.account).casefold()
        case _:
            return False


def _instant(text: str) -> float:
    """RFC 3339 5.6; what cannot be read is over."""
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except ValueError:
        return 0.0


async def _proven(
    session: ImapSession, owner: Account, name: MailboxName, auth: UrlAuth
) -> StoredMailbox | None:
    """The mailbox, if its owner made the token."""
    store = session.parts.store
    box = await store.mailbox(owner.id, StoredName(name))
    key = None if box is None else await store.url_keys.find(owner.id, box.id)
    if key is None or not hmac.compare_digest(_token(key, auth.rump), auth.token or ""):
        return None
    return box


HANDLERS: Final[Mapping[type, Handler]] = {GenUrlAuth: _generate, ResetKey: _reset, UrlFetch: _fetch}
