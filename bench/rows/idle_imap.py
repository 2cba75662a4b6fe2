"""IMAP sessions that wait, of each kind: the memory that one costs, and how long a new one waits meanwhile."""

from __future__ import annotations

import ssl
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from typing import Final

from bench.contenders.accounting import settle
from bench.contenders.imap_servers import IMAP_SERVERS, Served, served
from bench.load.imap import Client
from bench.options import Options
from bench.results import Quantity, Results
from bench.rows.idle import allow_files

_PROBES: Final = 50
_ALREADY: Final = 5  # what a server makes once is not charged to sessions
_LETTERS: Final = 1000
_NOTIFY: Final = b"NOTIFY SET (selected (MessageNew MessageExpunge)) (personal (MessageNew MessageExpunge))"
_COLUMNS: Final = (
    Quantity("held", "held"),
    Quantity("kib", "KiB each", 1, "less"),
    Quantity("greet_ms", "greeting, median ms", 2, "less"),
    Quantity("worst_ms", "worst ms", 2),
)


def _greeted(there: Served) -> Client:
    return Client(there.imap)


def _encrypted(there: Served) -> Client:
    """TLS, and nobody logged in."""
    client = Client(there.imap)
    client.ask(b"STARTTLS")
    client.encrypt(_trusting())
    return client


def _trusting() -> ssl.SSLContext:
    """Whoever is measured has made his certificate himself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _logged_in(there: Served) -> Client:
    return there.client()


def _idling(there: Served) -> Client:
    client = there.client()
    client.ask(b"SELECT INBOX")
    client.idle()
    return client


def _notified(there: Served) -> Client:
    client = there.client()
    client.ask(b"SELECT INBOX")
    client.ask(_NOTIFY)
    return client


def _compressed(there: Served) -> Client:
    """Idling behind COMPRESS: what the client says from there on is deflated by hand."""
    client = there.client()
    client.ask(b"SELECT INBOX")
    client.ask(b"COMPRESS DEFLATE")
    client.send(client.deflated(b"i IDLE\r\n"))
    client.drop()
    return client


KINDS: Final[Mapping[str, Callable[[Served], Client]]] = {
    "greeted": _greeted,
    "greeted, TLS": _encrypted,
    "logged in": _logged_in,
    f"IDLE, {_LETTERS:,} letters": _idling,
    f"IDLE, {_LETTERS:,} letters, COMPRESS": _compressed,
    f"NOTIFY, {_LETTERS:,} letters": _notified,
}


def idle_imap(options: Options) -> Results:
    results = Results(
        "idle-imap", "Idle IMAP sessions", "thousands held; a new one greeted in milliseconds", _COLUMNS
    )
    results.remark("memory is the growth of the proportional set size of the whole tree")
    allow_files(options.held + 200)
    wanted = [name for name in IMAP_SERVERS if not options.peers or name in options.peers]
    for kind, begin in KINDS.items():
        for _ in range(options.rounds):
            for name in wanted:
                try:
                    results.add(kind, name, _once(name, begin, options))
                except (OSError, RuntimeError, TimeoutError) as fault:
                    results.remark(f"{kind}, {name}: {fault}")
    return results


def _once(name: str, begin: Callable[[Served], Client], options: Options) -> Mapping[str, float]:
    with ExitStack() as stack:
        letters = min(_LETTERS, options.held)
        there = stack.enter_context(served(name, options.directory, letters))
        count = min(options.held, IMAP_SERVERS[name].most_sessions)
        for _ in range(_ALREADY):
            stack.enter_context(closing(begin(there)))
        settle(there.account)
        before = there.account.memory()
        for _ in range(count - _ALREADY):
            stack.enter_context(closing(begin(there)))
        settle(there.account)
        grown = there.account.memory() - before
        waits = [_greeting_s(there) * 1e3 for _ in range(_PROBES)]
    return {
        "held": count,
        "kib": grown / 1024 / max(1, count - _ALREADY),
        "greet_ms": statistics.median(waits),
        "worst_ms": max(waits),
    }


def _greeting_s(there: Served) -> float:
    began_s = time.perf_counter()
    with closing(Client(there.imap)) as client:
        took_s = time.perf_counter() - began_s
        client.ask(b"LOGOUT")
    return took_s
