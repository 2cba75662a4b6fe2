"""Running a coroutine as all of Postel runs.

Gives       run_loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from postel.app.edges import new_loop

T = TypeVar("T")


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main)
