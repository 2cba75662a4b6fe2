"""Who may follow an IMAP URL: its owner, and those to whom the owner gave it.

Implements  RFC 4467 3 (access), 6 (INTERNAL), 7 (URLFETCH), RFC 4468 3.3 (the submission server), RFC 5092 5.
Gives       UrlAccess, UrlRooms, Reader, UrlDenied, UrlElsewhere, UrlNotAllowed, UrlNamesNothing, token_of, INTERNAL.
Not here    Syntax: proto.imap.urls. Keys: store.url_keys. What the client is told: imapd.urls, smtpd_urls.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from postel.contents import Contents
from postel.directory import Account, Directory
from postel.mail import BadSyntax
from postel.net import Clock
from postel.proto.imap import ImapUrl, UrlAuth, parse_imap_url
from postel.servers.imapd.names import Names
from postel.servers.url_content import UrlContent, open_url
from postel.store import Store, StoredMailbox

INTERNAL: Final = "INTERNAL"  # RFC 4467 6: the one mechanism that there must be


class UrlDenied(Exception):
    """A URL cannot be followed. The text is for the log: a client is not told what is not its business."""


class UrlElsewhere(UrlDenied):
    """The URL is of a server that we have nothing to do with."""


class UrlNotAllowed(UrlDenied):
    """The URL is not for this reader: forged, too old, withdrawn, or somebody else's."""


class UrlNamesNothing(UrlDenied):
    """The URL cannot be read, or what it names is not there."""


@dataclass(frozen=True, slots=True)
class UrlRooms:
    """The rooms below that are asked."""

    clock: Clock
    contents: Contents
    directory: Directory
    store: Store


@dataclass(frozen=True, slots=True)
class Reader:
    """Who follows a URL.

    address         of the account that is logged in, as it is compared: folded.
    is_submission   the submission server does it, for this account (RFC 4467 3: `submit+` is for it alone).
    """

    address: str
    is_submission: bool = False


class UrlAccess:
    """Follows URLs of this server, `hostname`."""

    def __init__(self, rooms: UrlRooms, hostname: str) -> None:
        self._rooms = rooms
        self._hostname = hostname.casefold()

    async def submitted(self, text: str, reader: Reader) -> UrlContent:
        """What a URL names that is submitted: an authorized one, or one of the reader's own mailboxes.

        Raises UrlDenied, DatabaseTrouble.
        """
        url = _parsed(text)
        if url.auth is not None:
            return await self.authorized(url, reader)
        self.check_host(url)
        own = await self._rooms.directory.find(reader.address)
        if own is None or url.user is None or url.user.casefold() != reader.address:
            raise UrlNotAllowed("the URL is of another user")
        return await self.open(None if url.mailbox is None else await self._readable(own, url.mailbox), url)

    async def authorized(self, url: ImapUrl | str, reader: Reader) -> UrlContent:
        """RFC 4467 7: what a URL names that its owner allowed. Raises UrlDenied, DatabaseTrouble."""
        url = _parsed(url) if isinstance(url, str) else url
        if url.auth is None or url.user is None or url.mailbox is None:
            raise UrlNotAllowed("the URL is not authorized")
        self.check_host(url)
        self._check_reader(url.auth, reader)
        owner = await self._rooms.directory.find(url.user.casefold())
        if owner is None:
            raise UrlNotAllowed("the URL is of nobody here")
        return await self.open(await self._proven(owner, url.mailbox, url.auth), url)

    async def open(self, box: StoredMailbox | None, url: ImapUrl) -> UrlContent:
        """What a URL names in a mailbox that may be read. Raises UrlNamesNothing, DatabaseTrouble."""
        found = None if box is None else await open_url(self._rooms.store, self._rooms.contents, box, url)
        if found is None:
            raise UrlNamesNothing("the URL names nothing that is here")
        return found

    def check_host(self, url: ImapUrl) -> None:
        """Raises UrlElsewhere, UrlNamesNothing."""
        if url.host is None:
            raise UrlNamesNothing("the URL names no server of IMAP")
        if url.host.casefold() != self._hostname:
            raise UrlElsewhere("the URL is of another server")

    def _check_reader(self, auth: UrlAuth, reader: Reader) -> None:
        """Whether this reader is among those that the URL is for, and it is not too late."""
        if auth.mechanism != INTERNAL or auth.token is None:
            raise UrlNotAllowed("the URL bears no token of ours")
        if auth.expire is not None and self._rooms.clock.now() > _instant(auth.expire):
            raise UrlNotAllowed("the URL has expired")
        kind, _, user = auth.access.partition("+")
        match kind.casefold():
            case "anonymous" | "authuser":
                is_meant = True
            case "user":
                is_meant = user.casefold() == reader.address
            case "submit":
                # RFC 4468 3.3: MUST be refused unless the user is who submits.
                is_meant = reader.is_submission and user.casefold() == reader.address
            case _:
                is_meant = False
        if not is_meant:
            raise UrlNotAllowed("the URL is for somebody else")

    async def _proven(self, owner: Account, name: str, auth: UrlAuth) -> StoredMailbox:
        """The mailbox, if its owner made the token, and may still read it. Raises UrlNotAllowed."""
        opened = await self._readable(owner, name)
        key = None if opened is None else await self._rooms.store.url_keys.find(owner.id, opened.id)
        is_proven = key is not None and hmac.compare_digest(token_of(key, auth.rump), auth.token or "")
        if opened is None or not is_proven:
            raise UrlNotAllowed("the token is not of the mailbox's owner")
        return opened

    async def _readable(self, account: Account, name: str) -> StoredMailbox | None:
        opened = await Names(self._rooms.store, self._rooms.directory, account).find(name)
        return opened.box if opened is not None and "r" in opened.rights else None


def token_of(key: bytes, rump: str) -> str:
    """RFC 4467 6: the proof that whoever has the key allowed the URL."""
    return hmac.new(key, rump.encode("ascii"), hashlib.sha256).hexdigest()


def _parsed(text: str) -> ImapUrl:
    try:
        return parse_imap_url(text)
    except BadSyntax as bad:
        raise UrlNamesNothing(str(bad)) from None


def _instant(text: str) -> float:
    """RFC 3339 5.6; what cannot be read is over."""
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except ValueError:
        return 0.0
