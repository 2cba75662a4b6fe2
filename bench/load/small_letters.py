"""Fills INBOX with small letters, and makes a tree of mailboxes: in seconds, beside the server.

    python -m bench.load.small_letters DATA ADDRESS LETTERS MAILBOXES

Gives       fill, small_letter. The tree is `Tree` with so many mailboxes below it.

It writes as a second process of the same installation: the server hears of it.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

from postel.app import Rooms, open_rooms, real_edges
from postel.contents import keep
from postel.database import Transaction
from postel.directory import DirectoryOptions
from postel.message import index_content
from postel.store import INBOX, MessageFacts
from postel.store.index import keep_blobs

_AT_ONCE: Final = 500


def small_letter(number: int) -> bytes:
    """Some 300 octets; two of three answer the one before."""
    reply = f"In-Reply-To: <{number - 1}@example.net>\r\n" if number % 3 else ""
    return (
        f"From: Writer {number % 50} <writer{number % 50}@example.net>\r\nTo: ann@example.org\r\n"
        f"Subject: {'Re: ' if reply else ''}the matter of {number // 3 % 5000}\r\n"
        f"Date: {1 + number % 28:02} Nov 2026 {number % 24:02}:{number % 60:02}:00 +0000\r\n"
        f"Message-ID: <{number}@example.net>\r\n{reply}\r\nLetter {number} says little.\r\n"
    ).encode()


async def fill(data: Path, address: str, letters: int, mailboxes: int) -> None:
    """Durable when it returns."""
    rooms = await open_rooms(data, real_edges(), DirectoryOptions())
    try:
        account = await rooms.directory.find(address)
        assert account is not None, "the account was added before"
        for start in range(0, letters, _AT_ONCE):
            await _put(rooms, account.id, range(start, min(start + _AT_ONCE, letters)))
        for start in range(0, mailboxes, _AT_ONCE):
            await _make(rooms, account.id, range(start, min(start + _AT_ONCE, mailboxes)))
    finally:
        await rooms.close()


async def _put(rooms: Rooms, account_id: int, numbers: range) -> None:
    drafts = []
    for number in numbers:
        draft = rooms.contents.draft()
        await draft.write(small_letter(number))
        drafts.append((number, await draft.seal()))

    async def work(tx: Transaction) -> None:
        for number, sealed in drafts:
            content_id = await keep(tx, sealed, holders=0)
            facts = MessageFacts(
                content_id=content_id,
                content_size_bytes=sealed.size_bytes,
                internal_date_at=1.7e9 + number,
            )
            await rooms.store.append(tx, account_id, facts, INBOX)
            await keep_blobs(tx, {content_id: index_content(sealed.data)})

    await rooms.database.write(work)


async def _make(rooms: Rooms, account_id: int, numbers: range) -> None:
    async def work(tx: Transaction) -> None:
        for number in numbers:
            await rooms.store.tree.ensure(tx, account_id, f"Tree/branch {number}")

    await rooms.database.write(work)


if __name__ == "__main__":
    asyncio.run(fill(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
