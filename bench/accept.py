"""Accepting, relaying, delivering: messages a second and CPU for each, all contenders taking turns.

    python -m bench accept  [--peers postel postfix] [--sessions 10 50 200] [--new] [--size 4096]
    python -m bench relay | mailbox

A message counts for `accept` when its 250 has come; for `relay` when the sink has it; for `mailbox` when the
mailbox has it (where the server can tell; else, as for `accept`, until its processes rest).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from bench.contenders import Contender, Purpose, Running, Setting, installed
from bench.contenders.contender import Cpu, cpu_of
from bench.load.sink import Sink
from bench.load.source import Load, Sent, run_load

_REST_S = 0.3  # a server that used no CPU for so long has nothing left to do


@dataclass(frozen=True, slots=True)
class Figure:
    """One run. rate: messages a second; cpu_us: of the server, for each; load_busy: the share of a processor that
    the load source used (near 1 for each of its processes: it is the limit)."""

    rate: float
    cpu_us: float
    user_us: float
    load_busy: float
    refused: int


def once(contender: Contender, purpose: Purpose, load: Load, options: argparse.Namespace) -> Figure:
    """Start the server, warm it up, measure, stop it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.directory)))
        sink = stack.enter_context(Sink()) if purpose is Purpose.RELAY else None
        setting = Setting(folder, purpose, sink.port if sink else 0, options.workers)
        server = contender.start(setting)
        stack.callback(server.stop)
        load = replace(load, port=server.port)
        run_load(replace(load, messages=load.messages // 10 or 1))
        _settle(server)
        before, arrived = cpu_of(server.root()), sink.count() if sink else 0
        began_s = time.perf_counter()
        sent = run_load(load, options.load_processes)
        took_s = sent.took_s
        if sink is not None:
            while sink.count() < arrived + sent.accepted and time.perf_counter() - began_s < 120:
                time.sleep(0.02)
            took_s = time.perf_counter() - began_s
        elif purpose is Purpose.MAILBOX:
            took_s = _settle(server) - began_s
        _settle(server)
        return _figure(sent, took_s, cpu_of(server.root()) - before)


def _figure(sent: Sent, took_s: float, cpu: Cpu) -> Figure:
    count = max(1, sent.accepted)
    return Figure(
        sent.accepted / took_s,
        cpu.total_s / count * 1e6,
        cpu.user_s / count * 1e6,
        sent.cpu_s / sent.took_s,
        sent.refused,
    )


def _settle(server: Running) -> float:
    """Wait until the server rests; when its rest began (perf_counter)."""
    last, since_s = cpu_of(server.root()).total_s, time.perf_counter()
    while time.perf_counter() - since_s < _REST_S:
        time.sleep(0.05)
        used = cpu_of(server.root()).total_s
        if used - last > 0.02:
            last, since_s = used, time.perf_counter()
    return since_s


def measure(purpose: Purpose, options: argparse.Namespace) -> None:
    """Print the table."""
    contenders = installed(options.peers)
    print(f"{purpose}; {options.size} octets; {'a connection each' if options.new else 'connections reused'}")
    print(f"{'':24}" + "".join(f"{count:>27} sessions" for count in options.sessions))
    print(f"{'':24}" + "".join(f"{'msg/s':>12}{'CPU us':>9}{'user':>7}{'load':>8}" for _ in options.sessions))
    columns = [_column(contenders, purpose, sessions, options) for sessions in options.sessions]
    for row, contender in enumerate(contenders):
        print(f"{contender.name:24}" + "".join(_cell(column[row]) for column in columns))


def _column(
    contenders: Sequence[Contender], purpose: Purpose, sessions: int, options: argparse.Namespace
) -> list[Figure]:
    """The medians for each contender; rounds take turns, so that all suffer alike from other programs."""
    load = Load(0, sessions, options.messages, options.size, not options.new, options.pipelined)
    rounds = [[once(one, purpose, load, options) for one in contenders] for _ in range(options.rounds)]
    return [
        Figure(
            statistics.median(one.rate for one in column),
            statistics.median(one.cpu_us for one in column),
            statistics.median(one.user_us for one in column),
            statistics.median(one.load_busy for one in column),
            sum(one.refused for one in column),
        )
        for column in zip(*rounds, strict=True)
    ]


def _cell(figure: Figure) -> str:
    refused = f" ({figure.refused} refused)" if figure.refused else ""
    return f"{figure.rate:12.0f}{figure.cpu_us:9.0f}{figure.user_us:7.0f}{figure.load_busy:8.2f}{refused}"
