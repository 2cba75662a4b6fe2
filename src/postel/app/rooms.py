"""The rooms that live in a data directory: opened together, closed together.

Gives       Rooms, open_rooms.
Used by     the server, and every command that works beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from postel import checkpoints, contents, directory, queue, terminals
from postel import store as stored
from postel.app.edges import Edges
from postel.contents import Contents
from postel.database import FILE_NAME, Database, DatabaseTrouble, Transaction
from postel.directory import Directory, DirectoryOptions
from postel.store import Quota, Store, StoreOptions

MIGRATIONS = (
    *contents.MIGRATIONS,
    *directory.MIGRATIONS,
    *stored.MIGRATIONS,
    *queue.MIGRATIONS,
    *checkpoints.MIGRATIONS,
    *terminals.MIGRATIONS,
)


@dataclass(frozen=True, slots=True)
class Rooms:
    """What is durable, and nothing that listens or delivers."""

    data: Path
    database: Database
    contents: Contents
    directory: Directory
    store: Store

    async def close(self) -> None:
        """Finish what waits, then close."""
        self.directory.close()
        await self.contents.close()
        await self.database.close()


async def open_rooms(
    data: Path, edges: Edges, logins: DirectoryOptions, keeping: StoreOptions | None = None
) -> Rooms:
    """Open a data directory, made and brought up to date where needed.

    Raises DatabaseTrouble, DatabaseTooNew, OSError.
    """
    if edges.is_on_disk:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = await _open_database(data, edges)
    try:
        place = data if edges.is_on_disk else edges.contents
        kept = Contents(place, database, edges.workers, disk=edges.disk)
        logins = replace(logins, passwords=edges.passwords)
        accounts = Directory(database, edges.workers, edges.clock, logins, edges.brakes.logins)

        async def quota_of(tx: Transaction, account_id: int) -> Quota:
            return Quota(*await accounts.quota_in(tx, account_id))

        store = Store(database, kept, edges.clock, edges.workers, keeping, quota_of)
        return Rooms(data, database, kept, accounts, store)
    except BaseException:
        await database.close()
        raise


async def _open_database(data: Path, edges: Edges) -> Database:
    """The database with the schema of all rooms. What is wrong with it is said with its name."""
    try:
        database = await edges.open_database(data)
        try:
            await database.migrate(MIGRATIONS)
        except BaseException:
            await database.close()
            raise
    except DatabaseTrouble as trouble:
        reason = f"{data / FILE_NAME} cannot be used ({trouble.reason}); mend that, or restore a backup"
        raise DatabaseTrouble(reason, is_full=trouble.is_full) from trouble
    return database
