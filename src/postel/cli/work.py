"""Running a command on the data directory, beside a server or without one.

Gives       run(settings, work) -> what the work gives; CannotDo, TROUBLES, take_data, telling_trouble.
Order       read the configuration; be the owner of the data directory; open its rooms; work; close.

Everything that an operator can mend ends the command with one sentence. What a command writes is a transaction
of its own, so it may run at any time.
"""

from __future__ import annotations

import logging
import os
import pwd
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from postel.app import (
    Bench,
    CannotBecome,
    Edges,
    become_owner_of,
    data_directory,
    open_bench,
    real_edges,
    run_loop,
)
from postel.cli.context import Settings, fail
from postel.config import Loaded
from postel.database import FILE_NAME, DatabaseTooNew, DatabaseTrouble, SqliteDatabase
from postel.hooks import HookFileFault
from postel.observe import start_logging, stop_logging

T = TypeVar("T")

TROUBLES: Final = (CannotBecome, DatabaseTooNew, DatabaseTrouble, HookFileFault)


class CannotDo(Exception):
    """What was asked for cannot be done; the text says why, and what to do."""


def run(
    settings: Settings,
    work: Callable[[Bench], Awaitable[T]],
    *,
    makes_data: bool = False,
    may_lack_data: bool = False,
    become: Callable[[Path], None] | None = None,
) -> T:
    """The result of `work` on the configured data directory. Ends the command where it cannot be had.

    makes_data      whether a data directory that is not there yet is made.
    may_lack_data   whether the work is done without one while there is none: on an empty database in memory.
    become          makes us somebody who may work in that directory; by default root becomes its owner for good.
    """
    loaded = settings.read()
    try:
        with telling_trouble():
            if may_lack_data and _is_missing(data_directory(loaded)):
                return run_loop(_on_bench(loaded, _in_memory(), work))
            take_data(loaded, makes_data=makes_data, become=become)
            return run_loop(_on_bench(loaded, real_edges(), work))
    except CannotDo as refusal:
        return fail(str(refusal))
    except TROUBLES as trouble:
        return fail(str(trouble))
    except BrokenPipeError:
        raise  # whoever reads what we print has seen enough
    except OSError as trouble:
        return fail(f"{trouble.filename or data_directory(loaded)}: {trouble.strerror or trouble}")


@contextmanager
def telling_trouble() -> Iterator[None]:
    """Write what the rooms want an operator to look at to standard error, as the server does to its log."""
    listener = start_logging(level=logging.WARNING)
    try:
        yield
    finally:
        stop_logging(listener)


def take_data(loaded: Loaded, *, makes_data: bool, become: Callable[[Path], None] | None = None) -> None:
    """Be somebody who may work in the data directory. Raises CannotDo, CannotBecome."""
    data = data_directory(loaded)
    if not makes_data and _is_missing(data):
        raise CannotDo(
            f"there is no data directory {data} yet; make an account (postel account add) or start postel serve"
        )
    if become is None:
        become_owner_of(data, loaded.config.user)
    else:
        become(data)
    if not may_write(data):
        raise CannotDo(f"{data} belongs to {_owner(data)}; run this as that user, or as root")


def stay(data: Path) -> None:
    """Remain who we are, for work that only reads: root may, and SQLite leaves no files of root's. Raises CannotDo."""
    if not (data / FILE_NAME).is_file():
        raise CannotDo(f"there is nothing in {data} yet")


def may_write(data: Path) -> bool:
    """Whether this process may work in a data directory, or make it."""
    try:
        while not data.exists() and data != data.parent:
            data = data.parent
    except PermissionError:  # we may not even see it
        return False
    # Who acts as the owner for a while is meant, not who started the command.
    by_effective = os.access in os.supports_effective_ids
    return os.access(data, os.R_OK | os.W_OK | os.X_OK, effective_ids=by_effective)


def _owner(path: Path) -> str:
    try:
        while not path.exists():
            path = path.parent
        uid = path.stat().st_uid
        return f"user {pwd.getpwuid(uid).pw_name}"
    except PermissionError:
        return "somebody else"
    except KeyError:
        return f"user {uid}"


def _is_missing(data: Path) -> bool:
    try:
        return not data.exists()
    except PermissionError:
        return False


def _in_memory() -> Edges:
    return replace(real_edges(), open_database=lambda _: SqliteDatabase.open(None), is_on_disk=False)


async def _on_bench(loaded: Loaded, edges: Edges, work: Callable[[Bench], Awaitable[T]]) -> T:
    bench = await open_bench(loaded, edges)
    try:
        return await work(bench)
    finally:
        await bench.close()
