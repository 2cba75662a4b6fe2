"""Threads and the wall clock."""

from __future__ import annotations

import threading
import time

import pytest

from postel.net import SystemClock, ThreadWorkers


@pytest.mark.real_time
async def test_work_runs_in_another_thread() -> None:
    workers = ThreadWorkers(1)
    assert await workers.run(threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        await workers.run(lambda: 1 // 0)
    workers.close()


def test_the_system_clock_is_the_systems() -> None:
    assert SystemClock().now() == pytest.approx(time.time(), abs=5)
