from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from postel.database import Migration, SqliteDatabase, Transaction

LETTERS = Migration("letters", 1, "CREATE TABLE letter (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)")


@asynccontextmanager
async def opened(directory: Path | None = None, *, threaded: bool = False) -> AsyncIterator[SqliteDatabase]:
    database = await SqliteDatabase.open(directory, threaded=threaded)
    try:
        await database.migrate([LETTERS])
        yield database
    finally:
        await database.close()


async def add(database: SqliteDatabase, text: str) -> int:
    async def work(tx: Transaction) -> int:
        return await tx.insert("INSERT INTO letter (text) VALUES (?) RETURNING id", (text,))

    return await database.write(work)


async def texts(database: SqliteDatabase) -> list[str]:
    async def work(tx: Transaction) -> list[str]:
        return [row[0] for row in await tx.fetch_all("SELECT text FROM letter ORDER BY id")]

    return await database.read(work)
