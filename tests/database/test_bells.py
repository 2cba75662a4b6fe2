"""Processes that have the same database open wake each other."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from database_kit import add, opened

from postel.database import SqliteDatabase, Transaction
from postel.database.bell import DIRECTORY

SOON_S = 1e-3  # on a clock that jumps, "soon" is soon however slow the machine is


async def announce(database: SqliteDatabase, *channels: str) -> None:
    async def work(tx: Transaction) -> None:
        await tx.execute("INSERT INTO letter (text) VALUES (hex(randomblob(8)))")
        for channel in channels:
            tx.announce(channel)

    await database.write(work)


async def test_who_hears_a_channel_is_told_of_what_others_announce_and_of_nothing_else(
    tmp_path: Path,
) -> None:
    heard: list[str] = []
    async with opened(tmp_path) as database, opened(tmp_path) as other:
        end = database.hear("news", lambda: heard.append("news"))
        database.hear("weather", lambda: heard.append("weather"))
        await announce(other, "news", "sport")
        await asyncio.sleep(SOON_S)
        assert heard == ["news"]
        await add(other, "a commit that announces nothing")
        await asyncio.sleep(SOON_S)
        assert heard == ["news"]
        end()
        await announce(other, "news", "weather")
        await asyncio.sleep(SOON_S)
        assert heard == ["news", "weather"]


async def test_who_announces_hears_it_too_and_once(tmp_path: Path) -> None:
    heard: list[str] = []
    async with opened(tmp_path) as database, opened(tmp_path) as other:
        database.hear("news", lambda: heard.append("ours"))
        other.hear("news", lambda: heard.append("theirs"))
        await announce(database, "news")
        await asyncio.sleep(SOON_S)
        assert sorted(heard) == ["ours", "theirs"]


async def test_what_is_announced_in_memory_is_heard_there() -> None:
    heard: list[str] = []
    async with opened(None) as database:
        database.hear("news", lambda: heard.append("news"))
        await announce(database, "news")
        await asyncio.sleep(0)
        assert heard == ["news"]


async def test_what_failed_is_not_announced(tmp_path: Path) -> None:
    heard: list[str] = []

    async def fails(tx: Transaction) -> None:
        tx.announce("news")
        raise ValueError

    async with opened(tmp_path) as database, opened(tmp_path) as other:
        database.hear("news", lambda: heard.append("news"))
        with pytest.raises(ValueError):
            await other.write(fails)
        await asyncio.sleep(SOON_S)
        assert heard == []


async def test_more_channels_than_a_datagram_carries_wake_everybody(tmp_path: Path) -> None:
    heard: list[str] = []
    async with opened(tmp_path) as database, opened(tmp_path) as other:
        database.hear("last", lambda: heard.append("last"))
        await announce(other, *(f"channel number {n}" for n in range(1000)))
        await asyncio.sleep(SOON_S)
        assert heard == ["last"]


async def test_what_a_busy_process_has_no_room_for_reaches_it_later(tmp_path: Path) -> None:
    heard: set[int] = set()
    async with opened(tmp_path) as database, opened(tmp_path) as other:
        ends = [database.hear(f"{n}", lambda n=n: heard.add(n)) for n in range(2000)]  # type: ignore[misc]
        for n in range(2000):
            other._ring({f"{n}"})  # faster than anybody reads
        await asyncio.sleep(1)
        assert heard == set(range(2000))
        for end in ends:
            end()


async def test_a_commit_that_nobody_rang_for_is_found_by_looking_now_and_then(tmp_path: Path) -> None:
    heard: list[str] = []
    async with opened(tmp_path) as database, opened(tmp_path) as other:
        database.hear("news", lambda: heard.append("news"))
        await asyncio.sleep(100)
        assert heard == []
        await add(other, "of a stranger")
        await asyncio.sleep(31)
        assert heard == ["news"]
        await add(database, "our own")
        await asyncio.sleep(100)
        assert heard == ["news"]


async def test_without_a_place_for_bells_it_looks_every_second(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / DIRECTORY).write_text("in the way")
    heard: list[str] = []
    async with opened(tmp_path) as database, opened(tmp_path) as other:
        database.hear("news", lambda: heard.append("news"))
        await announce(other, "news")
        await asyncio.sleep(1.5)
        assert heard == ["news"]
    assert "bell_missing" in caplog.text


async def test_a_directory_with_a_very_long_name_has_bells_too(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("sockets of long names need /proc")
    directory = tmp_path / ("long" * 25)
    heard: list[str] = []
    async with opened(directory) as database, opened(directory) as other:
        database.hear("news", lambda: heard.append("news"))
        await announce(other, "news")
        await asyncio.sleep(SOON_S)
        assert heard == ["news"]


async def test_nothing_is_left_of_a_bell_that_was_closed(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        database.hear("news", lambda: None)
        assert len(os.listdir(tmp_path / DIRECTORY)) == 1
    assert os.listdir(tmp_path / DIRECTORY) == []


HEARER = """
    import asyncio, sys
    from pathlib import Path
    sys.path.insert(0, {kit!r})
    from database_kit import opened

    async def main():
        async with opened(Path({directory!r}), threaded=True) as database:
            told = asyncio.Event()
            database.hear("news", told.set)
            print("hearing", flush=True)
            await told.wait()
            print("heard", flush=True)
            await asyncio.sleep(1000)

    asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.real_time
async def test_another_process_is_woken_and_the_bell_of_a_killed_one_is_removed(tmp_path: Path) -> None:
    code = textwrap.dedent(HEARER).format(kit=str(Path(__file__).parent), directory=str(tmp_path))
    process = _start(code)
    assert process.stdout is not None
    async with opened(tmp_path, threaded=True) as database:
        assert await asyncio.to_thread(process.stdout.readline) == b"hearing\n"
        await announce(database, "news")
        assert await asyncio.to_thread(process.stdout.readline) == b"heard\n"
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert len(os.listdir(tmp_path / DIRECTORY)) == 1
        await announce(database, "news")
        await asyncio.sleep(0)  # others hear of it behind those who are told here
        assert os.listdir(tmp_path / DIRECTORY) == []


def _start(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
