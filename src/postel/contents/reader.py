"""Reading a content in pieces, wherever it lies.

Gives       ContentReader.

A file is read ahead by a worker, a few pieces at once, since the hand-over costs more than the reading;
so a reader costs some hundred KB, whatever the size of the content.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from postel.contents.files import ContentFiles, OpenFile
from postel.contents.rows import ContentMissing, find_data
from postel.database import Database, Transaction
from postel.net import Workers

CHUNK_BYTES: Final = 64 * 1024
READ_AHEAD_BYTES: Final = 256 * 1024
_HEAD_END: Final = b"\r\n\r\n"


class ContentReader:
    """One content, to be read any number of times while somebody holds it. Made by Contents.reader.

    size_bytes   of the whole content.
    """

    __slots__ = ("_at_hand", "_content_id", "_database", "_file", "_files", "_workers", "size_bytes")

    def __init__(
        self,
        content_id: int,
        size_bytes: int,
        file: str | None,
        data: bytes | None = None,
        *,
        files: ContentFiles | None,
        database: Database,
        workers: Workers,
    ) -> None:
        self.size_bytes = size_bytes
        self._content_id = content_id
        self._file = file
        self._at_hand = data
        self._files = files
        self._database = database
        self._workers = workers

    async def chunks(self, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
        """The octets from `start` up to `stop` (the end) in pieces of at most 64 KiB, none empty.

        Raises ContentMissing, before or amid the pieces, when the content is not there any more.
        """
        end = self.size_bytes if stop is None else min(stop, self.size_bytes)
        data = await self._data()
        for at in range(start, min(end, len(data)), CHUNK_BYTES):
            yield data[at : min(at + CHUNK_BYTES, end)]
        length = len(data)
        del data
        if end > length:
            async with aclosing(self._file_chunks(max(start - length, 0), end - length)) as pieces:
                async for piece in pieces:
                    yield piece

    async def head_of(self, limit: int) -> bytes:
        """The header with the blank line that ends it; the first `limit` octets if it is not in them."""
        head = bytearray()
        async with aclosing(self.chunks(0, limit)) as pieces:
            async for piece in pieces:
                seen = max(len(head) - len(_HEAD_END) + 1, 0)
                head += piece
                end = head.find(_HEAD_END, seen)
                if end >= 0:
                    return bytes(head[: end + len(_HEAD_END)])
                if head.startswith(b"\r\n"):  # no field at all
                    return b"\r\n"
        return bytes(head)

    async def _data(self) -> bytes:
        if self._at_hand is not None:
            return self._at_hand

        async def work(tx: Transaction) -> bytes:
            return await find_data(tx, self._content_id)

        return await self._database.read(work)

    async def _file_chunks(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        file = await self._open()
        try:
            while start < stop:
                ahead = await self._read(file, start, min(READ_AHEAD_BYTES, stop - start))
                for at in range(0, len(ahead), CHUNK_BYTES):
                    yield ahead[at : at + CHUNK_BYTES]
                start += len(ahead)
        finally:
            await self._workers.run(file.close)

    async def _open(self) -> OpenFile:
        if self._file is None or self._files is None:
            raise ContentMissing(f"content {self._content_id} is shorter than its size")
        path = self._files.path(self._file)
        try:
            return await self._workers.run(lambda: OpenFile(path))
        except OSError as error:
            raise ContentMissing(f"content {self._content_id}: {path}: {error.strerror}") from error

    async def _read(self, file: OpenFile, start: int, count: int) -> bytes:
        try:
            ahead = await self._workers.run(lambda: file.read(start, count))
        except OSError as error:
            raise ContentMissing(f"content {self._content_id}: {error.strerror}") from error
        if not ahead:
            raise ContentMissing(f"content {self._content_id}: its file is cut short")
        return ahead
