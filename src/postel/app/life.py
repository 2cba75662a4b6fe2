"""The life of a server process, from the running loop on: start, ready, reload, end.

Gives       Life, Orders, AccountPlan, read_checked, log_settings, TROUBLES.
Not here    What comes before the loop: app.serve. What is served: app.postel. Who gives the orders: app.outside for
            a server that is one process, app.worker for one of several.

    open -> start -> ready -> (reload: read the configuration again)* -> drain -> stopped
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import logging.handlers
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from postel.app.brakes import Brakes
from postel.app.edges import real_edges
from postel.app.owner import AlreadyServed
from postel.app.part import WHOLE, Part
from postel.app.ports import OpenPorts, Sockets
from postel.app.postel import DRAIN_S, Postel
from postel.config import BadConfig, Loaded, check_config
from postel.database import DatabaseTooNew, DatabaseTrouble
from postel.directory import AccountExists
from postel.mail import parse_mailbox
from postel.net import settle_for_good
from postel.observe import LogFormat, change_logging, logger
from postel.tls import BadCertificate, ServerTls

log = logger("app")

# What an operator can mend, beside mistakes of the configuration.
TROUBLES: Final = (AlreadyServed, BadCertificate, DatabaseTooNew, DatabaseTrouble, OSError)
_LEVELS: Final = logging.getLevelNamesMapping()
_BEYOND_RELOAD: Final = ("data", "user", "workers")  # settings that a running server cannot change


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


def tell_of_the_rest(loaded: Loaded, before: Loaded) -> None:
    """Name what only a restart can change."""
    for name in _BEYOND_RELOAD:
        if getattr(loaded.config, name) != getattr(before.config, name):
            log.trouble("restart_needed", setting=name, file=loaded.file, line=loaded.line(name))


class Orders(Protocol):
    """Who tells a server process what to do, and is told how it goes."""

    def hear(self, life: Life) -> None:
        """Orders reach `life.end`, `life.reload` from now on."""

    def ready(self, listeners: int) -> None:
        """Every listener accepts."""

    def reloading(self) -> None:
        """The configuration is being read."""

    def reloaded(self, loaded: Loaded) -> None:
        """It is in force."""

    def kept(self, trouble: Exception) -> None:
        """It is not, and the old one stays in force: a BadConfig or one of TROUBLES."""

    def stopping(self) -> None:
        """The end has begun."""

    def stopped(self) -> None:
        """Everything is closed."""


@dataclass(kw_only=True)
class Life:
    """One server process.

    loaded      the configuration that it starts with.
    read        reads the configuration; called again for a reload.
    tls         the configured certificate, read while that was allowed.
    ports       sockets that are open already.
    voice       the log, whose form and level a reload may change.
    """

    loaded: Loaded
    read: Callable[[], Loaded]
    tls: ServerTls | None
    ports: OpenPorts
    voice: logging.handlers.QueueListener
    orders: Orders
    part: Part = WHOLE
    accounts: Sequence[AccountPlan] = ()
    brakes: Brakes | None = None
    _told: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    is_ending: bool = field(init=False, default=False)
    _is_reload_wanted: bool = field(init=False, default=False)
    _lost: list[int] = field(init=False, default_factory=list)
    _drain_s: float = field(init=False, default=DRAIN_S)
    _new_sockets: Sockets = field(init=False, default_factory=Sockets)

    async def run(self) -> None:
        """From the start to the end. Raises BadConfig and TROUBLES; then nothing stays open."""
        self.orders.hear(self)
        postel = await Postel.open(self.loaded, real_edges(self.brakes), self.tls, self.part)
        try:
            await self._serve(postel)
        finally:
            await postel.stop(self._drain_s)
        self.orders.stopped()

    async def _serve(self, postel: Postel) -> None:
        for plan in self.accounts:
            with contextlib.suppress(AccountExists):
                await postel.rooms.directory.add(parse_mailbox(plan.address), plan.password)
        await postel.start(self.ports.sockets)
        self.ports.close_others()
        settle_for_good()
        self.orders.ready(len(postel.listeners.bound))
        await self._until_the_end(postel)
        self.orders.stopping()

    async def _until_the_end(self, postel: Postel) -> None:
        while not self.is_ending:
            await self._told.wait()
            self._told.clear()
            while self._lost:
                postel.queue.lost(self._lost.pop())
            if self._is_reload_wanted and not self.is_ending:
                self._is_reload_wanted = False
                await self._reload(postel)

    # Orders

    def lost(self, number: int) -> None:
        """A helper of our crew has died."""
        self._lost.append(number)
        self._told.set()

    def end(self, drain_s: float = DRAIN_S) -> None:
        """End in order: sessions and deliveries have so long to finish."""
        self.is_ending = True
        self._drain_s = min(drain_s, self._drain_s)
        self._told.set()

    def reload(self, sockets: Sockets | None = None) -> None:
        """Read the configuration again; `sockets` are for new listeners.

        One reload at a time; what is asked for meanwhile is one more.
        """
        for endpoint, opened in sockets or ():
            self._new_sockets.add(endpoint, opened)
        self._is_reload_wanted = True
        self._told.set()

    async def _reload(self, postel: Postel) -> None:
        self.orders.reloading()
        sockets, self._new_sockets = self._new_sockets, Sockets()
        try:
            loaded = read_checked(self.read)
            await postel.reload(loaded, sockets)
        except (BadConfig, *TROUBLES) as trouble:
            self.orders.kept(trouble)
        else:
            change_logging(self.voice, *log_settings(loaded))
            self.orders.reloaded(loaded)
        finally:
            sockets.close()
