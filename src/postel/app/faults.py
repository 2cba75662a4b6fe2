"""Exceptions that nobody was there to take: written to the log as one event, never raw to standard error.

Gives       faults_logged(), log_faults_of(loop).
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from postel.observe import logger

log = logger("app")

# What the loop says of where an exception came from; the rest of its words are ours already.
_SOURCES: Final = ("task", "future", "handle", "protocol", "transport", "socket", "asyncgen")


def log_faults_of(loop: asyncio.AbstractEventLoop) -> None:
    """Log what tasks and callbacks of the loop raise when nobody awaits them."""
    loop.set_exception_handler(_of_the_loop)


@contextmanager
def faults_logged() -> Iterator[None]:
    """Log what threads raise, and what cannot be raised at all, as in `__del__`."""
    in_threads, unraisable = threading.excepthook, sys.unraisablehook
    threading.excepthook = _of_a_thread
    sys.unraisablehook = _unraisable
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = in_threads, unraisable


def _of_the_loop(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    source = next((repr(context[name]) for name in _SOURCES if context.get(name) is not None), None)
    log.fault("task_failed", context.get("exception"), because=context.get("message"), source=source)


def _of_a_thread(told: threading.ExceptHookArgs) -> None:
    name = told.thread.name if told.thread is not None else None
    fault = told.exc_value if told.exc_value is not None else told.exc_type()
    log.fault("task_failed", fault, because="a thread ended by an exception", source=name)


def _unraisable(told: sys.UnraisableHookArgs) -> None:
    because = told.err_msg or "an exception could not be raised"
    # As text at once: the log is written later, and what is being finalized must not live on until then.
    log.fault("task_failed", told.exc_value, because=because, source=repr(told.object))
