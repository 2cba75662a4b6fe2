"""Content is stored once, however many hold it: small in the database, large in files beside it.

Gives       Contents.
Not here    The rows and their holders: contents.rows (keep, hold, release).

The line between small and large is `inline_limit`. A small content costs no sync of its own and goes in
one commit with its envelope; a large one would be written twice there (WAL and file), so it goes to a
file that is synced before the commit that names it.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Final

from postel.contents.disk import Disk
from postel.contents.draft import Draft
from postel.contents.files import ContentFiles, DraftFile
from postel.contents.reader import ContentReader
from postel.contents.recent import Recent
from postel.contents.rows import (
    RELEASED,
    ContentMissing,
    DraftBusy,
    find_content,
    forget_released,
    named_files,
    released_files,
)
from postel.database import Database, DatabaseTrouble, Transaction
from postel.mail import LocalFault
from postel.net import Workers
from postel.observe import logger

INLINE_LIMIT: Final = 128 * 1024
RECENT_BYTES: Final = 16 * 1024 * 1024  # of contents that are kept in memory until they are delivered
SWEEP_AT_ONCE: Final = 500  # files removed between two looks at the database

_log = logger("contents")


class Contents:
    """All content of one data directory; with None for it, all in the database whatever its size."""

    def __init__(
        self,
        directory: Path | None,
        database: Database,
        workers: Workers,
        inline_limit: int = INLINE_LIMIT,
        disk: Disk | None = None,
        recent_bytes: int = RECENT_BYTES,
    ) -> None:
        self._files = None if directory is None else ContentFiles(directory, disk or Disk())
        self._database = database
        self._workers = workers
        self._inline_limit = inline_limit
        self._recent = Recent(recent_bytes)
        self._sweeping: asyncio.Task[None] | None = None
        self._is_more_released = False
        self._unlisten = database.listen(RELEASED, self._released)

    def draft(self) -> Draft:
        """A new content, empty. Somebody must seal and keep it, or discard it."""
        return Draft(self._files, self._database, self._workers, self._inline_limit)

    @property
    def can_suspend(self) -> bool:
        """Whether drafts can be suspended: there is a place for files."""
        return self._files is not None

    async def lasting_draft(self) -> Draft:
        """A new content that has its file from the start, so that it can be suspended.

        Somebody must name the file (name_draft) before it matters. Raises DatabaseTrouble.
        """
        files = self._disk
        return self._draft_in(await self._workers.run(files.create), 0)

    async def resume(self, file: str, at_most: int | None = None) -> Draft:
        """Go on with a suspended draft: with the whole lines that its file holds, or its first `at_most` octets.

        What comes behind them is cut off. Raises ContentMissing, DraftBusy, DatabaseTrouble.
        """
        return await self._workers.run(partial(self._open_again, self._disk, file, at_most))

    async def free_bytes(self) -> int:
        """Room left on the disk, in octets. Raises DatabaseTrouble."""
        return await self._workers.run(self._disk.free_bytes)

    @property
    def _disk(self) -> ContentFiles:
        if self._files is None:
            raise LocalFault("there is no place for files")
        return self._files

    def _open_again(self, files: ContentFiles, name: str, at_most: int | None) -> Draft:
        file = files.lock(name)
        if file is None:
            raise DraftBusy(name) if files.is_there(name) else ContentMissing(f"the draft {name} is gone")
        try:
            there = file.size()
            size_bytes = file.line_start(there if at_most is None else min(at_most, there))
            file.cut(size_bytes)
        except BaseException:
            file.let_go()
            raise
        return self._draft_in(file, size_bytes)

    def _draft_in(self, file: DraftFile, size_bytes: int) -> Draft:
        return Draft(
            self._files, self._database, self._workers, self._inline_limit, file=file, size_bytes=size_bytes
        )

    def remember(self, content_id: int, data: bytes) -> None:
        """Have the octets of a content at hand that was kept a moment ago and will be read soon."""
        self._recent.remember(content_id, data)

    def forget(self, content_id: int) -> None:
        """It need not be at hand any more."""
        self._recent.forget(content_id)

    async def reader(self, content_id: int) -> ContentReader:
        """Read a content. Raises ContentMissing."""
        if (data := self._recent.find(content_id)) is not None:
            return self._reader(content_id, len(data), None, data)

        async def work(tx: Transaction) -> tuple[int, str | None]:
            return await find_content(tx, content_id)

        size_bytes, file = await self._database.read(work)
        return self._reader(content_id, size_bytes, file, None)

    def _reader(
        self, content_id: int, size_bytes: int, file: str | None, data: bytes | None
    ) -> ContentReader:
        return ContentReader(
            content_id,
            size_bytes,
            file,
            data,
            files=self._files,
            database=self._database,
            workers=self._workers,
        )

    async def sweep(self) -> int:
        """Remove the files that nobody needs: released ones, and what a crash left. The number removed.

        Safe at any time, beside other processes too; meant for the start. Raises DatabaseTrouble.
        """
        if self._files is None:
            return 0
        removed = await self._sweep_released(self._files)
        for folder in await self._workers.run(self._files.folders):
            removed += await self._sweep_orphans(self._files, folder)
        return removed

    async def close(self) -> None:
        """Finish a removal of files that is under way."""
        self._unlisten()
        if self._sweeping is not None:
            await self._sweeping

    def _released(self) -> None:
        """A last holder has let go of a file."""
        self._is_more_released = True
        if self._sweeping is None and self._files is not None:
            self._sweeping = asyncio.get_running_loop().create_task(self._follow_releases(self._files))

    async def _follow_releases(self, files: ContentFiles) -> None:
        try:
            while self._is_more_released:
                self._is_more_released = False
                await self._sweep_released(files)
        except DatabaseTrouble as trouble:  # the names stay in the table: the next time will do
            _log.trouble("content_not_removed", because=trouble.reason)
        finally:
            self._sweeping = None

    async def _sweep_released(self, files: ContentFiles) -> int:
        removed = 0
        while names := await self._database.read(partial(released_files, limit=SWEEP_AT_ONCE)):
            await self._workers.run(partial(files.remove, names))
            await self._database.write(partial(forget_released, files=names))
            removed += len(names)
        return removed

    async def _sweep_orphans(self, files: ContentFiles, folder: str) -> int:
        there = await self._workers.run(partial(files.names, folder))
        named = await self._database.read(partial(named_files, folder=folder))
        removed = 0
        for name in there:
            if name not in named:
                removed += await self._remove_orphan(files, name)
        return removed

    async def _remove_orphan(self, files: ContentFiles, name: str) -> bool:
        """Remove a file if its writer is gone and, asked only after that is certain, no row names it."""
        file = await self._workers.run(partial(files.lock, name))
        if file is None:
            return False
        if name in await self._database.read(partial(named_files, folder=name)):
            await self._workers.run(file.let_go)
            return False
        await self._workers.run(file.discard)
        return True
