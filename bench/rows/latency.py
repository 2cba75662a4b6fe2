"""One message alone: from the connection to its 250, again and again, each on a connection of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from bench.contenders import Contender, Purpose
from bench.contenders.accounting import settle
from bench.load.source import Load, run_load
from bench.options import Options, contenders_for, take_turns
from bench.results import Quantity, Results

_WARM_UP: Final = 10
_MESSAGES: Final = 500  # at most: it may be over before, where time is short
_COLUMNS: Final = (
    Quantity("median_ms", "median ms", 2, "less"),
    Quantity("p99_ms", "99 % ms", 2, "less"),
)


def latency(options: Options) -> Results:
    results = Results("latency", "One message alone, 4 KB, connect to 250", "no worse than Postfix", _COLUMNS)
    contenders = contenders_for(Purpose.DISCARD, options, results)
    take_turns(results, "alone", contenders, options.rounds, lambda contender: _once(contender, options))
    return results


def _once(contender: Contender, options: Options) -> Mapping[str, float]:
    with options.served(contender, Purpose.DISCARD) as server:
        load = Load(server.port, sessions=1, messages=_WARM_UP, is_reused=False)
        run_load(load)
        settle(server.account)
        sent = run_load(replace(load, messages=_MESSAGES, seconds=options.seconds))
        return {"median_ms": sent.median_s * 1e3, "p99_ms": sent.p99_s * 1e3}
