"""One run of a load against one server: how many messages a second, and what each cost.

Gives       once, observed.

A message counts when its 250 has come; where it is relayed, when the sink has it; where it is delivered, when the
mailbox has it (where the server can tell; else when its processes rest). CPU is that of all the server's processes
until they rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from bench.contenders import Contender, Purpose, Running
from bench.contenders.accounting import machine_busy_s, settle
from bench.load.postfix_load import run_smtp_source
from bench.load.sink import Sink
from bench.load.source import Load, Sent, run_load
from bench.options import Options
from bench.results import CPU, LOAD, OTHERS, RATE

_PATIENCE_S: Final = 30.0
_WARM_UP_S: Final = 0.5


def once(contender: Contender, purpose: Purpose, load: Load, options: Options) -> Mapping[str, float]:
    """Start the server, warm it up, measure, stop it."""
    with ExitStack() as stack:
        sink = stack.enter_context(Sink(options.load_processes)) if purpose is Purpose.RELAY else None
        server = stack.enter_context(options.served(contender, purpose, sink.port if sink else 0))
        load = replace(load, port=server.port, seconds=options.seconds)
        warm = run_load(replace(load, seconds=min(_WARM_UP_S, options.seconds)), options.load_processes)
        _wait_for(_arrivals(purpose, server, sink), warm.accepted)
        settle(server.account)
        return observed(purpose, server, sink, load, warm, options)


def observed(
    purpose: Purpose, server: Running, sink: Sink | None, load: Load, warm: Sent, options: Options
) -> Mapping[str, float]:
    """The load itself. Where mail goes on, it is over when all has arrived."""
    arrivals = _arrivals(purpose, server, sink)
    arrived = arrivals() if arrivals else 0
    meter = _Meter(server, sink)
    sent = _send(load, warm, options)
    count, took_s = sent.accepted, sent.took_s
    if arrivals is not None:
        count = _wait_for(arrivals, arrived + sent.accepted) - arrived
        took_s = meter.passed_s()
    rested_s = settle(server.account)
    if purpose is Purpose.MAILBOX and arrivals is None:
        took_s = max(took_s, rested_s - meter.began_s)
    return meter.figures(sent, count, took_s)


class _Meter:
    """What is used from its making on."""

    def __init__(self, server: Running, sink: Sink | None) -> None:
        self._server, self._sink = server, sink
        self._cpu, self._busy_s = server.account.cpu(), machine_busy_s()
        self._sink_s = sink.cpu_s() if sink else 0.0
        self.began_s = time.perf_counter()

    def passed_s(self) -> float:
        return time.perf_counter() - self.began_s

    def figures(self, sent: Sent, count: int, took_s: float) -> Mapping[str, float]:
        cpu, all_s = self._server.account.cpu() - self._cpu, machine_busy_s() - self._busy_s
        sink_s = self._sink.cpu_s() - self._sink_s if self._sink else 0.0
        each = 1e6 / max(1, count)
        return {
            RATE.key: count / took_s,
            CPU.key: cpu.total_s * each,
            LOAD.key: max(sent.busy, sink_s / took_s),
            OTHERS.key: max(0.0, all_s - cpu.total_s - sent.cpu_s - sink_s) / self.passed_s(),
            "user_us": cpu.user_s * each,
            "refused": sent.refused,
            "median_ms": sent.median_s * 1e3,
            "p99_ms": sent.p99_s * 1e3,
        }


def _send(load: Load, warm: Sent, options: Options) -> Sent:
    if options.load == "ours":
        return run_load(load, options.load_processes)
    wanted = warm.accepted / warm.took_s * load.seconds
    return run_smtp_source(replace(load, messages=max(load.sessions, int(wanted))))


def _arrivals(purpose: Purpose, server: Running, sink: Sink | None) -> Callable[[], int] | None:
    """How many messages have reached their end; None where nobody can tell."""
    if sink is not None:
        return sink.count
    if purpose is not Purpose.MAILBOX or server.delivered() is None:
        return None
    return lambda: server.delivered() or 0


def _wait_for(arrivals: Callable[[], int] | None, wanted: int) -> int:
    """How many have arrived: all, or what came within a time that is enough."""
    if arrivals is None:
        return wanted
    ends_s = time.perf_counter() + _PATIENCE_S
    while (count := arrivals()) < wanted and time.perf_counter() < ends_s:
        time.sleep(0.02)
    return count
