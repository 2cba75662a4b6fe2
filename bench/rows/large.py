"""One large message: how fast it passes through to the sink, and how much memory the server takes for it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Final

from bench.contenders import Contender, Purpose, Running
from bench.contenders.accounting import settle
from bench.load.sink import Sink
from bench.options import Options, contenders_for, take_turns
from bench.results import Quantity, Results

MB: Final = 1 << 20
_BLOCK: Final = (b"x" * 62 + b"\r\n") * (MB // 64)
_LOOK_S: Final = 0.05
_COLUMNS: Final = (
    Quantity("grown_mb", "memory grows by MB", 1, "less"),
    Quantity("accept_mb", "accepted MB/s", 0, "more"),
    Quantity("through_mb", "through MB/s", 0, "more"),
    Quantity("cpu_s", "CPU s", 1, "less"),
)


def large(options: Options) -> Results:
    title = f"One message of {options.large_mb} MB, relayed"
    results = Results("large", title, "passes, memory grows by less than 10 MB", _COLUMNS)
    contenders = contenders_for(Purpose.RELAY, options, results)
    take_turns(results, "large", contenders, options.rounds, lambda contender: _once(contender, options))
    return results


def _once(contender: Contender, options: Options) -> Mapping[str, float]:
    with ExitStack() as stack:
        sink = stack.enter_context(Sink())
        limit = (options.large_mb + 1) * MB
        server = stack.enter_context(options.served(contender, Purpose.RELAY, sink.port, limit))
        _send(server.port, 1)  # what a server makes once is not charged to the message
        _wait_for(sink, 1)
        settle(server.account)
        cpu, before, began_s = server.account.cpu(), server.account.memory(), time.perf_counter()
        with _watched(server) as most:
            _send(server.port, options.large_mb)
            accepted_s = time.perf_counter() - began_s
            _wait_for(sink, 2)
            through_s = time.perf_counter() - began_s
        return {
            "grown_mb": (max(most) - before) / MB,
            "accept_mb": options.large_mb / accepted_s,
            "through_mb": options.large_mb / through_s,
            "cpu_s": (server.account.cpu() - cpu).total_s,
        }


@contextmanager
def _watched(server: Running) -> Iterator[list[int]]:
    """The memory of the server, looked at again and again by a thread."""
    seen, ended = [server.account.memory()], threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK_S):
            seen.append(server.account.memory())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _send(port: int, megabytes: int) -> None:
    """Raises ConnectionError when it is refused."""
    with socket.create_connection(("127.0.0.1", port), 600) as one:
        reader = one.makefile("rb")
        _expect(reader.readline, b"220")
        for line, code in (
            (b"HELO client.example", b"250"),
            (b"MAIL FROM:<kitt@free.example>", b"250"),
            (b"RCPT TO:<ann@example.org>", b"250"),
            (b"DATA", b"354"),
        ):
            one.sendall(line + b"\r\n")
            _expect(reader.readline, code)
        one.sendall(b"Subject: large\r\n\r\n")
        for _ in range(megabytes):
            one.sendall(_BLOCK)
        one.sendall(b".\r\n")
        _expect(reader.readline, b"250")
        one.sendall(b"QUIT\r\n")
        reader.readline()


def _expect(readline: object, code: bytes) -> None:
    line = readline()  # type: ignore[operator]
    if not line.startswith(code):
        raise ConnectionError(f"refused: {line!r}")


def _wait_for(sink: Sink, wanted: int) -> None:
    """Raises TimeoutError."""
    ends_s = time.perf_counter() + 600
    while sink.count() < wanted:
        if time.perf_counter() > ends_s:
            raise TimeoutError("it has not come through")
        time.sleep(0.01)
