"""The life of a server process, from the running loop on: start, ready, reload, end.

Gives       Life, AccountPlan, read_checked, log_settings, TROUBLES.
Not here    What comes before the loop: app.serve. What is served: app.postel.

    own the data directory -> open -> start -> ready -> (SIGHUP: read the configuration again)* -> drain -> stopped
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import logging.handlers
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from postel.app import systemd
from postel.app.descriptors import allow_descriptors
from postel.app.edges import real_edges
from postel.app.owner import AlreadyServed, CannotUse, Owner, make_directory
from postel.app.ports import OpenPorts
from postel.app.postel import Postel, data_directory
from postel.config import BadConfig, Loaded, Mistake, check_config
from postel.database import DatabaseTooNew, DatabaseTrouble
from postel.directory import AccountExists
from postel.mail import parse_mailbox
from postel.observe import LogFormat, change_logging, logger
from postel.tls import BadCertificate, ServerTls

log = logger("app")

# What an operator can mend, beside mistakes of the configuration.
TROUBLES: Final = (AlreadyServed, BadCertificate, DatabaseTooNew, DatabaseTrouble, OSError)
_LEVELS: Final = logging.getLevelNamesMapping()
_BEYOND_RELOAD: Final = ("data", "user")  # settings that a running server cannot change


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """An account to be made at the start if it is not there, as `postel try` does."""

    address: str
    password: str = field(repr=False)


def read_checked(read: Callable[[], Loaded]) -> Loaded:
    """A configuration without mistakes. Raises BadConfig."""
    loaded = read()
    if mistakes := check_config(loaded).mistakes:
        raise BadConfig(list(mistakes))
    return loaded


def log_settings(loaded: Loaded) -> tuple[LogFormat, int]:
    """Form and level of the log."""
    return LogFormat(loaded.config.log.format), _LEVELS[loaded.config.log.level.upper()]


@dataclass(kw_only=True)
class Life:
    """One server process.

    loaded      the configuration that it starts with.
    read        reads the configuration; called again for SIGHUP.
    tls         the configured certificate, read while that was allowed.
    ports       sockets that are open already.
    voice       the log, whose form and level a reload may change.
    reloads     False: SIGHUP ends the server.
    """

    loaded: Loaded
    read: Callable[[], Loaded]
    tls: ServerTls | None
    ports: OpenPorts
    voice: logging.handlers.QueueListener
    accounts: Sequence[AccountPlan] = ()
    on_ready: Callable[[], None] | None = None
    reloads: bool = True
    _told: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _is_ending: bool = field(init=False, default=False)
    _is_reload_wanted: bool = field(init=False, default=False)

    async def run(self) -> None:
        """From the start to the end. Raises BadConfig and TROUBLES; then nothing stays open."""
        self._hear_signals()
        owner = self._own_data()
        try:
            postel = await Postel.open(self.loaded, real_edges(), self.tls)
            try:
                await self._serve(postel)
            finally:
                await postel.stop()
        finally:
            owner.release()
        log.event("stopped")

    def _own_data(self) -> Owner:
        directory = data_directory(self.loaded)
        try:
            make_directory(directory)
            return Owner(directory)
        except CannotUse as trouble:
            line = self.loaded.line("data")
            raise BadConfig([Mistake(self.loaded.file, line, str(trouble))]) from None

    async def _serve(self, postel: Postel) -> None:
        for plan in self.accounts:
            with contextlib.suppress(AccountExists):
                await postel.rooms.directory.add(parse_mailbox(plan.address), plan.password)
        await postel.start(self.ports.sockets)
        self.ports.close_others({bound.wanted for bound in postel.listeners.bound})
        log.event("ready", listeners=len(postel.listeners.bound), pid=os.getpid())
        systemd.ready("Serving")
        if self.on_ready is not None:
            self.on_ready()
        await self._until_the_end(postel)
        log.event("stopping")
        systemd.stopping()

    async def _until_the_end(self, postel: Postel) -> None:
        while not self._is_ending:
            await self._told.wait()
            self._told.clear()
            if self._is_reload_wanted and not self._is_ending:
                self._is_reload_wanted = False
                await self._reload(postel)

    # Signals

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._want_reload if self.reloads else self._end)

    def _end(self) -> None:
        if self._is_ending:
            os._exit(1)  # asked twice: at once. What was promised is on disk at any instant.
        self._is_ending = True
        self._told.set()

    def _want_reload(self) -> None:
        """One reload at a time; what is asked for meanwhile is one more."""
        self._is_reload_wanted = True
        self._told.set()

    async def _reload(self, postel: Postel) -> None:
        systemd.reloading()
        try:
            loaded = read_checked(self.read)
            await postel.reload(loaded)
        except BadConfig as bad:
            for mistake in bad.mistakes:
                log.trouble("reload_failed", file=mistake.file, line=mistake.line, because=mistake.text)
            systemd.ready("Serving by the old configuration: the new one has mistakes")
        except TROUBLES as trouble:
            log.trouble("reload_failed", because=trouble)
            systemd.ready("Serving by the old configuration: the new one cannot be used")
        else:
            change_logging(self.voice, *log_settings(loaded))
            allow_descriptors(loaded.config)
            self._tell_of_the_rest(loaded)
            log.event("reloaded")
            systemd.ready("Serving")

    def _tell_of_the_rest(self, loaded: Loaded) -> None:
        """Name what only a restart can change."""
        for name in _BEYOND_RELOAD:
            if getattr(loaded.config, name) != getattr(self.loaded.config, name):
                log.trouble("restart_needed", setting=name, file=loaded.file, line=loaded.line(name))
