"""The rows of the goals, one function each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bench.options import Options
from bench.plots import Plot
from bench.results import CPU, RATE, Results
from bench.rows.backlog import backlog
from bench.rows.idle import idle
from bench.rows.idle_imap import idle_imap
from bench.rows.imap import imap
from bench.rows.imap_beside import imap_beside
from bench.rows.large import large
from bench.rows.latency import latency
from bench.rows.lmtp import lmtp
from bench.rows.load import load
from bench.rows.queue_length import queue_length
from bench.rows.throughput import accept, accept_large, mailbox, relay, relay_large, sizes
from bench.rows.variants import hook, workers

ROWS: Final[Mapping[str, Callable[[Options], Results]]] = {
    "load": load,
    "accept": accept,
    "accept-large": accept_large,
    "relay": relay,
    "relay-large": relay_large,
    "mailbox": mailbox,
    "latency": latency,
    "idle": idle,
    "backlog": backlog,
    "large": large,
    "workers": workers,
    "hook": hook,
    "sizes": sizes,
    "queue-length": queue_length,
    "idle-imap": idle_imap,
    "imap": imap,
    "imap-beside": imap_beside,
    "lmtp": lmtp,
}
_SESSIONS: Final = "sessions"
PLOTS: Final[Mapping[str, tuple[Plot, ...]]] = {
    "accept": (
        Plot(
            "accept-reused",
            "Accepted, 4 KB, connections reused",
            _SESSIONS,
            "messages/s",
            RATE.key,
            only="reused",
        ),
        Plot(
            "accept-new", "Accepted, 4 KB, a connection each", _SESSIONS, "messages/s", RATE.key, only="new"
        ),
    ),
    "relay": (Plot("relay", "Relayed end to end, 4 KB", _SESSIONS, "messages/s", RATE.key),),
    "mailbox": (Plot("mailbox", "Accepted and delivered, 4 KB", _SESSIONS, "messages/s", RATE.key),),
    "sizes": (Plot("sizes", "Cost of accepting, by size", "KB", "CPU µs each", CPU.key, is_log_x=True),),
    "queue-length": (
        Plot(
            "queue-length",
            "Cost of relaying, by queue",
            "messages waiting",
            "CPU µs each",
            CPU.key,
            is_log_x=True,
        ),
    ),
}

__all__ = ["PLOTS", "ROWS"]
