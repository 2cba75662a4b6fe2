"""The server as a process: logging, ports, privileges.

Gives       run_server, run_loop, CannotStart, AccountPlan.
Not here    What happens once the loop runs: app.life. Several processes: app.supervisor.

    read configuration -> read certificate -> open privileged ports -> give up root -> run
"""

from __future__ import annotations

import logging.handlers
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from postel.app import privileges
from postel.app.certificate import read_certificate
from postel.app.descriptors import allow_descriptors
from postel.app.faults import faults_logged
from postel.app.life import TROUBLES, AccountPlan, Life, log_settings, read_checked
from postel.app.loops import run_loop
from postel.app.outside import OutsideOrders, own_data
from postel.app.ports import OpenPorts
from postel.app.postel import data_directory
from postel.app.supervisor import Supervisor, WorkerFailed
from postel.config import BadConfig, Loaded
from postel.observe import logger, start_logging, stop_logging

__all__ = ["AccountPlan", "CannotStart", "run_loop", "run_server"]

log = logger("app")


class CannotStart(Exception):
    """The server cannot start; the text says why and what to do, a line for each thing."""


def run_server(
    read: Callable[[], Loaded],
    *,
    accounts: Sequence[AccountPlan] = (),
    on_ready: Callable[[], None] | None = None,
    reloads: bool = True,
) -> None:
    """Serve until a signal ends it. Raises CannotStart.

    read      reads the configuration; called again for SIGHUP. It may raise BadConfig.
    on_ready  called when every listener accepts.
    reloads   False: SIGHUP ends the server, as it does programs whose terminal goes away.
    """
    with _troubles_told():
        loaded = read_checked(read)
        if loaded.config.workers > 1:
            Supervisor(loaded, read, on_ready).run(_give_up_root)
        else:
            _serve_alone(loaded, read, accounts, OutsideOrders(loaded, on_ready=on_ready, reloads=reloads))


def _serve_alone(
    loaded: Loaded, read: Callable[[], Loaded], accounts: Sequence[AccountPlan], orders: OutsideOrders
) -> None:
    with _logging(loaded) as voice, faults_logged(), closing(OpenPorts()) as ports:
        allow_descriptors(loaded.config)
        tls = read_certificate(loaded)
        ports.open_privileged(loaded)
        _give_up_root(loaded)
        os.umask(0o077)
        life = Life(
            loaded=loaded, read=read, tls=tls, ports=ports, voice=voice, accounts=accounts, orders=orders
        )
        with closing(own_data(loaded)):
            run_loop(life.run())


@contextmanager
def _logging(loaded: Loaded) -> Iterator[logging.handlers.QueueListener]:
    voice = start_logging(*log_settings(loaded))
    try:
        yield voice
    finally:
        stop_logging(voice)


@contextmanager
def _troubles_told() -> Iterator[None]:
    """What an operator can mend is said in sentences, without a traceback."""
    try:
        yield
    except BadConfig as bad:
        raise CannotStart("\n".join(map(str, bad.mistakes))) from None
    except OSError as trouble:
        where = f"{trouble.filename}: " if trouble.filename else ""
        raise CannotStart(f"postel: {where}{trouble.strerror or trouble}") from None
    except (*TROUBLES, privileges.CannotBecome, WorkerFailed) as trouble:
        raise CannotStart(f"postel: {trouble}") from None


def _give_up_root(loaded: Loaded) -> None:
    if os.geteuid() != 0:
        return
    user = loaded.config.user or privileges.default_user()
    if user is None:
        because = 'there is no user postel; make one (useradd --system postel), or name one: user = "…"'
        log.trouble("running_as_root", because=because)
    elif user != "root":
        privileges.make_over(data_directory(loaded), user)
        privileges.become(user)
