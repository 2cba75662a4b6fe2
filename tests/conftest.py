"""Runs `async def` tests: on fake time, or, when marked `real_time`, on an ordinary loop.

Properties have no deadline: a machine that is busy with other things fails no test.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

from postel.testing import run_checked, simulate

settings.register_profile("patient", parent=settings.default, deadline=None)
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real_time: an async test that runs on an ordinary event loop")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Wrap an async test in a plain function; pytest then calls it as any other."""
    is_real = pyfuncitem.get_closest_marker("real_time") is not None
    inner = getattr(pyfuncitem.obj, "hypothesis", None)
    if inner is not None and inspect.iscoroutinefunction(inner.inner_test):
        inner.inner_test = _plain(inner.inner_test, is_real)
    elif inspect.iscoroutinefunction(pyfuncitem.obj):
        pyfuncitem.obj = _plain(pyfuncitem.obj, is_real)


def _plain(test: Callable[..., Any], is_real: bool) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        if is_real:
            run_checked(asyncio.new_event_loop(), lambda: test(*args, **kwargs))
        else:
            simulate(lambda: test(*args, **kwargs))

    return run
