"""What source and sink can do: ours against each other, and against Postfix's smtp-source and smtp-sink.

Gives       load.

Where both sinks take more from ours than any server of the other tables, the load is not what they measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from bench.load import postfix_load
from bench.load.postfix_load import SmtpSink, run_smtp_source
from bench.load.sink import Sink
from bench.load.source import Load, Sent, run_load
from bench.options import Options
from bench.results import RATE, Quantity, Results

_COLUMNS: Final = (
    RATE,
    Quantity("source_us", "source CPU µs each", 0),
    Quantity("sink_us", "sink CPU µs each", 0),
    Quantity("busy", "busiest process", 2),
)
_ENDLESS: Final = 10**9


def load(options: Options) -> Results:
    results = Results("load", "The load by itself, 4 KB", "several times what any server takes", _COLUMNS)
    sinks: dict[str, type[Sink | SmtpSink]] = {"our sink": Sink}
    sources = ["our source"]
    if why := postfix_load.missing():
        results.remark(f"not compared: {why}")
    else:
        sinks["smtp-sink"] = SmtpSink
        sources.append("smtp-source")
    for sessions in options.sessions:
        one = Load(0, sessions, _ENDLESS, seconds=options.seconds)
        for _ in range(options.rounds):
            for sink_name, make in sinks.items():
                rate = 2000.0
                for source in sources:
                    figures = _once(make, source, replace(one, messages=_enough(source, rate, one)), options)
                    rate = figures[RATE.key]
                    results.add(f"{sessions} sessions", f"{source}, {sink_name}", figures)
    return results


def _enough(source: str, rate: float, load: Load) -> int:
    """smtp-source knows no end but a number of messages: what ours sent in that time."""
    return _ENDLESS if source == "our source" else max(load.sessions, int(rate * load.seconds))


def _once(make: type[Sink | SmtpSink], source: str, load: Load, options: Options) -> Mapping[str, float]:
    with make() as sink:
        load = replace(load, port=sink.port)
        before = sink.cpu_s()
        sent: Sent = (
            run_load(load, options.load_processes) if source == "our source" else run_smtp_source(load)
        )
        sink_s = sink.cpu_s() - before
    each = 1e6 / max(1, sent.accepted)
    return {
        RATE.key: sent.accepted / sent.took_s,
        "source_us": sent.cpu_s * each,
        "sink_us": sink_s * each,
        "busy": max(sent.busy, sink_s / sent.took_s),
    }
