from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from postel import contents as contents_room
from postel.app import FilesMissing, NotABackup, NotEmpty, backup, restore
from postel.contents import ContentMissing, Contents, keep, release
from postel.database import Database, SqliteDatabase
from postel.testing import InlineWorkers

LARGE = b"a line of a large message\r\n" * 10_000


class Data:
    """A data directory with contents in it."""

    def __init__(self, directory: Path, database: Database) -> None:
        self.directory = directory
        self.database = database
        self.contents = Contents(directory, database, InlineWorkers())

    @classmethod
    async def open(cls, directory: Path) -> "Data":
        database = await open_database(directory)
        await database.migrate(contents_room.MIGRATIONS)
        return cls(directory, database)

    async def add(self, content: bytes) -> int:
        draft = self.contents.draft()
        await draft.write(content)
        sealed = await draft.seal()
        return await self.database.write(lambda tx: keep(tx, sealed))

    async def remove(self, content_id: int) -> None:
        await self.database.write(lambda tx: release(tx, content_id))
        await self.contents.sweep()

    async def read(self, content_id: int) -> bytes:
        reader = await self.contents.reader(content_id)
        return b"".join([piece async for piece in reader.chunks()])

    async def close(self) -> None:
        await self.contents.close()
        await self.database.close()


async def open_database(directory: Path) -> Database:
    return await SqliteDatabase.open(directory, threaded=False)


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path, Path]:
    return tmp_path / "data", tmp_path / "copy", tmp_path / "again"


Places = tuple[Path, Path, Path]


async def test_a_backup_restores_to_the_same(places: Places) -> None:
    data, copy, again = places
    live = await Data.open(data)
    small, large = await live.add(b"small"), await live.add(LARGE)
    (data / "tls").mkdir()
    (data / "tls" / "key.pem").write_text("key")
    assert await backup(live.database, data, copy, open_database) == 1
    assert sorted(path.name for path in copy.iterdir()) == ["contents", "postel.db", "tls"]
    await live.remove(large)
    await live.close()
    assert await restore(copy, again, open_database) == 1
    restored = await Data.open(again)
    assert await restored.read(small) == b"small"
    assert await restored.read(large) == LARGE
    assert (again / "tls" / "key.pem").read_text() == "key"
    await restored.close()


async def test_what_was_restored_is_apart_from_the_backup(places: Places) -> None:
    data, copy, again = places
    live = await Data.open(data)
    large = await live.add(LARGE)
    await backup(live.database, data, copy, open_database)
    await live.close()
    await restore(copy, again, open_database)
    (file,) = (path for path in (again / "contents").rglob("*") if path.is_file())
    assert file.stat().st_nlink == 1
    restored = await Data.open(again)
    await restored.remove(large)
    await restored.close()
    assert await restore(copy, again.with_name("third"), open_database) == 1


def disturbed(live: Data, *disturbances: Callable[[], Awaitable[object]]) -> Database:
    """A database in which something happens after each copy."""

    class Disturbed(SqliteDatabase):
        def __init__(self) -> None:
            self.left = list(disturbances)

        async def backup(self, to: Path) -> None:
            await live.database.backup(to)
            if self.left:
                await self.left.pop(0)()

    return Disturbed()


async def test_a_file_that_goes_while_copying_does_no_harm(places: Places) -> None:
    data, copy, again = places
    live = await Data.open(data)
    going, staying = await live.add(LARGE), await live.add(LARGE + b"more")

    async def change() -> None:
        await live.remove(going)
        await live.add(LARGE + b"new")

    assert await backup(disturbed(live, change), data, copy, open_database) == 2
    await live.close()
    assert await restore(copy, again, open_database) == 2
    restored = await Data.open(again)
    assert await restored.read(staying) == LARGE + b"more"
    with pytest.raises(ContentMissing):
        await restored.read(going)
    await restored.close()


async def test_a_file_that_came_and_went_leaves_nothing(places: Places) -> None:
    data, copy, _ = places
    live = await Data.open(data)
    first = await live.add(LARGE)
    draft = live.contents.draft()
    await draft.write(LARGE)  # being written: no row names it

    async def remove_another() -> None:
        await live.remove(second)

    second = await live.add(LARGE)
    assert await backup(disturbed(live, remove_another), data, copy, open_database) == 1
    assert len([path for path in (copy / "contents").rglob("*") if path.is_file()]) == 1
    await draft.discard()
    assert await live.read(first) == LARGE
    await live.close()


async def test_lost_files_make_no_backup(places: Places) -> None:
    data, copy, _ = places
    live = await Data.open(data)
    await live.add(LARGE)
    for path in (data / "contents").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(FilesMissing):
        await backup(live.database, data, copy, open_database)
    await live.close()


async def test_a_backup_that_was_broken_off_is_not_restored(places: Places) -> None:
    data, copy, again = places
    live = await Data.open(data)
    await live.add(LARGE)
    await backup(live.database, data, copy, open_database)
    await live.close()
    (file,) = (path for path in (copy / "contents").rglob("*") if path.is_file())
    file.unlink()
    with pytest.raises(FilesMissing):
        await restore(copy, again, open_database)
    assert list(again.iterdir()) == []


async def test_nothing_is_overwritten(places: Places) -> None:
    data, copy, _ = places
    live = await Data.open(data)
    copy.mkdir()
    (copy / "precious").write_text("")
    with pytest.raises(NotEmpty):
        await backup(live.database, data, copy, open_database)
    with pytest.raises(NotEmpty):
        await restore(data, copy, open_database)
    with pytest.raises(NotEmpty):
        await backup(live.database, data, copy / "precious", open_database)
    with pytest.raises(NotABackup):
        await restore(copy, data.with_name("x"), open_database)
    await live.close()
