"""Letters delivered by LMTP to one mailbox: letters a second until they lie there, and CPU for each until all that
follows is done.

Gives       lmtp.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from bench.contenders.accounting import machine_busy_s, settle
from bench.contenders.imap_servers import IMAP_SERVERS, Served, served
from bench.load.source import Load, run_load
from bench.options import Options
from bench.results import CPU, LOAD, OTHERS, RATE, Quantity, Results

_COLUMNS: Final = (
    RATE,
    CPU,
    Quantity("median_ms", "250 after ms", 1, "less"),
    Quantity("rested_ms", "at rest, ms each", 2, "less"),
    LOAD,
    OTHERS,
    Quantity("refused", "refused"),
)
_WARM_UP: Final = 50
_SESSIONS: Final = (1, 10)
_PATIENCE_S: Final = 60.0  # for what is done after a delivery


def lmtp(options: Options) -> Results:
    results = Results("lmtp", "Delivering 13.5 KB by LMTP", "8 times Dovecot", _COLUMNS, rival="dovecot")
    wanted = [name for name in IMAP_SERVERS if not options.peers or name in options.peers]
    number = options.letters[0]
    for sessions in _SESSIONS:
        for _ in range(options.rounds):
            for name in wanted:
                case = f"{sessions} session{'s'[: sessions > 1]}, {number:,} letters"
                try:
                    with served(name, options.directory) as there:
                        results.add(case, name, _once(there, sessions, number))
                except (OSError, RuntimeError) as fault:
                    results.remark(f"{name} was not measured: {fault}")
    return results


def _once(there: Served, sessions: int, number: int) -> Mapping[str, float]:
    warm_up = min(_WARM_UP, number)
    run_load(Load(there.lmtp, sessions, warm_up, is_letters=True))
    there.wait_for(warm_up)
    settle(there.account)
    cpu, busy_s, began_s = there.account.cpu(), machine_busy_s(), time.perf_counter()
    sent = run_load(Load(there.lmtp, sessions, number, is_letters=True, first=1 + warm_up))
    took_s = sent.took_s + there.wait_for(warm_up + sent.accepted)
    arrived_s = time.perf_counter()
    rested_s = max(settle(there.account, _PATIENCE_S), arrived_s)
    used = there.account.cpu() - cpu
    others_s = machine_busy_s() - busy_s - used.total_s - sent.cpu_s
    each = 1 / max(1, sent.accepted)
    return {
        RATE.key: sent.accepted / took_s,
        CPU.key: used.total_s * each * 1e6,
        "median_ms": sent.median_s * 1e3,
        "rested_ms": (took_s + rested_s - arrived_s) * each * 1e3,
        LOAD.key: sent.busy,
        OTHERS.key: max(0.0, others_s) / (rested_s - began_s),
        "refused": sent.refused,
    }
