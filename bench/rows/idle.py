"""Sessions that have said EHLO and then nothing: the memory each costs, and how long a new one waits meanwhile."""

from __future__ import annotations

import resource
import socket
import statistics
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final

from bench.contenders import Contender, Purpose
from bench.contenders.accounting import settle
from bench.options import Options, contenders_for, take_turns
from bench.results import Quantity, Results

_PROBES: Final = 50
_ALREADY: Final = 5  # what a server makes once is not charged to sessions
_COLUMNS: Final = (
    Quantity("held", "held"),
    Quantity("kib", "KiB each", 1, "less"),
    Quantity("greet_ms", "greeting, median ms", 2, "less"),
    Quantity("worst_ms", "worst ms", 2),
)


def idle(options: Options) -> Results:
    results = Results(
        "idle", "Idle SMTP sessions", "10,000 held at 20 KB each; a new one greeted in milliseconds", _COLUMNS
    )
    results.remark("memory is the growth of the proportional set size of the whole tree")
    contenders = contenders_for(Purpose.DISCARD, options, results)
    allow_files(options.held + 200)
    take_turns(results, "idle", contenders, options.rounds, lambda contender: _once(contender, options))
    return results


def allow_files(count: int) -> None:
    """Let this process and its children open so many. Raises ValueError where the machine forbids it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(hard, count)))


def _once(contender: Contender, options: Options) -> Mapping[str, float]:
    count = min(options.held, contender.most_sessions)
    with ExitStack() as stack:
        server = stack.enter_context(options.served(contender, Purpose.DISCARD))
        for _ in range(_ALREADY):
            stack.enter_context(_session(server.port))
        settle(server.account)
        before = server.account.memory()
        for _ in range(count - _ALREADY):
            stack.enter_context(_session(server.port))
        settle(server.account)
        grown = server.account.memory() - before
        waits = [_greeting_s(server.port) * 1e3 for _ in range(_PROBES)]
    return {
        "held": count,
        "kib": grown / 1024 / max(1, count - _ALREADY),
        "greet_ms": statistics.median(waits),
        "worst_ms": max(waits),
    }


def _session(port: int) -> socket.socket:
    """One that has been greeted, and has said hello."""
    one = socket.create_connection(("127.0.0.1", port), 60)
    _read_reply(one)
    one.sendall(b"EHLO idle.example\r\n")
    _read_reply(one)
    return one


def _greeting_s(port: int) -> float:
    began_s = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), 60) as one:
        _read_reply(one)
        took_s = time.perf_counter() - began_s
        one.sendall(b"QUIT\r\n")
        _read_reply(one)
    return took_s


def _read_reply(one: socket.socket) -> None:
    """To the end of its last line. Raises ConnectionError when it is no success."""
    reply = b""
    while not reply.endswith(b"\n") or reply.splitlines()[-1][3:4] == b"-":
        more = one.recv(4096)
        reply += more
        if not more or reply[:1] != b"2":
            raise ConnectionError(f"not welcome: {reply!r}")
