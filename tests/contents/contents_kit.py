from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from postel.contents import MIGRATIONS, Contents, hold, keep, release
from postel.contents.sealed import Sealed
from postel.database import SqliteDatabase, Transaction
from postel.testing import InlineWorkers

LIMIT = 1000  # inline_limit of these tests


@dataclass
class World:
    database: SqliteDatabase
    contents: Contents
    directory: Path | None

    async def keep(self, sealed: Sealed, holders: int = 1) -> int:
        async def work(tx: Transaction) -> int:
            return await keep(tx, sealed, holders)

        return await self.database.write(work)

    async def store(self, content: bytes, prefix: bytes = b"") -> int:
        draft = self.contents.draft()
        await draft.write(content)
        content_id = await self.keep(await draft.seal(prefix))
        await draft.discard()
        return content_id

    async def hold(self, content_id: int, more: int = 1) -> None:
        async def work(tx: Transaction) -> None:
            await hold(tx, content_id, more)

        await self.database.write(work)

    async def release(self, content_id: int, fewer: int = 1) -> None:
        async def work(tx: Transaction) -> None:
            await release(tx, content_id, fewer)

        await self.database.write(work)

    async def content(self, content_id: int, start: int = 0, stop: int | None = None) -> bytes:
        reader = await self.contents.reader(content_id)
        return b"".join([chunk async for chunk in reader.chunks(start, stop)])

    def files(self) -> list[Path]:
        assert self.directory is not None
        return sorted(path for path in (self.directory / "contents").rglob("*") if path.is_file())


@asynccontextmanager
async def world(directory: Path | None = None, inline_limit: int = LIMIT) -> AsyncIterator[World]:
    database = await SqliteDatabase.open(directory, threaded=False)
    await database.migrate(MIGRATIONS)
    contents = Contents(directory, database, InlineWorkers(), inline_limit)
    try:
        yield World(database, contents, directory)
        await contents.close()
    finally:
        await database.close()
