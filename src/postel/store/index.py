"""What is known of a content by reading it once: envelope, structure, offsets, keys.

Implements  RFC 9051 7.5.2 (ENVELOPE, BODYSTRUCTURE, never worked out twice).
Gives       ContentIndex, keep_blobs, keep_blob, is_fresh.
Not here    What is in a blob, and how it is made: message.IndexedContent, ContentIndexer. Before anybody asks: indexer.

A blob is of the content alone, so all copies share it, whatever the prefix of each. It is made from the octets in hand
when a message comes, or when first wanted, and kept as long as a letter has the content. What is small and light is
read on the loop: handing it to a thread costs as much. Many KB of addresses, or of parts, are not light.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import Final

from postel.contents import ContentMissing, Contents, Sealed
from postel.database import Database, DatabaseTrouble, Transaction
from postel.message import ContentIndexer, StaleIndex, envelope_of
from postel.net import Workers
from postel.store.pages import load_blobs
from postel.store.records import ReadOnce
from postel.store.threads import thread_keys

AT_ONCE: Final = 32  # contents that are read at a time, for one who asks; what is found is kept in one commit
_ON_LOOP: Final = 64 * 1024  # octets: looked through in a tenth of a millisecond
_PARTS_ON_LOOP: Final = 64  # lines that might begin a part: each is made one when it is met
_AT_DELIVERY: Final = 1024 * 1024  # octets: what is larger is delivered first and read then
# Octets handed to a worker at once: that costs more than reading a small content.
_TOGETHER: Final = 256 * 1024

_KEEP_NEW: Final = "INSERT INTO stored_index (content_id, data) VALUES (?, ?) ON CONFLICT DO NOTHING"
# Only while somebody has the content: nothing would ever remove it.
_KEEP: Final = """
INSERT INTO stored_index (content_id, data)
SELECT ?, ? WHERE EXISTS (SELECT 1 FROM stored_letter WHERE content_id = ?)
ON CONFLICT (content_id) DO UPDATE SET data = excluded.data"""


class ContentIndex:
    """The blobs of all contents."""

    def __init__(self, database: Database, contents: Contents, workers: Workers) -> None:
        self._database = database
        self._contents = contents
        self._workers = workers
        self._under_way: dict[int, asyncio.Task[bytes | None]] = {}

    async def of(self, sealed: Sealed) -> ReadOnce | None:
        """Read what is about to be stored; None for what lies in a file or is as large: that is read soon after."""
        if sealed.file is not None or len(sealed.data) > _AT_DELIVERY:
            return None
        return _read_once(await self._read(sealed.data))

    async def of_content(self, content_id: int, size_bytes: int) -> ReadOnce | None:
        """Read a content that is about to be delivered; None where that would take long, or where it is gone."""
        blob = await self.make(content_id) if size_bytes <= _AT_DELIVERY else None
        return None if blob is None else _read_once(blob)

    async def blob(self, content_id: int) -> bytes | None:
        """What is known of a content; None when it is gone. Raises DatabaseTrouble."""
        return (await self.blobs([content_id])).get(content_id)

    async def blobs(self, content_ids: Sequence[int]) -> dict[int, bytes]:
        """The same for several (a page of them); those that are gone are left out. Raises DatabaseTrouble."""
        found = await self.known(content_ids)
        missing = [content_id for content_id in dict.fromkeys(content_ids) if content_id not in found]
        for start in range(0, len(missing), AT_ONCE):
            some = missing[start : start + AT_ONCE]
            made = await asyncio.gather(*map(self.refresh, some))
            found.update((key, blob) for key, blob in zip(some, made, strict=True) if blob is not None)
        return found

    async def fresh(self, content_ids: Sequence[int]) -> dict[int, bytes]:
        """As `blobs`; what another version made is made anew. Raises DatabaseTrouble."""
        found = await self.blobs(content_ids)
        for content_id in [content_id for content_id, blob in found.items() if not is_fresh(blob)]:
            blob = await self.refresh(content_id)
            if blob is not None:
                found[content_id] = blob
        return found

    async def known(self, content_ids: Sequence[int]) -> dict[int, bytes]:
        """The blobs that are there already."""
        return await self._database.read(lambda tx: load_blobs(tx, content_ids))

    async def refresh(self, content_id: int) -> bytes | None:
        """Read a content, again if need be (message.StaleIndex), and keep what is found if it can; None: it is gone."""
        task = self._under_way.get(content_id)
        if task is None:
            task = asyncio.create_task(self._make_and_keep(content_id), name=f"index of content {content_id}")
            self._under_way[content_id] = task
            task.add_done_callback(partial(self._forget, content_id))
        return await asyncio.shield(task)  # others may wait for it too

    async def close(self) -> None:
        """Give up what is under way; who waits for it is cancelled."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, content_id: int, task: asyncio.Task[bytes | None]) -> None:
        self._under_way.pop(content_id, None)
        if not task.cancelled():
            task.exception()  # whoever asked may have gone: then nobody else looks at it

    async def make(self, content_id: int) -> bytes | None:
        """Read a content: its blob, which is not kept; None when it is gone."""
        indexer, pieces, gathered, is_all = ContentIndexer(), list[bytes](), 0, True
        try:
            reader = await self._contents.reader(content_id)
            async with aclosing(reader.chunks()) as chunks:
                async for chunk in chunks:
                    pieces.append(chunk)
                    gathered += len(chunk)
                    if gathered >= _TOGETHER:
                        octets, pieces, gathered, is_all = b"".join(pieces), [], 0, False
                        await self._workers.run(lambda octets=octets: indexer.feed(octets))  # type: ignore[misc]
        except ContentMissing:
            return None
        octets = b"".join(pieces)
        if is_all:
            return await self._read(octets)
        return await self._workers.run(lambda: _finish(indexer, octets))

    async def _read(self, content: bytes) -> bytes:
        """The blob of a content in memory: on the loop where that is soon done, whatever somebody may have written."""
        indexer = ContentIndexer()
        if len(content) > _ON_LOOP or content.count(b"\n--") > _PARTS_ON_LOOP:
            return await self._workers.run(lambda: _finish(indexer, content))
        indexer.feed(content)
        return indexer.finish() if indexer.is_light else await self._workers.run(indexer.finish)

    async def _make_and_keep(self, content_id: int) -> bytes | None:
        blob = await self.make(content_id)
        if blob is not None:
            with suppress(DatabaseTrouble):  # a full disk: it can be read all the same, by the next one again
                await self._database.write(lambda tx: keep_blobs(tx, {content_id: blob}))
        return blob


async def keep_blobs(tx: Transaction, blobs: Mapping[int, bytes]) -> None:
    """Keep what is known of contents."""
    await tx.execute_many(_KEEP, [(content_id, blob, content_id) for content_id, blob in blobs.items()])


async def keep_blob(tx: Transaction, content_id: int, blob: bytes) -> None:
    """Keep what is known of a content that a letter has been given in this transaction."""
    await tx.execute(_KEEP_NEW, (content_id, blob))


def _read_once(blob: bytes) -> ReadOnce:
    return ReadOnce(blob, thread_keys(blob))


def is_fresh(blob: bytes) -> bool:
    """Whether this version made it: what the reader of thousands asks, so it costs next to nothing."""
    try:
        envelope_of(blob)
    except StaleIndex:
        return False
    return True


def _finish(indexer: ContentIndexer, octets: bytes) -> bytes:
    indexer.feed(octets)
    return indexer.finish()
