import asyncio
from pathlib import Path

import pytest
from database_kit import add, opened, texts

from postel.database import DatabaseTrouble
from postel.database.connection import FILE_NAME


@pytest.mark.parametrize("in_memory", [False, True])
async def test_a_backup_is_a_database_of_its_own(in_memory: bool, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    async with opened(None if in_memory else tmp_path / "data") as database:
        await add(database, "a")
        await database.backup(tmp_path / "copy" / FILE_NAME)
        await add(database, "b")
    async with opened(tmp_path / "copy") as copy:
        assert await texts(copy) == ["a"]
        await add(copy, "c")
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == [FILE_NAME, "postel.lock"]


@pytest.mark.slow
@pytest.mark.real_time
async def test_a_backup_is_one_instant_of_a_database_in_use(tmp_path: Path) -> None:
    async with opened(tmp_path / "data", threaded=True) as database:
        await asyncio.gather(*(add(database, f"{n} " + "x" * 5000) for n in range(2000)))
        written = 2000
        copying = asyncio.ensure_future(database.backup(tmp_path / FILE_NAME))
        while not copying.done():
            await add(database, f"{written} " + "x" * 5000)
            written += 1
        await copying
    async with opened(tmp_path) as copy:
        numbers = [int(text.partition(" ")[0]) for text in await texts(copy)]
    assert sorted(numbers) == list(range(len(numbers)))
    assert 2000 <= len(numbers) <= written


async def test_a_backup_replaces_an_older_one_and_is_readable_by_us_alone(tmp_path: Path) -> None:
    async with opened() as database:
        for _ in range(2):
            await database.backup(tmp_path / "copy.db")
    assert [path.name for path in tmp_path.iterdir()] == ["copy.db"]
    assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0


async def test_a_backup_to_nowhere_is_trouble(tmp_path: Path) -> None:
    async with opened() as database:
        with pytest.raises(DatabaseTrouble):
            await database.backup(tmp_path / "no" / "such" / "copy.db")
