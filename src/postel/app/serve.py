"""The server as a process: logging, ports, privileges, signals, systemd.

Gives       run_server, CannotStart, AccountPlan.
Not here    What is served: app.postel.

    read configuration -> open privileged ports -> give up root -> own the data directory -> start -> ready
    SIGHUP: read it again, keep sessions.   SIGTERM, SIGINT: drain, and end with 0.   A second one: at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from postel.app import privileges, systemd
from postel.app.edges import real_edges
from postel.app.owner import AlreadyServed, Owner
from postel.app.postel import Postel, data_directory
from postel.config import BadConfig, Loaded, check_config
from postel.database import DatabaseTooNew, DatabaseTrouble
from postel.directory import AccountExists
from postel.hooks import HookFileFault
from postel.mail import parse_mailbox
from postel.net import Endpoint, parse_endpoint
from postel.observe import LogFormat, logger, start_logging, stop_logging
from postel.tls import BadCertificate

log = logger("app")
T = TypeVar("T")

_LEVELS: Final = logging.getLevelNamesMapping()
_TROUBLES: Final = (HookFileFault, BadCertificate, DatabaseTrouble, DatabaseTooNew, AlreadyServed)


class CannotStart(Exception):
    """The server cannot start; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """An account to be made at the start if it is not there, as `postel try` does."""

    address: str
    password: str = field(repr=False)


def run_server(
    read: Callable[[], Loaded],
    *,
    accounts: Sequence[AccountPlan] = (),
    on_ready: Callable[[], None] | None = None,
) -> None:
    """Serve until a signal ends it. Raises CannotStart.

    read      reads the configuration; called again for SIGHUP. It may raise BadConfig.
    on_ready  called when every listener accepts.
    """
    loaded = _checked(read)
    with _logging(loaded), _trouble_told():
        sockets = _take_privileged(loaded)
        run_loop(_Server(read, loaded, sockets, accounts, on_ready).run())


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def _checked(read: Callable[[], Loaded]) -> Loaded:
    try:
        loaded = read()
    except BadConfig as bad:
        raise CannotStart(str(bad)) from None
    if mistakes := check_config(loaded).mistakes:
        raise CannotStart("\n".join(map(str, mistakes)))
    return loaded


@contextmanager
def _logging(loaded: Loaded) -> Iterator[None]:
    level = _LEVELS[loaded.config.log.level.upper()]
    listener = start_logging(LogFormat(loaded.config.log.format), level)
    try:
        yield
    finally:
        stop_logging(listener)


@contextmanager
def _trouble_told() -> Iterator[None]:
    """What an operator can mend is said in a sentence, without a traceback."""
    try:
        yield
    except _TROUBLES as trouble:
        raise CannotStart(str(trouble)) from None
    except privileges.CannotBecome as trouble:
        raise CannotStart(str(trouble)) from None
    except OSError as trouble:
        where = f"{trouble.filename}: " if trouble.filename else ""
        raise CannotStart(f"{where}{trouble.strerror or trouble}") from None


def _take_privileged(loaded: Loaded) -> dict[Endpoint, socket.socket]:
    """Open the ports that need root, and then be root no more."""
    sockets = systemd.inherited_sockets(os.environ)
    if os.geteuid() != 0:
        return sockets
    wanted = [parse_endpoint(listen.address) for listen in loaded.config.listen if listen.address]
    sockets |= privileges.bind_first(endpoint for endpoint in wanted if endpoint not in sockets)
    user = loaded.config.user or privileges.default_user()
    if user is None:
        print(
            "postel: warning: running as root; make a user postel, or name one with user = …", file=sys.stderr
        )
    elif user != "root":
        privileges.become(user, [data_directory(loaded)])
    return sockets


class _Server:
    """The life of the process."""

    def __init__(
        self,
        read: Callable[[], Loaded],
        loaded: Loaded,
        sockets: dict[Endpoint, socket.socket],
        accounts: Sequence[AccountPlan],
        on_ready: Callable[[], None] | None,
    ) -> None:
        self._read = read
        self._loaded = loaded
        self._sockets = sockets
        self._accounts = accounts
        self._on_ready = on_ready
        self._ending = asyncio.Event()
        self._reloading: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        directory = data_directory(self._loaded)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = Owner(directory)
        try:
            postel = await Postel.open(self._loaded, real_edges())
            await self._serve(postel)
        finally:
            owner.release()

    async def _serve(self, postel: Postel) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._reload, postel)
        try:
            await self._make_accounts(postel)
            await postel.start(self._sockets)
            log.event("ready", listeners=len(postel.listeners.bound), pid=os.getpid())
            systemd.notify("READY=1", os.environ)
            if self._on_ready is not None:
                self._on_ready()
            await self._ending.wait()
            log.event("stopping")
            systemd.notify("STOPPING=1", os.environ)
        finally:
            await postel.stop()
        log.event("stopped")

    def _end(self) -> None:
        if self._ending.is_set():
            os._exit(1)  # asked twice: at once. What was promised is on disk at any instant.
        self._ending.set()

    async def _make_accounts(self, postel: Postel) -> None:
        for plan in self._accounts:
            with contextlib.suppress(AccountExists):
                await postel.rooms.directory.add(parse_mailbox(plan.address), plan.password)

    def _reload(self, postel: Postel) -> None:
        task = asyncio.get_running_loop().create_task(self._reload_now(postel))
        self._reloading.add(task)
        task.add_done_callback(self._reloading.discard)

    async def _reload_now(self, postel: Postel) -> None:
        systemd.notify("RELOADING=1", os.environ)
        try:
            await postel.reload(_checked(self._read))
            log.event("reloaded")
        except (CannotStart, OSError, *_TROUBLES) as trouble:
            log.trouble("reload_failed", because=trouble)
        systemd.notify("READY=1", os.environ)
