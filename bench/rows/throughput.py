"""Accepting, relaying, delivering: messages a second, and CPU for each.

Gives       accept, accept_large, relay, relay_large, mailbox, sizes, once, observed, settle.

A message counts for `accept` when its 250 has come; for `relay` when the sink has it; for `mailbox` when the mailbox
has it (where the server can tell; else when its processes rest). CPU is that of the whole process tree until it rests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from bench.contenders import Contender, Purpose, Running
from bench.load.postfix_load import run_smtp_source
from bench.load.sink import Sink
from bench.load.source import Load, Sent, run_load
from bench.options import Options, contenders_for, take_turns
from bench.results import CPU, LOAD, RATE, Quantity, Results

_REST_S: Final = 0.3  # a server that used no CPU for so long has nothing left to do
_PATIENCE_S: Final = 30.0
_UNREST_S: Final = 10.0  # one that does not rest for so long never will
_WARM_UP_S: Final = 0.5
_ENDLESS: Final = 10**9
KIB: Final = 1024
_COLUMNS: Final = (RATE, CPU, LOAD, Quantity("refused", "refused"))


def accept(options: Options) -> Results:
    results = Results(
        "accept", "Accepting 4 KB", "6 times Postfix (10 sessions: 4 times), an eighth of its CPU", _COLUMNS
    )
    return _by_sessions(results, Purpose.DISCARD, 4 * KIB, options, options.new)


def accept_large(options: Options) -> Results:
    results = Results("accept-large", "Accepting 100 KB", "3 times Postfix", _COLUMNS)
    return _by_sessions(results, Purpose.DISCARD, 100 * KIB, options)


def relay(options: Options) -> Results:
    results = Results("relay", "Relaying 4 KB, end to end", "5 times Postfix, a sixth of its CPU", _COLUMNS)
    return _by_sessions(results, Purpose.RELAY, 4 * KIB, options)


def relay_large(options: Options) -> Results:
    results = Results(
        "relay-large", "Relaying 100 KB, end to end", "2 times Postfix, a sixth of its CPU", _COLUMNS
    )
    return _by_sessions(results, Purpose.RELAY, 100 * KIB, options)


def mailbox(options: Options) -> Results:
    results = Results("mailbox", "Accepting 4 KB and delivering to a mailbox", "6 times Postfix", _COLUMNS)
    return _by_sessions(results, Purpose.MAILBOX, 4 * KIB, options)


def sizes(options: Options) -> Results:
    """Cost against message size."""
    results = Results("sizes", "Accepting, by the size of the message", "none; a plot", _COLUMNS)
    contenders = contenders_for(Purpose.DISCARD, options, results)
    for size in options.sizes or (1 * KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, 1024 * KIB):
        case = f"{size // KIB} KB"
        results.x[case] = size / KIB
        _measure(results, case, contenders, Purpose.DISCARD, Load(0, 20, _ENDLESS, size), options)
    return results


def _by_sessions(
    results: Results, purpose: Purpose, size: int, options: Options, new: Sequence[bool] = (False,)
) -> Results:
    contenders = contenders_for(purpose, options, results)
    for is_new in new:
        for sessions in options.sessions:
            for octets in options.sizes or (size,):
                case = f"{sessions} sessions, {'new' if is_new else 'reused'}"
                case += f", {octets // KIB} KB" if len(options.sizes) > 1 else ""
                results.x[case] = sessions
                load = Load(0, sessions, _ENDLESS, octets, not is_new, options.pipelined)
                _measure(results, case, contenders, purpose, load, options)
    return results


def _measure(
    results: Results,
    case: str,
    contenders: Sequence[Contender],
    purpose: Purpose,
    load: Load,
    options: Options,
) -> None:
    take_turns(
        results, case, contenders, options.rounds, lambda contender: once(contender, purpose, load, options)
    )


def once(contender: Contender, purpose: Purpose, load: Load, options: Options) -> Mapping[str, float]:
    """Start the server, warm it up, measure, stop it."""
    with ExitStack() as stack:
        sink = stack.enter_context(Sink(options.load_processes)) if purpose is Purpose.RELAY else None
        server = stack.enter_context(options.served(contender, purpose, sink.port if sink else 0))
        load = replace(load, port=server.port, seconds=options.seconds)
        warm = run_load(replace(load, seconds=min(_WARM_UP_S, options.seconds)), options.load_processes)
        _wait_for(_arrivals(purpose, server, sink), warm.accepted)
        settle(server)
        return observed(purpose, server, sink, load, warm, options)


def observed(
    purpose: Purpose, server: Running, sink: Sink | None, load: Load, warm: Sent, options: Options
) -> Mapping[str, float]:
    """The load itself. Where mail goes on, it is over when all has arrived."""
    arrivals = _arrivals(purpose, server, sink)
    before, arrived, sink_s = (
        server.account.cpu(),
        arrivals() if arrivals else 0,
        sink.cpu_s() if sink else 0.0,
    )
    began_s = time.perf_counter()
    sent = _send(load, warm, options)
    count, took_s = sent.accepted, sent.took_s
    if arrivals is not None:
        count = _wait_for(arrivals, arrived + sent.accepted) - arrived
        took_s = time.perf_counter() - began_s
    busy = max(sent.busy, (sink.cpu_s() - sink_s) / took_s if sink else 0.0)
    rested_s = settle(server)
    if purpose is Purpose.MAILBOX and arrivals is None:
        took_s = max(took_s, rested_s - began_s)
    cpu = server.account.cpu() - before
    each = 1e6 / max(1, count)
    figures = {RATE.key: count / took_s, CPU.key: cpu.total_s * each, "user_us": cpu.user_s * each}
    return figures | {
        LOAD.key: busy,
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


def settle(server: Running) -> float:
    """Wait until the server rests; when its rest began (perf_counter)."""
    last, since_s = server.account.cpu().total_s, time.perf_counter()
    ends_s = since_s + _UNREST_S
    while (now_s := time.perf_counter()) - since_s < _REST_S and now_s < ends_s:
        time.sleep(0.05)
        used = server.account.cpu().total_s
        if used - last > 0.02:
            last, since_s = used, time.perf_counter()
    return since_s
