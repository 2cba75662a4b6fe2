"""Several processes on one database, and processes that die."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from database_kit import opened, texts

WRITER = """
    import asyncio, sys
    from pathlib import Path
    sys.path.insert(0, {kit!r})
    from database_kit import add, opened

    async def main():
        async with opened(Path({directory!r}), threaded=True) as database:
            async def write(name):
                for n in range({count}):
                    text = f"{name} {{name}} {{n}}"
                    await add(database, text)
                    print(text, flush=True)
            await asyncio.gather(*(write(k) for k in range(8)))

    asyncio.run(main())
"""


def start(directory: Path, name: str, count: int) -> subprocess.Popen[bytes]:
    kit = str(Path(__file__).parent)
    code = textwrap.dedent(WRITER).format(kit=kit, directory=str(directory), name=name, count=count)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)


@pytest.mark.slow
def test_processes_take_turns(tmp_path: Path) -> None:
    processes = [start(tmp_path, f"p{n}", 50) for n in range(3)]
    for process in processes:
        assert process.communicate(timeout=60)[0].count(b"\n") == 8 * 50
        assert process.returncode == 0
    assert len(asyncio.run(_all_texts(tmp_path))) == 3 * 8 * 50


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_what_was_acknowledged_survives_a_kill(seed: int, tmp_path: Path) -> None:
    process = start(tmp_path, "p", 100_000)
    assert process.stdout is not None
    acknowledged = [process.stdout.readline()]  # it is under way
    time.sleep(random.Random(seed).uniform(0, 0.3))
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += process.stdout.readlines()
    process.wait()
    whole = {line.decode().strip() for line in acknowledged if line.endswith(b"\n")}
    assert whole <= set(asyncio.run(_all_texts(tmp_path)))


async def _all_texts(directory: Path) -> list[str]:
    async with opened(directory) as database:
        return await texts(database)
