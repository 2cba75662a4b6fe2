"""Where the line between small and large content lies: each size in the database, and in a file.

    python bench/contents.py [--writers 20] [--seconds 1.5] [--directory DIR]

Contents a second, kept and released again, by size; the better place is marked.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from functools import partial
from pathlib import Path

from postel.contents import MIGRATIONS, Contents, keep, release
from postel.database import SqliteDatabase
from postel.net import ThreadWorkers

KIB = 1024
SIZES = (8, 32, 64, 128, 192, 256, 512, 1024)


async def rate(directory: Path, size: int, inline_limit: int, options: argparse.Namespace) -> float:
    database = await SqliteDatabase.open(directory)
    workers = ThreadWorkers(4)
    await database.migrate(MIGRATIONS)
    contents = Contents(directory, database, workers, inline_limit)
    content = bytes(size)
    count = 0
    start = time.perf_counter()

    async def write() -> None:
        nonlocal count
        while time.perf_counter() - start < options.seconds:
            draft = contents.draft()
            for at in range(0, size, 64 * KIB):
                await draft.write(content[at : at + 64 * KIB])
            content_id = await database.write(partial(keep, sealed=await draft.seal()))
            await database.write(partial(release, content_id=content_id))
            count += 1

    await asyncio.gather(*(write() for _ in range(options.writers)))
    spent = time.perf_counter() - start
    await contents.close()
    await database.close()
    workers.close()
    return count / spent


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--writers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--directory", type=Path, help="on the disk to measure")
    options = parser.parse_args()
    print(f"{'KiB':>6} {'database':>10} {'file':>10}")
    for size in SIZES:
        rates = []
        for inline_limit in (1 << 40, 0):
            with tempfile.TemporaryDirectory(dir=options.directory) as name:
                rates.append(asyncio.run(rate(Path(name), size * KIB, inline_limit, options)))
        marks = ["*" if one == max(rates) else " " for one in rates]
        print(f"{size:>6} {rates[0]:>9.0f}{marks[0]} {rates[1]:>9.0f}{marks[1]}")


if __name__ == "__main__":
    main()
