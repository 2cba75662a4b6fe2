"""Messages that clients put into mailboxes: APPEND, REPLACE.

Implements  RFC 9051 6.3.12, RFC 3502 (MULTIAPPEND: all or none), RFC 4469 (CATENATE), RFC 8508 3 (REPLACE: one
            instant), RFC 7889 (limits), RFC 4314 4 (rights), RFC 6855 4 (UTF8).
Gives       Uploads.
Not here    Literals and their limits: proto.imap. What is stored: store, contents.

A message goes to its content as it comes, piece by piece; nothing is stored before the command is whole.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from postel.contents import Draft, Sealed, keep, lend
from postel.database import Transaction
from postel.proto.imap import (
    NO,
    OK,
    Append,
    CatenateText,
    CatenateUrl,
    LiteralChunk,
    MessageEnd,
    MessageStart,
    Replace,
    UidSet,
    UploadAborted,
    UploadEnd,
    codes,
    responses,
)
from postel.servers.imapd.faults import Denied
from postel.servers.imapd.flags import allowed, read_flags
from postel.servers.imapd.message_limit import refuse_beyond
from postel.servers.imapd.names import Opened
from postel.servers.imapd.urls import read_url
from postel.store import Appended, Fill, Flags, MessageFacts, NoSuchMessage, ReadOnce, Usage

if TYPE_CHECKING:
    from postel.servers.imapd.session import ImapSession


# Messages of one command that are too small for files wait in memory together: so many octets of them.
IN_MEMORY_BYTES: Final = 16 * 1024 * 1024

UPLOAD_S: Final = 2 * 3600.0  # one command, with all its messages


@dataclass(slots=True)
class _Message:
    """One message of an upload."""

    draft: Draft
    flags: Flags
    keywords: frozenset[str]
    internal_date_at: float
    is_utf8: bool
    sealed: Sealed | None = None
    read: ReadOnce | None = None


@dataclass(slots=True)
class _Upload:
    """A command whose messages are coming.

    fill    how full the account was when they began to come, where it has a limit that they count for.
    ends_s  when it has taken too long, by the clock of the loop.
    """

    target: Opened
    replaced_uid: int | None
    fill: Fill | None
    ends_s: float
    messages: list[_Message] = field(default_factory=list)

    def check(self, size_bytes: int) -> None:
        """Whether there is room for what has come, and so much more. Raises Denied, OverQuota."""
        drafts = [message.draft for message in self.messages]
        if self.fill is not None:
            self.fill.check(
                Usage(size_bytes + sum(draft.size_bytes for draft in drafts), max(len(drafts), 1))
            )
        if sum(draft.size_bytes for draft in drafts if draft.file_name is None) > IN_MEMORY_BYTES:
            raise Denied(NO.saying("That is too much for one command; send it in several", codes.LIMIT))


class Uploads:
    """The uploads of one session, one at a time."""

    def __init__(self, session: ImapSession) -> None:
        self._session = session
        self._upload: _Upload | None = None

    @property
    def left_s(self) -> float:
        """How long the upload in hand may take yet: each octet is a sign of life, but not for ever."""
        upload = self._upload
        return float("inf") if upload is None else upload.ends_s - asyncio.get_running_loop().time()

    async def begin(self, command: Append | Replace) -> None:
        """Decide whether the messages may come. Raises Denied."""
        session = self._session
        target = await session.names.target(command.mailbox)
        replaced = None
        if isinstance(command, Replace):
            session.box.needs("te")
            uids = session.box.uids(command.number, uid=command.uid)
            if not uids:
                raise Denied(NO.saying("There is no such message", codes.NONEXISTENT))
            replaced = uids[0]
        # RFC 8508 3.4: of a replacement only what it takes more counts, which the transaction sees.
        fill = None if replaced else await session.parts.store.fill(target.box.account_id)
        self._upload = _Upload(target, replaced, fill, asyncio.get_running_loop().time() + UPLOAD_S)
        session.talk.answer()

    async def take(self, event: Any) -> None:
        """The next of the upload's events. Raises Denied, DatabaseTrouble."""
        match event:
            case LiteralChunk(data):
                await self._take_chunk(data)
            case MessageStart():
                self._start(event)
            case CatenateText(size):
                if self._upload is not None:
                    self._upload.check(size)
                self._session.talk.answer()
            case CatenateUrl(url):
                await self._take_url(url)
            case MessageEnd():
                if self._upload is not None:
                    await self._seal(self._upload.messages[-1])
            case UploadEnd():
                await self._finish()
            case UploadAborted():
                await self.discard()

    async def discard(self) -> None:
        """Forget what has come."""
        upload, self._upload = self._upload, None
        for message in upload.messages if upload is not None else ():
            await message.draft.discard()

    def _start(self, event: MessageStart) -> None:
        assert self._upload is not None
        session = self._session
        refuse_beyond(session, len(self._upload.messages) + 1)
        # RFC 4314 4: a flag for which there is no right is not set; the message is stored all the same.
        flags, keywords = allowed(self._upload.target.rights, *read_flags(event.flags))
        date = session.parts.clock.now() if event.date is None else event.date.timestamp()
        draft = session.parts.contents.draft()
        self._upload.messages.append(_Message(draft, flags, keywords, date, event.is_utf8))
        self._upload.check(event.size or 0)  # RFC 9208 4.3.1: what cannot be kept is not asked for
        session.talk.answer()

    async def _seal(self, message: _Message) -> None:
        message.sealed = await message.draft.seal()
        message.read = await self._session.parts.store.index.of(message.sealed)

    async def _take_url(self, url: str) -> None:
        """RFC 4469 3: the next octets are those that a URL names."""
        octets = await read_url(self._session, url)
        if self._upload is not None:
            self._upload.check(len(octets))
        if await self._take_chunk(octets):
            self._session.talk.answer()

    async def _take_chunk(self, data: bytes) -> bool:
        """Put octets behind the message; False when it is too large, which the client is told."""
        if self._upload is None or not self._upload.messages:
            return False
        message = self._upload.messages[-1]
        if message.draft.size_bytes + len(data) > self._session.options.limits.append:
            await self.discard()
            self._session.talk.answer(NO.saying("The message is too large", codes.TOOBIG))
            return False
        await message.draft.write(data)
        return True

    async def _finish(self) -> None:
        upload = self._upload
        assert upload is not None
        try:
            appended, claimed = await self._session.parts.database.write(lambda tx: self._store(tx, upload))
        finally:
            await self.discard()
        if claimed:
            self._session.box.recent.add(claimed)
        uids = UidSet.of(one.uid for one in appended)
        code = codes.append_uid(appended[0].uid_validity, uids)
        session = self._session
        if upload.replaced_uid is None:
            await session.finish(OK.saying("Appended", code))
        else:
            # RFC 8508 3.1: APPENDUID comes in an untagged OK, before the message that was replaced goes.
            await session.send(responses.untagged("Replaced", code))
            await session.finish(OK)

    async def _store(self, tx: Transaction, upload: _Upload) -> tuple[list[Appended], range]:
        """All messages in one transaction; those that are recent to this session.

        One that is replaced goes in it first, and so makes room for the new.
        """
        store = self._session.parts.store
        appended: list[Appended] = []
        if upload.replaced_uid is not None:
            gone = await store.expunge(tx, self._session.box.id, [upload.replaced_uid])
            if not gone:  # somebody else was faster: then the new one is not stored either
                raise NoSuchMessage(f"uid {upload.replaced_uid}")
        for message in upload.messages:
            assert message.sealed is not None
            content_id = await keep(tx, message.sealed)
            lend(tx, [content_id])  # the store takes that hold over
            facts = MessageFacts(
                content_id=content_id,
                content_size_bytes=message.sealed.size_bytes,
                internal_date_at=message.internal_date_at,
                flags=message.flags,
                keywords=message.keywords,
                needs_utf8=message.is_utf8,
                read=message.read,
            )
            appended.append(await store.append_to(tx, upload.target.box.id, facts))
        return appended, await self._claim(tx, upload.target.box.id)

    async def _claim(self, tx: Transaction, mailbox_id: int) -> range:
        """RFC 3501 2.3.2: into the selected mailbox, they come as recent to its session, which is told of them next."""
        selected = self._session.selected
        if selected is None or selected.id != mailbox_id or not selected.takes_recent:
            return range(0)
        return await self._session.parts.store.claim_recent_in(tx, mailbox_id)
