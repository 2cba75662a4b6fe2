"""Several equal processes as one server: starts workers, watches them, passes on what is asked of the server.

Gives       Supervisor, WorkerFailed.
Not here    What a worker does: app.worker. The line to it: app.link. Their sockets: app.shared_ports.

    open all ports -> give up root -> own the data directory -> first worker -> the others -> ready
    a worker ends unasked: started anew, at once if it had lived for a while, else by and by
    SIGHUP: new ports, then every worker reads the configuration anew      SIGTERM: every worker drains

The supervisor has no thread and no event loop, so that it can fork; the data directory is its own and, by birth, that
of its workers: no other server gets it before the last of them is gone. When it is killed they see their links end.
"""

from __future__ import annotations

import gc
import logging.handlers
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, NoReturn

from postel.app import systemd
from postel.app.brakes import shared_brakes
from postel.app.certificate import read_certificate, read_certificate_again
from postel.app.descriptors import allow_descriptors
from postel.app.faults import faults_logged
from postel.app.life import TROUBLES, log_settings, read_checked
from postel.app.link import Link, Message, linked_pair
from postel.app.outside import own_data, tell_kept, tell_reloaded
from postel.app.part import Part
from postel.app.ports import OpenPorts
from postel.app.shared_ports import Port, SharedPorts
from postel.app.worker import Birth, forget_signals, run_worker
from postel.config import BadConfig, Loaded, Mistake
from postel.observe import change_logging, log_at_once, logger, stop_logging
from postel.queue import Crew

log = logger("app")

BACK_OFF_S: Final = (
    0.0,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    30.0,
)  # before a start, by the number of failures in a row
LIVED_S: Final = 60.0  # a worker that has lived so long has not failed
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class WorkerFailed(Exception):
    """A worker cannot start; the text says why."""


@dataclass(slots=True)
class _Worker:
    """The place of a worker, and who has it now. `pid` is 0 while nobody has."""

    number: int
    pid: int = 0
    link: Link | None = None
    born_at: float = 0.0
    start_at: float = 0.0
    failures: int = 0
    is_ready: bool = False
    because: str = ""
    serial: int = 0  # of who has the place: greater than that of all before


@dataclass(slots=True)
class _Reload:
    """A reload under way: what is to be in force, who was told last, and who is to be told."""

    loaded: Loaded
    new: list[Port]
    left: list[_Worker]
    waits_for: _Worker | None = None
    mistakes: list[Mistake] = field(default_factory=list)


