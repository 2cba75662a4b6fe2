"""Orders for a server that is one process: signals, and a service manager that is told how it goes.

Implements  Orders (app.life).
Gives       OutsideOrders, own_data, tell_reloaded, tell_kept.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from postel.app import systemd
from postel.app.descriptors import allow_descriptors
from postel.app.life import Life, tell_of_the_rest
from postel.app.owner import CannotUse, Owner, make_directory
from postel.app.postel import data_directory
from postel.config import BadConfig, Loaded, Mistake
from postel.observe import logger

log = logger("app")


class OutsideOrders:
    """Hears signals.

    on_ready    called when every listener accepts.
    reloads     False: SIGHUP ends the server, as it does programs whose terminal goes away.
    """

    def __init__(
        self, loaded: Loaded, *, on_ready: Callable[[], None] | None = None, reloads: bool = True
    ) -> None:
        self._loaded = loaded
        self._on_ready = on_ready
        self._reloads = reloads

    def hear(self, life: Life) -> None:
        """Signals are orders from now on."""
        self._life = life
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._end)
        loop.add_signal_handler(signal.SIGHUP, life.reload if self._reloads else self._end)

    def _end(self) -> None:
        if self._life.is_ending:
            os._exit(1)  # asked twice: at once. What was promised is on disk at any instant.
        self._life.end()

    def ready(self, listeners: int) -> None:
        """Every listener accepts."""
        log.event("ready", listeners=listeners, pid=os.getpid())
        systemd.ready("Serving")
        if self._on_ready is not None:
            self._on_ready()

    def reloading(self) -> None:
        """The configuration is being read."""
        systemd.reloading()

    def reloaded(self, loaded: Loaded) -> None:
        """It is in force."""
        tell_reloaded(loaded, self._loaded)

    def kept(self, trouble: Exception) -> None:
        """The old one stays in force."""
        tell_kept(trouble)

    def stopping(self) -> None:
        """The end has begun."""
        log.event("stopping")
        systemd.stopping()

    def stopped(self) -> None:
        """Everything is closed."""
        log.event("stopped")


def tell_reloaded(loaded: Loaded, at_start: Loaded) -> None:
    """Tell the log and the service manager that a new configuration is in force."""
    allow_descriptors(loaded.config)
    tell_of_the_rest(loaded, at_start)
    log.event("reloaded")
    systemd.ready("Serving")


def tell_kept(trouble: Exception) -> None:
    """Tell them that it is not, and why."""
    if isinstance(trouble, BadConfig):
        for mistake in trouble.mistakes:
            log.trouble("reload_failed", file=mistake.file, line=mistake.line, because=mistake.text)
        systemd.ready("Serving by the old configuration: the new one has mistakes")
        return
    log.trouble("reload_failed", because=trouble)
    systemd.ready("Serving by the old configuration: the new one cannot be used")


def own_data(loaded: Loaded) -> Owner:
    """The data directory, made where it is not there, for us alone. Raises BadConfig, AlreadyServed."""
    directory = data_directory(loaded)
    try:
        make_directory(directory)
        return Owner(directory)
    except CannotUse as trouble:
        raise BadConfig([Mistake(loaded.file, loaded.line("data"), str(trouble))]) from None
