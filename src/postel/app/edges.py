"""What a Postel stands on: the parts of the outside world that a test replaces.

Gives       Edges, real_edges, new_loop.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from postel.app.brakes import Brakes
from postel.app.faults import log_faults_of
from postel.contents import Disk
from postel.database import Database, SqliteDatabase
from postel.directory import PasswordOptions
from postel.dns import Resolver
from postel.hooks import LoopRunner, Runner, ThreadRunner
from postel.net import Clock, Network, SystemClock, TcpNetwork, ThreadWorkers, Workers

WORKER_THREADS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The network, time, chance, threads and the disk.

    resolver        asked in place of the configured name servers, where given.
    open_database   opens the database of a data directory.
    is_on_disk      False: nothing is kept in files; the data directory is only a name.
    contents        where files of large contents go all the same, where nothing else is kept in files.
    disk            the calls by which files of contents are written, where not those of this machine.
    boot            names the run of the operating system; None asks the system.
    passwords       what a password hash costs.
    brakes          what the brakes on clients remember, where several processes share it.
    hook_runner     runs the functions of hook files; by default on the loop of the server, where one that
                    blocks stops all.
    """

    network: Network
    clock: Clock
    random: random.Random
    workers: Workers
    open_database: Callable[[Path], Awaitable[Database]]
    resolver: Resolver | None = None
    is_on_disk: bool = True
    contents: Path | None = None
    disk: Disk | None = None
    boot: str | None = None
    passwords: PasswordOptions = field(default_factory=PasswordOptions)
    brakes: Brakes = field(default_factory=Brakes)
    hook_runner: Runner = field(default_factory=LoopRunner)


def real_edges(brakes: Brakes | None = None) -> Edges:
    """Sockets, the system's clock, threads, and SQLite on disk."""
    return Edges(
        network=TcpNetwork(),
        clock=SystemClock(),
        random=random.SystemRandom(),
        workers=ThreadWorkers(WORKER_THREADS),
        open_database=SqliteDatabase.open,
        brakes=brakes or Brakes(),
        hook_runner=ThreadRunner(new_loop=new_loop),
    )


def new_loop() -> asyncio.AbstractEventLoop:
    """An event loop whose stray exceptions are logged: one of uvloop's where there is uvloop."""
    try:
        import uvloop
    except ImportError:
        loop = asyncio.new_event_loop()
    else:
        loop = uvloop.new_event_loop()
    log_faults_of(loop)
    return loop