class Supervisor:
    """One server of several processes."""

    def __init__(
        self, loaded: Loaded, read: Callable[[], Loaded], on_ready: Callable[[], None] | None = None
    ) -> None:
        self._at_start = self._loaded = loaded
        self._read = read
        self._on_ready = on_ready
        self._workers = [_Worker(number) for number in range(loaded.config.workers)]
        self._selector = selectors.DefaultSelector()
        self._reload: _Reload | None = None
        self._is_reload_wanted = False
        self._is_ready = False
        self._is_ending = False
        self._serial = 0
        self._brakes = shared_brakes()

    def run(self, give_up_root: Callable[[Loaded], None]) -> None:
        """Serve until a signal ends it. Raises BadConfig, WorkerFailed, and TROUBLES of app.life."""
        with ExitStack() as stack:
            self._voice = stack.enter_context(_logging(self._loaded))
            stack.enter_context(faults_logged())
            before = stack.enter_context(closing(OpenPorts()))
            allow_descriptors(self._loaded.config)
            self._tls = read_certificate(self._loaded)
            self._ports = stack.enter_context(closing(SharedPorts(len(self._workers), before)))
            self._ports.open(self._loaded, only_privileged=True)
            give_up_root(self._loaded)
            os.umask(0o077)
            self._ports.open(self._loaded)
            before.close_others()
            stack.enter_context(closing(own_data(self._loaded)))
            stack.enter_context(self._signals_heard())
            self._watch()
            log.event("stopped")

    # The loop

    def _watch(self) -> None:
        try:
            while not (self._is_ending and not any(worker.pid for worker in self._workers)):
                self._start_due()
                for key, _ in self._selector.select(self._wait_s()):
                    key.data()
                self._give_up_if_hopeless()
        except BaseException:
            self._kill_all()
            raise

    def _wait_s(self) -> float | None:
        waiting = [worker.start_at for worker in self._startable()]
        return max(0.0, min(waiting) - time.monotonic()) if waiting else None

    def _startable(self) -> list[_Worker]:
        """Places without a worker; until the first one is ready, nobody else's: it makes what all need.

        While a reload is under way nobody is born: it would not be known with which configuration.
        """
        if self._is_ending or self._reload is not None:
            return []
        places = self._workers if self._is_ready or self._workers[0].is_ready else self._workers[:1]
        return [worker for worker in places if not worker.pid]

    def _start_due(self) -> None:
        now = time.monotonic()
        for worker in self._startable():
            if worker.start_at <= now:
                self._start(worker)

    def _give_up_if_hopeless(self) -> None:
        failed = next((worker for worker in self._workers if worker.because), None)
        if failed is not None and not self._is_ready:
            raise WorkerFailed(failed.because)

    # Workers

    def _start(self, worker: _Worker) -> None:
        ours, theirs = linked_pair()
        self._serial += 1
        gc.freeze()  # what is there now stays shared with the worker for longer
        pid = os.fork()
        if pid == 0:
            ours.close()
            self._be(worker.number, theirs)
        theirs.close()
        worker.pid, worker.link, worker.born_at, worker.is_ready = pid, ours, time.monotonic(), False
        worker.serial = self._serial
        self._selector.register(ours, selectors.EVENT_READ, lambda: self._hear(worker))
        log.event("worker_started", worker=worker.number, pid=pid)

    def _be(self, number: int, link: Link) -> NoReturn:
        """In the new process: leave behind what is the supervisor's, and serve."""
        status = 1
        try:
            forget_signals()
            self._selector.close()
            for end in self._wakening:
                end.close()
            for other in self._workers:
                if other.link is not None:
                    other.link.close()
            self._ports.close_those_of_others(number)
            stop_logging(self._voice)
            part = Part(number, len(self._workers), self._crew(number))
            sockets = self._ports.of(number)
            status = run_worker(Birth(part, self._loaded, self._read, self._tls, sockets, self._brakes, link))
        finally:
            with suppress(OSError, ValueError):
                sys.stderr.flush()
            os._exit(status)  # nothing that is on the stack is this process's business

    def _crew(self, number: int) -> Crew:
        living = frozenset(other.serial for other in self._workers[1:] if other.pid)
        return Crew(self._serial, number == 0, living, is_first=self._serial == 1)

    def _hear(self, worker: _Worker) -> None:
        link = worker.link
        if link is None:
            return  # its end was heard with another event of the same turn
        for message, _ in link.receive():
            self._take(worker, message)
        if link.is_over:
            self._selector.unregister(link)
            link.close()
            worker.link = None

    def _take(self, worker: _Worker, message: Message) -> None:
        match message["is"]:
            case "ready":
                worker.is_ready = True
                self._tell_when_ready()
            case "failed":
                worker.because = message["because"]
            case "reloaded":
                self._answered(worker, [])
            case "kept":
                self._answered(worker, [Mistake(*each) for each in message["mistakes"]])

    def _tell_when_ready(self) -> None:
        if self._is_ready or not all(worker.is_ready for worker in self._workers):
            return
        self._is_ready = True
        log.event("ready", listeners=len(self._ports), workers=len(self._workers), pid=os.getpid())
        systemd.ready("Serving")
        if self._on_ready is not None:
            self._on_ready()
        self._reload_again()

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                for worker in self._workers:
                    if worker.pid == pid:
                        self._ended(worker, os.waitstatus_to_exitcode(status))

    def _ended(self, worker: _Worker, code: int) -> None:
        if worker.link is not None:
            self._hear(worker)  # its last words
        now = time.monotonic()
        pid, worker.pid, worker.is_ready = worker.pid, 0, False
        if self._is_ending:
            return
        worker.failures = 0 if now - worker.born_at >= LIVED_S else worker.failures + 1
        wait_s = BACK_OFF_S[min(max(worker.failures - 1, 0), len(BACK_OFF_S) - 1)]
        worker.start_at = now + wait_s
        because = worker.because or _end_words(code)
        log.trouble("worker_ended", worker=worker.number, pid=pid, because=because, again_in_s=wait_s)
        worker.because = "" if self._is_ready else because
        self._tell_scheduler(worker.serial)
        self._answered(worker, [])

    def _tell_scheduler(self, serial: int) -> None:
        """What a dead helper had in hand is due; the scheduler that comes after a dead one finds out by itself."""
        if (link := self._workers[0].link) is not None:
            link.send({"do": "lost", "number": serial})

    # Signals

    @contextmanager
    def _signals_heard(self) -> Iterator[None]:
        self._wakening = socket.socketpair()
        for end in self._wakening:
            end.setblocking(False)
        self._selector.register(self._wakening[0], selectors.EVENT_READ, self._take_signals)
        for name in _SIGNALS:
            signal.signal(name, lambda *_: None)
        signal.set_wakeup_fd(self._wakening[1].fileno())
        try:
            yield
        finally:
            signal.set_wakeup_fd(-1)
            for end in self._wakening:
                end.close()
            self._selector.close()

    def _take_signals(self) -> None:
        with suppress(BlockingIOError):
            for number in self._wakening[0].recv(4096):
                if number == signal.SIGCHLD:
                    self._reap()
                elif number == signal.SIGHUP:
                    self._want_reload()
                else:
                    self._end()

    def _end(self) -> None:
        if self._is_ending:
            self._kill_all()  # asked twice: at once. What was promised is on disk at any instant.
            os._exit(1)
        self._is_ending = True
        log.event("stopping")
        systemd.stopping()
        self._ports.close()
        self._order({"do": "end"})

    def _order(self, message: Message) -> None:
        for worker in self._workers:
            if worker.link is not None:
                worker.link.send(message)

    def _kill_all(self) -> None:
        for worker in self._workers:
            if worker.pid:
                with suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)

    # Reloading

    def _want_reload(self) -> None:
        """One at a time; what is asked for meanwhile is one more."""
        if self._reload is not None or not self._is_ready:
            self._is_reload_wanted = True
            return
        systemd.reloading()
        try:
            loaded = read_checked(self._read)
        except (BadConfig, *TROUBLES) as trouble:
            tell_kept(trouble)
            return
        new = self._ports.open_new(loaded)
        # The one that schedules comes last: what the others file until then is sorted anew by it.
        self._reload = _Reload(loaded, new, [*self._workers[1:], self._workers[0]])
        self._go_on_reloading()

    def _answered(self, worker: _Worker, mistakes: list[Mistake]) -> None:
        reload = self._reload
        if reload is not None and reload.waits_for is worker:
            reload.mistakes = reload.mistakes or mistakes
            self._go_on_reloading()

    def _go_on_reloading(self) -> None:
        """Tell the next worker; a configuration that one cannot use is not tried with the others."""
        reload = self._reload
        assert reload is not None
        while reload.left and not reload.mistakes:
            reload.waits_for = worker = reload.left.pop(0)
            if worker.link is not None:
                places = [str(port.wanted) for port in reload.new]
                sockets = [port.sockets[worker.number] for port in reload.new]
                worker.link.send({"do": "reload", "at": places}, sockets)
                return
        self._finish_reload(reload)

    def _finish_reload(self, reload: _Reload) -> None:
        self._reload = None
        if reload.mistakes:
            tell_kept(BadConfig(reload.mistakes))
        else:
            self._bring_into_force(reload.loaded)
        self._ports.close_unwanted(self._loaded)
        self._reload_again()

    def _reload_again(self) -> None:
        if self._is_reload_wanted and not self._is_ending:
            self._is_reload_wanted = False
            self._want_reload()

    def _bring_into_force(self, loaded: Loaded) -> None:
        """For workers that are started from now on; the others have it already."""
        with suppress(BadConfig):  # a worker has read it a moment ago
            self._tls = read_certificate_again(loaded, self._loaded, self._tls)
        self._loaded = loaded
        change_logging(self._voice, *log_settings(loaded))
        tell_reloaded(loaded, self._at_start)


@contextmanager
def _logging(loaded: Loaded) -> Iterator[logging.handlers.QueueListener]:
    voice = log_at_once(*log_settings(loaded))
    try:
        yield voice
    finally:
        stop_logging(voice)


def _end_words(code: int) -> str:
    if code < 0:
        with suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"it ended by itself, with status {code}"
