"""Messages from elsewhere, put into a stored mailbox as they are.

Implements  RFC 5321 2.3.8 (lines end in CRLF): what is stored has no other line ends.
Gives       import_message, read_message -> ReadMessage, LineEnds.
Not here    mbox and Maildir as formats (cli).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Final

from postel.contents import Contents, Draft, Sealed, keep
from postel.database import Database, Transaction
from postel.store.records import INBOX, Flags, MailboxName, MessageFacts, ReadOnce
from postel.store.store import Store

_BARE: Final = re.compile(rb"\r\n|\r|\n")


class LineEnds:
    """Makes every line end CRLF, in pieces: LF, CR and CRLF each count as one."""

    __slots__ = ("_after_cr", "_in_line")

    def __init__(self) -> None:
        self._after_cr = False
        self._in_line = False

    def feed(self, chunk: bytes) -> bytes:
        """The piece with its line ends made right."""
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]  # the CR before it has been written as CRLF
            self._after_cr = False
        if not chunk:
            return b""
        self._after_cr = chunk.endswith(b"\r")
        self._in_line = not chunk.endswith((b"\r", b"\n"))
        if b"\r" not in chunk:
            return chunk.replace(b"\n", b"\r\n")
        return _BARE.sub(b"\r\n", chunk)

    def end(self) -> bytes:
        """The line end that the last line lacks, if it does: POP3 would have to add it, and miscount."""
        return b"\r\n" if self._in_line else b""


async def import_message(
    store: Store,
    database: Database,
    contents: Contents,
    account_id: int,
    chunks: AsyncIterable[bytes],
    *,
    internal_date_at: float,
    name: MailboxName = INBOX,
    flags: Flags = Flags.NONE,
) -> int:
    """Store one message and give its UID; durable when it returns.

    Raises DatabaseTrouble, and LookupError for an unknown mailbox. A large message is never held in memory.
    """
    ready = await read_message(store, contents, chunks)
    return await ready.store(
        store, database, account_id, internal_date_at=internal_date_at, name=name, flags=flags
    )


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """A message that is read and not stored yet. Those that are stored one after the other come in in that order."""

    _draft: Draft
    _sealed: Sealed
    _read: ReadOnce | None

    async def discard(self) -> None:
        """It is not to be stored."""
        await self._draft.discard()

    async def store(
        self,
        store: Store,
        database: Database,
        account_id: int,
        *,
        internal_date_at: float,
        name: MailboxName = INBOX,
        flags: Flags = Flags.NONE,
    ) -> int:
        """As import_message."""

        async def work(tx: Transaction) -> int:
            content_id = await keep(tx, self._sealed, holders=0)  # the store is its first holder
            facts = MessageFacts(
                content_id=content_id,
                content_size_bytes=self._sealed.size_bytes,
                internal_date_at=internal_date_at,
                flags=flags,
                read=self._read,
            )
            return await store.append(tx, account_id, facts, name)

        try:
            return await database.write(work)
        except BaseException:
            await self.discard()
            raise


async def read_message(store: Store, contents: Contents, chunks: AsyncIterable[bytes]) -> ReadMessage:
    """All of a message. Raises DatabaseTrouble, and what the chunks raise."""
    draft, ends = contents.draft(), LineEnds()
    try:
        async for chunk in chunks:
            await draft.write(ends.feed(chunk))
        await draft.write(ends.end())
        sealed = await draft.seal()
        return ReadMessage(draft, sealed, await store.index.of(sealed))
    except BaseException:
        await draft.discard()
        raise
