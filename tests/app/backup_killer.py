"""Kills a backup, and a restore, at each of their steps on the file system, and looks at what is left.

Run as a program, with an empty folder: it forks, which no process with threads should. Prints the numbers of steps.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from postel import contents as contents_room
from postel.app import FilesMissing, NotABackup, NotEmpty, backup, restore
from postel.contents import Contents, content_files, keep
from postel.database import Database, DatabaseTrouble, SqliteDatabase
from postel.testing import InlineWorkers

STEPS = {
    "open",
    "os.rename",
    "os.link",
    "os.remove",
    "os.mkdir",
    "os.scandir",
    "os.rmdir",
    "os.truncate",
    "shutil.rmtree",
}
LETTERS = [b"letter %d\r\n" % number * size for number, size in enumerate((3, 20_000, 5, 30_000))]
KILLED = 9
MOST = 1000


async def open_database(directory: Path) -> Database:
    return await SqliteDatabase.open(directory, threaded=False)


async def fill(data: Path) -> None:
    database = await open_database(data)
    await database.migrate(contents_room.MIGRATIONS)
    contents = Contents(data, database, InlineWorkers())
    for letter in LETTERS:
        draft = contents.draft()
        await draft.write(letter)
        sealed = await draft.seal()
        await database.write(lambda tx, sealed=sealed: keep(tx, sealed))  # type: ignore[misc]
    await contents.close()
    await database.close()


async def back_up(data: Path, to: Path) -> None:
    database = await open_database(data)
    await backup(database, data, to, open_database)
    await database.close()


async def read_all(data: Path) -> list[bytes]:
    database = await open_database(data)
    contents = Contents(data, database, InlineWorkers())
    try:
        assert await database.read(lambda tx: tx.fetch_all("PRAGMA integrity_check")) == [("ok",)]
        found = []
        for number in range(1, len(LETTERS) + 1):
            reader = await contents.reader(number)
            found.append(b"".join([piece async for piece in reader.chunks()]))
        named = await database.read(content_files)
        assert named == {path.name for path in (data / "contents").rglob("*") if path.is_file()}
        return found
    finally:
        await contents.close()
        await database.close()


def killed_at(number: int, work: Callable[[], Awaitable[Any]]) -> bool:
    """Do it in a process that is killed before its step of that number; whether it lived to be killed."""
    child = os.fork()
    if child == 0:
        left = number

        def hook(event: str, arguments: Any) -> None:
            nonlocal left
            left -= event in STEPS
            if left == 0:
                os._exit(KILLED)

        sys.addaudithook(hook)
        asyncio.run(work())  # type: ignore[arg-type]
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, KILLED), status
    return status == KILLED


def is_restored(from_: Path, to: Path) -> bool:
    """Whole, or not at all: then it says so, and leaves nothing."""
    try:
        asyncio.run(restore(from_, to, open_database))
    except (NotABackup, FilesMissing, NotEmpty, DatabaseTrouble):
        assert not to.exists() or not any(to.iterdir()), "half a restore is left"
        return False
    assert asyncio.run(read_all(to)) == LETTERS
    return True


def kill_backups(data: Path, folder: Path) -> int:
    for number in range(1, MOST):
        copy, again = folder / "copy", folder / "again"
        was_killed = killed_at(number, lambda copy=copy: back_up(data, copy))  # type: ignore[misc]
        whole = is_restored(copy, again) if copy.exists() else False
        assert whole or was_killed, "a backup that was finished is no good"
        assert asyncio.run(read_all(data)) == LETTERS, "a backup has changed what it copies"
        for place in (copy, again):
            shutil.rmtree(place, ignore_errors=True)
        if not was_killed:
            return number
    raise AssertionError("a backup has no end")


def kill_restores(data: Path, folder: Path) -> int:
    """A restore that was killed is begun anew in an empty directory; the backup is as good as before."""
    copy, again = folder / "copy", folder / "again"
    asyncio.run(back_up(data, copy))
    for number in range(1, MOST):
        was_killed = killed_at(number, lambda: restore(copy, again, open_database))
        if not was_killed:
            assert asyncio.run(read_all(again)) == LETTERS
            return number
        shutil.rmtree(again, ignore_errors=True)
        assert is_restored(copy, again)
        shutil.rmtree(again)
    raise AssertionError("a restore has no end")


def main(folder: Path) -> None:
    data = folder / "data"
    asyncio.run(fill(data))
    print(kill_backups(data, folder), kill_restores(data, folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
