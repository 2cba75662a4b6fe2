"""A content that is being received: in memory while small, in a file beyond that.

Gives       Draft.

Nothing here blocks the loop: a write to a file can wait for the disk once the kernel has too much unwritten
data, so it is handed to a worker, in pieces large enough that the hand-over does not matter.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

from postel.contents.files import ContentFiles, DraftFile
from postel.contents.rows import release_unnamed
from postel.contents.sealed import Sealed
from postel.database import Database, DatabaseTrouble, Transaction
from postel.mail import LocalFault
from postel.net import Workers

PIECE_BYTES: Final = 256 * 1024  # gathered before a worker writes them: all that a large draft costs


class Draft:
    """Written, then sealed and kept, or discarded. One task uses it; `discard` may always be called.

    size_bytes   octets written so far; a limit is the caller's business.
    """

    __slots__ = (
        "_buffer",
        "_database",
        "_file",
        "_files",
        "_inline_limit",
        "_is_over",
        "_workers",
        "size_bytes",
    )

    def __init__(
        self, files: ContentFiles | None, database: Database, workers: Workers, inline_limit: int
    ) -> None:
        self._files = files
        self._database = database
        self._workers = workers
        self._inline_limit = inline_limit
        self._buffer = bytearray()
        self._file: DraftFile | None = None
        self._is_over = False
        self.size_bytes = 0

    async def write(self, chunk: bytes) -> None:
        """Append. Raises DatabaseTrouble. After that, or when cancelled, only `discard` is left."""
        if self._is_over:
            raise LocalFault("a draft is not written after its end")
        self._buffer += chunk
        self.size_bytes += len(chunk)
        limit = self._inline_limit if self._file is None else PIECE_BYTES
        if len(self._buffer) > limit and self._files is not None:
            await self._spill(self._files)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """What was written so far, from its start, in pieces of at most 256 KiB. Not while it is written.

        Raises DatabaseTrouble, and LocalFault once it is sealed or discarded.
        """
        start = 0
        in_file = self.size_bytes - len(self._buffer)
        while start < in_file:
            piece = await self._read_file(start, min(PIECE_BYTES, in_file - start))
            yield piece
            start += len(piece)
        if self._is_over:
            raise LocalFault("a draft is not read after its end")
        if self._buffer:
            yield bytes(self._buffer)

    async def seal(self, prefix: bytes = b"") -> Sealed:
        """No more is coming; what is large is on disk when this returns. `prefix` goes before all.

        Raises DatabaseTrouble.
        """
        if self._is_over:
            raise LocalFault("a draft is sealed once")
        self._is_over = True
        file = self._file
        if file is None:
            return Sealed(prefix + self._buffer)
        rest, self._buffer = self._buffer, bytearray()

        def finish() -> None:
            file.write(rest)
            file.sync()

        await self._workers.run(finish)
        return Sealed(prefix, file, self.size_bytes)

    async def discard(self) -> None:
        """Forget it, unless it was kept. Idempotent; right after success, failure and cancellation alike."""
        self._is_over = True
        self._buffer = bytearray()
        if self._file is None:
            return
        await self._workers.run(self._file.discard)
        if self._file.is_undecided:
            await self._leave_to_sweep(self._file)

    async def _read_file(self, start: int, count: int) -> bytes:
        file = self._file
        if self._is_over or file is None:
            raise LocalFault("a draft is not read after its end")
        piece = await self._workers.run(lambda: file.read(start, count))
        if not piece:
            raise DatabaseTrouble("a content file is cut short")
        return piece

    async def _spill(self, files: ContentFiles) -> None:
        piece, self._buffer = self._buffer, bytearray()
        try:
            if self._file is None:
                self._file = await self._workers.run(files.create)
            file = self._file
            await self._workers.run(lambda: file.write(piece))
        except BaseException:  # cancelled, too: nobody may seal what has a hole
            self._is_over = True
            raise

    async def _leave_to_sweep(self, file: DraftFile) -> None:
        """The transaction that named the file ran, and its caller does not know how it ended."""

        async def work(tx: Transaction) -> None:  # it runs behind that one, so that is decided by now
            await release_unnamed(tx, file.name)

        with suppress(DatabaseTrouble):  # the sweep of the next start finds the file without our help
            await self._database.write(work)
        file.let_go()
