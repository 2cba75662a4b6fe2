"""How much room the disk has, asked of it now and then."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from postel.contents import FreeSpace
from postel.contents.space import REMEMBERED_S
from postel.database import DatabaseTrouble
from postel.testing import FakeClock, InlineWorkers


class Counting(InlineWorkers):
    count = 0

    async def run(self, work):  # type: ignore[no-untyped-def]
        self.count += 1
        return await super().run(work)


async def test_the_disk_is_measured_once_in_a_while(tmp_path: Path) -> None:
    clock, workers = FakeClock(), Counting()
    space = FreeSpace(tmp_path, clock, workers)
    found = os.statvfs(tmp_path)
    assert 0 < await space() <= found.f_blocks * found.f_frsize
    for _ in range(1000):
        await space()
    assert workers.count == 1
    await asyncio.sleep(REMEMBERED_S)
    await space()
    assert workers.count == 2


async def test_a_disk_that_is_gone_is_trouble(tmp_path: Path) -> None:
    space = FreeSpace(tmp_path / "gone", FakeClock(), InlineWorkers())
    with pytest.raises(DatabaseTrouble, match="measure"):
        await space()
