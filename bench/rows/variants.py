"""Postel beside itself: one worker and two, a hook that does nothing and none.

Gives       workers, hook, told_apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.contenders import Purpose
from bench.contenders.postel import PostelContender
from bench.load.source import Load
from bench.one_run import once
from bench.options import Options, take_turns
from bench.results import CPU, LOAD, OTHERS, RATE, Results

_ENDLESS: Final = 10**9
_COLUMNS: Final = (RATE, CPU, LOAD, OTHERS)


def workers(options: Options) -> Results:
    results = Results(
        "workers",
        "One worker and two, 4 KB",
        "1.6 times one worker where processors are the limit",
        _COLUMNS,
    )
    pair = [PostelContender("1 worker"), PostelContender("2 workers", workers=2)]
    _compare(results, pair, (Purpose.DISCARD, Purpose.RELAY), options)
    return told_apart(results, pair)


def hook(options: Options) -> Results:
    results = Results("hook", "A hook that does nothing, asked at RCPT", "costs less than 5 %", _COLUMNS)
    pair = [PostelContender("no hook"), PostelContender("a hook", has_hook=True)]
    _compare(results, pair, (Purpose.DISCARD,), options)
    return told_apart(results, pair)


def _compare(
    results: Results, pair: Sequence[PostelContender], purposes: Sequence[Purpose], options: Options
) -> None:
    here = [one for one in pair if not one.missing()]
    for one in pair:
        if why := one.missing():
            results.remark(f"{one.name} was not measured: {why}")
    for purpose in purposes:
        for sessions in options.sessions:
            load = Load(0, sessions, _ENDLESS)
            take_turns(
                results,
                f"{purpose.name.lower()}, {sessions} sessions",
                here,
                options.rounds,
                lambda contender, purpose=purpose, load=load: once(contender, purpose, load, options),  # type: ignore[misc]
            )


def told_apart(results: Results, pair: Sequence[PostelContender]) -> Results:
    """The second beside the first, in words: there is no Postfix in this table."""
    first, second = pair
    for case in results.samples:
        rates = [results.median(case, one.name, RATE.key) for one in (first, second)]
        costs = [results.median(case, one.name, CPU.key) for one in (first, second)]
        if None not in rates and None not in costs:
            a, b, c, d = (value or 1.0 for value in (*rates, *costs))
            results.remark(
                f"{case}: {second.name} does {b / a:.2f} times the messages/s of {first.name}, "
                f"at {d / c:.2f} times its CPU for each"
            )
    return results
