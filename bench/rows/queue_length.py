"""What a relayed message costs while others wait for a destination that is dead, by how many wait."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from bench.contenders import Contender, Purpose
from bench.contenders.accounting import settle
from bench.contenders.contender import DEAD_DOMAIN
from bench.load.sink import Sink
from bench.load.source import Load, run_load
from bench.one_run import observed
from bench.options import Options, contenders_for, take_turns
from bench.results import CPU, LOAD, OTHERS, RATE, Results

_SESSIONS: Final = 20
_ENDLESS: Final = 10**9
_LENGTHS: Final = (0, 1_000, 10_000, 30_000)
_QUICK_LENGTHS: Final = (100,)


def queue_length(options: Options) -> Results:
    results = Results(
        "queue-length",
        "Relaying 4 KB while others wait",
        "no dearer with a longer queue",
        (RATE, CPU, LOAD, OTHERS),
    )
    here = [one for one in contenders_for(Purpose.RELAY, options, results) if one.has_dead_domain]
    for length in _QUICK_LENGTHS if options.is_quick else _LENGTHS:
        case = f"{length:,} waiting"
        results.x[case] = length
        take_turns(
            results,
            case,
            here,
            options.rounds,
            lambda contender, length=length: _once(contender, length, options),  # type: ignore[misc]
        )
    return results


def _once(contender: Contender, length: int, options: Options) -> Mapping[str, float]:
    with ExitStack() as stack:
        sink = stack.enter_context(Sink(options.load_processes))
        server = stack.enter_context(options.served(contender, Purpose.RELAY, sink.port))
        load = Load(server.port, _SESSIONS, _ENDLESS)
        if length:
            run_load(replace(load, messages=length, size_bytes=1024, domain=DEAD_DOMAIN))
        warm = run_load(replace(load, messages=100))
        settle(server.account)
        return observed(Purpose.RELAY, server, sink, replace(load, seconds=options.seconds), warm, options)
