"""One of several equal processes: what it does from its birth by the supervisor on.

Implements  Orders (app.life), by the link with the supervisor.
Gives       Birth, run_worker.
Not here    Who starts, watches and replaces workers: app.supervisor.

When the link ends the supervisor is gone; then so is the worker, soon, that a new server may have the data directory.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from postel.app.brakes import Brakes
from postel.app.faults import faults_logged
from postel.app.life import TROUBLES, Life, log_settings
from postel.app.link import Link
from postel.app.loops import run_loop
from postel.app.part import Part
from postel.app.ports import OpenPorts, Sockets
from postel.config import BadConfig, Loaded, Mistake
from postel.net import parse_endpoint
from postel.observe import logger, start_logging, stop_logging
from postel.tls import ServerTls

log = logger("app")

ORPHAN_DRAIN_S: Final = 2.0  # how long sessions may take to end when the supervisor is gone


@dataclass(frozen=True, slots=True)
class Birth:
    """What a worker is born with."""

    part: Part
    loaded: Loaded
    read: Callable[[], Loaded]
    tls: ServerTls | None
    sockets: Sockets
    brakes: Brakes
    link: Link


def run_worker(birth: Birth) -> int:
    """Serve until told to end: the exit status. Troubles are told to the supervisor."""
    voice = start_logging(*log_settings(birth.loaded))
    try:
        with faults_logged():
            life = Life(
                loaded=birth.loaded,
                read=birth.read,
                tls=birth.tls,
                ports=OpenPorts(birth.sockets),
                voice=voice,
                orders=_LinkOrders(birth.link),
                part=birth.part,
                brakes=birth.brakes,
            )
            run_loop(life.run())
    except (BadConfig, *TROUBLES) as trouble:
        birth.link.send({"is": "failed", "because": "\n".join(words(trouble))})
        return 1
    except Exception as fault:
        log.fault("task_failed", fault, because="a worker ended by an exception")
        return 1
    finally:
        stop_logging(voice)
    return 0


def words(trouble: Exception) -> list[str]:
    """What is wrong, line by line."""
    return [str(each) for each in trouble.mistakes] if isinstance(trouble, BadConfig) else [str(trouble)]


class _LinkOrders:
    """Hears the supervisor."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def hear(self, life: Life) -> None:
        """The link gives orders from now on. A signal to end is for this worker alone; it will be replaced."""
        self._life = life
        loop = asyncio.get_running_loop()
        loop.add_reader(self._link, self._read)
        loop.add_signal_handler(signal.SIGTERM, life.end)
        for name in (signal.SIGINT, signal.SIGHUP):  # of a terminal: they reach the supervisor too
            loop.add_signal_handler(name, lambda: None)

    def _read(self) -> None:
        for message, sockets in self._link.receive():
            match message["do"]:
                case "reload":
                    places = map(parse_endpoint, message["at"])
                    self._life.reload(Sockets(zip(places, sockets, strict=True)))
                case "lost":
                    self._life.lost(message["number"])
                case "end":
                    self._life.end()
        if self._link.is_over:
            asyncio.get_running_loop().remove_reader(self._link)
            self._life.end(ORPHAN_DRAIN_S)

    def ready(self, listeners: int) -> None:
        """Every listener accepts."""
        self._link.send({"is": "ready"})

    def reloading(self) -> None:
        """The supervisor has told the world."""

    def reloaded(self, loaded: Loaded) -> None:
        """A new configuration is in force."""
        self._link.send({"is": "reloaded"})

    def kept(self, trouble: Exception) -> None:
        """The old one stays in force."""
        mistakes = trouble.mistakes if isinstance(trouble, BadConfig) else [Mistake("", 0, str(trouble))]
        told = [(mistake.file, mistake.line, mistake.text) for mistake in mistakes]
        self._link.send({"is": "kept", "mistakes": told})

    def stopping(self) -> None:
        """The supervisor knows, or is gone."""

    def stopped(self) -> None:
        """It will see our end."""


def forget_signals() -> None:
    """Right after the birth: what the supervisor hears is none of ours."""
    signal.set_wakeup_fd(-1)
    for name in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(name, signal.SIG_DFL)
    for name in (signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    os.umask(0o077)


__all__ = ["Birth", "forget_signals", "run_worker", "words"]
