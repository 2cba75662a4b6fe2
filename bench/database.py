"""How many small units a second the database makes durable, and what a sync costs by itself.

    python bench/database.py [--writers 50] [--seconds 3] [--busy-us 0] [--directory DIR]

Trust the ratio: units a sync, and units a second against syncs a second, since disks differ. `--busy-us` is
Python work on the loop before each unit, as the parsing of a message would be; `--beside-us` keeps the
loop busy with something else as well.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from postel.database import Migration, SqliteDatabase, Transaction

SCHEMA = Migration(
    "bench",
    1,
    "CREATE TABLE letter (id INTEGER PRIMARY KEY, envelope TEXT NOT NULL, content BLOB NOT NULL);"
    "CREATE TABLE recipient (id INTEGER PRIMARY KEY, letter INTEGER NOT NULL, path TEXT NOT NULL, due REAL);"
    "CREATE INDEX due ON recipient (due)",
)
CONTENT = b"x" * 2000


def syncs_a_second(directory: Path, seconds: float) -> float:
    fd = os.open(directory / "sync", os.O_RDWR | os.O_CREAT)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        os.pwrite(fd, CONTENT * 4, count % 100 * 8000)
        os.fdatasync(fd)
        count += 1
    os.close(fd)
    return count / seconds


async def unit(tx: Transaction) -> None:
    letter = await tx.insert(
        "INSERT INTO letter (envelope, content) VALUES (?, ?) RETURNING id", ("frito@drag.net", CONTENT)
    )
    for path in ("kitt@free.org", "postmaster@free.org"):
        await tx.execute("INSERT INTO recipient (letter, path, due) VALUES (?, ?, ?)", (letter, path, 1.0))


def work_for(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


async def measure(directory: Path, options: argparse.Namespace) -> None:
    database = await SqliteDatabase.open(directory, threaded=not options.inline)
    await database.migrate([SCHEMA])
    waits: list[float] = []
    until = time.perf_counter() + options.seconds

    async def write() -> None:
        while (start := time.perf_counter()) < until:
            work_for(options.busy_us / 1e6)
            await database.write(unit)
            waits.append(time.perf_counter() - start)

    async def do_something_else() -> None:
        while options.beside_us:
            work_for(options.beside_us / 1e6)
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(do_something_else())
    cpu = time.process_time()
    start = time.perf_counter()
    await asyncio.gather(*(write() for _ in range(options.writers)))
    spent, cpu = time.perf_counter() - start, time.process_time() - cpu
    beside.cancel()
    await database.close()
    waits.sort()
    print(f"units a second      {len(waits) / spent:10.0f}")
    print(f"CPU a unit (us)     {cpu / len(waits) * 1e6:10.0f}")
    print(f"wait median (ms)    {statistics.median(waits) * 1e3:10.2f}")
    print(f"wait 99 % (ms)      {waits[int(len(waits) * 0.99)] * 1e3:10.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--writers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--busy-us", type=float, default=0.0)
    parser.add_argument("--beside-us", type=float, default=0.0, help="a task that never rests, in such steps")
    parser.add_argument("--inline", action="store_true", help="no writer thread")
    parser.add_argument("--asyncio", action="store_true", help="not uvloop")
    parser.add_argument("--directory", type=Path, help="on the disk to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        print(f"syncs a second      {syncs_a_second(Path(name), 1.0):10.0f}")
        if options.asyncio or sys.platform == "win32":
            asyncio.run(measure(Path(name), options))
        else:
            import uvloop

            uvloop.run(measure(Path(name), options))


if __name__ == "__main__":
    main()
