"""Messages from elsewhere, put into a stored mailbox as they are.

Implements  RFC 5321 2.3.8 (lines end in CRLF): what is stored has no other line ends.
Gives       import_message, LineEnds.
Not here    mbox and Maildir as formats (cli).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable
from typing import Final

from postel.contents import Contents, keep
from postel.database import Database, Transaction
from postel.store.records import INBOX, Flags, MailboxName, MessageFacts
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
    draft, ends = contents.draft(), LineEnds()
    try:
        async for chunk in chunks:
            await draft.write(ends.feed(chunk))
        await draft.write(ends.end())
        sealed = await draft.seal()
        read = await store.index.of(sealed)

        async def work(tx: Transaction) -> int:
            content_id = await keep(tx, sealed, holders=0)  # the store is its first holder
            facts = MessageFacts(
                content_id=content_id,
                content_size_bytes=sealed.size_bytes,
                internal_date_at=internal_date_at,
                flags=flags,
                read=read,
            )
            return await store.append(tx, account_id, facts, name)

        return await database.write(work)
    except BaseException:
        await draft.discard()
        raise
