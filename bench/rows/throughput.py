"""Accepting, relaying, delivering: messages a second, and CPU for each.

Gives       accept, accept_large, relay, relay_large, mailbox, sizes.
Not here    What is counted, and until when (bench.one_run).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bench.contenders import Contender, Purpose
from bench.load.source import Load
from bench.one_run import once
from bench.options import Options, contenders_for, take_turns
from bench.results import CPU, LOAD, OTHERS, RATE, Quantity, Results

_ENDLESS: Final = 10**9
KIB: Final = 1024
_COLUMNS: Final = (RATE, CPU, LOAD, OTHERS, Quantity("refused", "refused"))


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
