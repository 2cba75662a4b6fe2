"""A content that is being received: in memory while small, in a file beyond that.

Gives       Draft.

    OPEN --- seal ------> SEALED, then kept: contents.rows
      +----- discard ---> gone
      +----- suspend ---> a file that somebody's row names; Contents.resume opens it again

Nothing here blocks the loop: a write to a file can wait for the disk once the kernel has too much unwritten
data, so it is handed to a worker, in pieces large enough that the hand-over does not matter.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
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
    """Written, then sealed and kept, suspended, or discarded. One task uses it; `discard` may always be called.

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
        self,
        files: ContentFiles | None,
        database: Database,
        workers: Workers,
        inline_limit: int,
        *,
        file: DraftFile | None = None,
        size_bytes: int = 0,
    ) -> None:
        self._files = files
        self._database = database
        self._workers = workers
        self._inline_limit = inline_limit
        self._buffer = bytearray()
        self._file = file
        self._is_over = False
        self.size_bytes = size_bytes

    @property
    def file_name(self) -> str | None:
        """The name of its file; None while it is in memory."""
        return None if self._file is None else self._file.name

    async def write(self, chunk: bytes) -> None:
        """Append. Raises DatabaseTrouble. After that, or when cancelled, only `discard` is left."""
        if self._is_over:
            raise LocalFault("a draft is not written after its end")
        self._buffer += chunk
        self.size_bytes += len(chunk)
        limit = self._inline_limit if self._file is None else PIECE_BYTES
        if len(self._buffer) > limit and self._files is not None:
            await self._spill(self._files)

    async def chunks(self, start: int = 0) -> AsyncGenerator[bytes, None]:
        """What was written so far, from `start`, in pieces of at most 256 KiB. Not while it is written.

        From another place than its start only where all of it is in its file. Raises DatabaseTrouble, and
        LocalFault once it is sealed or discarded.
        """
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

    async def sync(self) -> int:
        """What was written is on disk when this returns: how many octets. Only where there is a file.

        Raises DatabaseTrouble. After that, or when cancelled, only `suspend` and `discard` are left.
        """
        await self._write_out(lambda file: file.sync())
        return self.size_bytes

    async def suspend(self) -> int:
        """Leave what came in the file, on disk, for `Contents.resume`: how many octets. Only where there is one.

        Right also after a write that failed or was cancelled: nothing was written behind it, so whatever the file
        holds is a beginning of what came. Raises DatabaseTrouble.
        """
        file, rest = self._lasting_file, self._buffer
        self._is_over = True
        self._buffer = bytearray()

        def finish() -> int:
            try:
                file.write(rest)
                file.sync()
                return file.size()
            finally:
                file.let_go()

        return await self._workers.run(finish)

    async def discard(self) -> None:
        """Forget it, unless it was kept. Idempotent; right after success, failure and cancellation alike."""
        self._is_over = True
        self._buffer = bytearray()
        if self._file is None or self._file.is_over:  # there is nothing left to forget
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
        if self._file is None:
            try:
                self._file = await self._workers.run(files.create)
            except BaseException:
                self._is_over = True
                raise
        await self._write_out()

    async def _write_out(self, then: Callable[[DraftFile], None] = lambda file: None) -> None:
        """Write what is gathered to the file, and do one thing more in the same hand-over."""
        file = self._lasting_file
        piece, self._buffer = self._buffer, bytearray()

        def write() -> None:
            file.write(piece)
            then(file)

        try:
            await self._workers.run(write)
        except BaseException:  # cancelled, too: nobody may seal what has a hole
            self._is_over = True
            raise

    @property
    def _lasting_file(self) -> DraftFile:
        if self._file is None or self._file.is_over:
            raise LocalFault("the draft has no file")
        return self._file

    async def _leave_to_sweep(self, file: DraftFile) -> None:
        """The transaction that named the file ran, and its caller does not know how it ended."""

        async def work(tx: Transaction) -> None:  # it runs behind that one, so that is decided by now
            await release_unnamed(tx, file.name)

        with suppress(DatabaseTrouble):  # the sweep of the next start finds the file without our help
            await self._database.write(work)
        file.let_go()
