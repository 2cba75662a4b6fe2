"""A long queue, half of whose destinations are dead: the start, the memory, and what a fresh message feels of it.

Only Postel is measured here: to fill another server's queue by SMTP would take hours. `queue-length` compares.
"""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from bench.contenders import Purpose, Setting
from bench.contenders.accounting import accounted
from bench.contenders.contender import HOSTNAME, Foreground, environment, free_port
from bench.contenders.postel import PostelContender
from bench.load.name_server import ADDRESSES, NameServer
from bench.load.sink import Sink
from bench.options import Options, take_turns
from bench.results import Quantity, Results
from bench.rows.large import MB

_PROBES: Final = 20
_QUICK_PROBES: Final = 2
_PAUSE_S: Final = 0.5
_COLUMNS: Final = (
    Quantity("fill", "filled/s", 0),
    Quantity("start_s", "start s", 2),
    Quantity("memory_mb", "memory MB, most", 0),
    Quantity("fresh_s", "fresh message, median s", 3),
    Quantity("worst_s", "worst s", 3),
    Quantity("drained", "others relayed/s meanwhile", 0),
    Quantity("cpu", "processors used", 2),
)
_CONFIG: Final = """\
hostname = "{hostname}"
data = "data"
[[listen]]
protocol = "smtp"
address = "127.0.0.1:{port}"
[relay]
networks = ["127.0.0.0/8"]
[dns]
servers = ["127.0.0.1:{name_server}"]
[delivery]
port = {sink}
allow_loopback = true
"""


def backlog(options: Options) -> Results:
    results = Results(
        "backlog",
        f"A queue of {options.queued:,} messages for {options.destinations:,} destinations, half of them dead",
        "starts in seconds, memory bounded, a fresh message for a living destination leaves within a second",
        _COLUMNS,
    )
    results.remark(
        "all of the queue is due at the start; the fresh ones are for destinations that have nothing else"
    )
    for queued in (options.queued,) if options.is_quick else (0, options.queued):
        take_turns(
            results,
            f"{queued:,} queued",
            [PostelContender()],
            1,
            lambda _, queued=queued: _once(queued, options),  # type: ignore[misc]
        )
    return results


def _once(queued: int, options: Options) -> Mapping[str, float]:
    with ExitStack() as stack:
        folder, account = stack.enter_context(options.folder()), stack.enter_context(accounted())
        sink = stack.enter_context(Sink(address=ADDRESSES["living.example"]))
        probes = stack.enter_context(Sink(address=ADDRESSES["probe.example"], port=sink.port))
        stack.enter_context(_silence(sink.port))
        names = stack.enter_context(NameServer())
        port = free_port()
        (folder / "postel.toml").write_text(
            _CONFIG.format(hostname=HOSTNAME, port=port, name_server=names.port, sink=sink.port)
        )
        fill_s = _fill(folder / "postel.toml", queued, options.destinations)
        began_s = time.perf_counter()
        postel = Path(sys.executable).with_name("postel")
        command = [str(postel), "--config", str(folder / "postel.toml"), "serve"]
        server = Foreground(command, port, Setting(folder, Purpose.RELAY, account))
        stack.callback(server.stop)
        start_s = time.perf_counter() - began_s
        fresh, memory = _probe(server, probes, _QUICK_PROBES if options.is_quick else _PROBES)
        took_s = time.perf_counter() - began_s
        return {
            "fill": queued / fill_s,
            "start_s": start_s,
            "memory_mb": memory / MB,
            "fresh_s": statistics.median(fresh),
            "worst_s": max(fresh),
            "drained": sink.count() / took_s,
            "cpu": server.account.cpu().total_s / took_s,
        }


def _fill(config: Path, queued: int, destinations: int) -> float:
    """Seconds that it took."""
    began_s = time.perf_counter()
    command = [sys.executable, "-m", "bench.load.backlog", str(config), str(queued), str(destinations)]
    subprocess.run(command, check=True, env=environment())
    return time.perf_counter() - began_s


def _probe(server: Foreground, probes: Sink, count: int) -> tuple[list[float], int]:
    """Seconds from the 250 of each fresh message to its arrival; the most memory seen meanwhile, in octets."""
    waits, memory = [], 0
    for number in range(count):
        before = probes.count()
        _submit(server.port, f"ann@p{number}.probe.example")
        began_s = time.perf_counter()
        while probes.count() == before and time.perf_counter() - began_s < 60:
            time.sleep(0.002)
        waits.append(time.perf_counter() - began_s)
        memory = max(memory, server.account.memory())
        time.sleep(_PAUSE_S)
    return waits, memory


def _submit(port: int, mailbox: str) -> None:
    """Raises ConnectionError when it is refused."""
    with socket.create_connection(("127.0.0.1", port), 60) as one:
        reader = one.makefile("rb")
        words = ["", "HELO client.example", "MAIL FROM:<kitt@free.example>", f"RCPT TO:<{mailbox}>", "DATA"]
        for word in (*words, "Subject: fresh\r\n\r\nfresh\r\n."):
            one.sendall(f"{word}\r\n".encode() if word else b"")
            line = reader.readline()
            if line[:1] not in b"23":
                raise ConnectionError(f"refused: {line!r}")


@contextmanager
def _silence(port: int) -> Iterator[None]:
    """A port that never answers: it listens, accepts nothing, and as many as it lets wait are waiting."""
    address = (ADDRESSES["silent.example"], port)
    with ExitStack() as stack:
        door = stack.enter_context(socket.socket())
        door.bind(address)
        door.listen(0)
        for _ in range(3):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(address)
        yield
