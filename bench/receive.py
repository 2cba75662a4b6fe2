"""What it costs to receive a message over SMTP: one server process, and a client of our own in another.

    python bench/receive.py [--sessions 10 50 200] [--seconds 4] [--rounds 3] [--size 4096] [--mailbox]
    python bench/receive.py --beside ../other-checkout/src          # the ratio of this checkout to another
    python bench/receive.py --profile 40 --sessions 50              # where the server's loop spends its time

Sessions are reused and pipeline MAIL, RCPT and DATA, as a busy peer does. Mail goes to a domain whose route is
`discard`, or into a mailbox with --mailbox; scheduling, delivering and logging are part of the cost. Trust the
CPU of a message, as os.times() tells it of all threads of the server, and the ratios; messages a second depend
on the disk and on whoever else uses the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

HERE = str(Path(__file__).parents[1] / "src")
CONFIG = """\
hostname = "mx.example.org"
data = "data"
[[listen]]
protocol = "smtp"
address = "127.0.0.1:0"
[limits]
connections_per_address = 10000
"""
SINK = '[relay]\ndomains = ["example.org"]\n[route]\n"example.org" = "discard"\n'
MAILBOX = '[[domain]]\nname = "example.org"\n'
ENVELOPE = b"MAIL FROM:<kitt@free.example> SIZE=%d\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n"
HEADER = (
    b"From: Kitt <kitt@free.example>\r\nTo: Ann <ann@example.org>\r\nSubject: bench\r\n"
    b"Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <bench@free.example>\r\n\r\n"
)


# The server process


async def serve(folder: Path, is_mailbox: bool, profiler: cProfile.Profile | None) -> None:
    """Serve until standard input ends. A line there is answered with the CPU seconds used so far.

    The profile is that of the time between the first line and the second.
    """
    from postel.app import Postel, real_edges
    from postel.config import parse
    from postel.mail import parse_mailbox

    text = CONFIG + (MAILBOX if is_mailbox else SINK)
    postel = await Postel.open(parse(text, file="bench.toml", directory=folder, environment={}), real_edges())
    if is_mailbox:
        await postel.rooms.directory.add(parse_mailbox("ann@example.org"), "a password of ann")
    await postel.start()
    print(postel.listeners.bound[0].listener.endpoint.port, flush=True)
    ended = asyncio.Event()

    def asked() -> None:
        if not os.read(0, 4096):
            ended.set()
            return
        used = os.times()
        print(used.user + used.system, flush=True)
        if profiler is not None:
            profiler.disable() if profiler.getstats() else profiler.enable()

    asyncio.get_running_loop().add_reader(0, asked)
    await ended.wait()
    await postel.stop(2.0)


def run_server(folder: Path, is_mailbox: bool, profile: int) -> None:
    from postel.observe import start_logging, stop_logging

    profiler = cProfile.Profile(time.thread_time) if profile else None  # CPU, not waiting for a turn
    with open(os.devnull, "w") as nowhere:
        voice = start_logging(stream=nowhere)
        uvloop.run(serve(folder, is_mailbox, profiler))
        stop_logging(voice)
    if profiler is not None:
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(profile)


# The client process


class Session(asyncio.Protocol):
    """One connection that sends one message after the other."""

    def __init__(self, content: bytes) -> None:
        self.accepted = 0
        self._content = content
        self._envelope = ENVELOPE % len(content)
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.WriteTransport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        for line in lines:
            if line[3:4] == b" ":
                self._react(line)

    def _react(self, line: bytes) -> None:
        if line.startswith(b"220"):
            self.transport.write(b"EHLO client.example\r\n")
        elif line.startswith(b"354"):
            self.transport.write(self._content)
        elif line.startswith((b"250 HELP", b"250 2.0.0 queued")):
            self.accepted += line.startswith(b"250 2")
            self.transport.write(self._envelope)
        elif not line.startswith(b"250 2.1."):
            raise SystemExit(f"unexpected: {line!r}")


async def load(server: Server, sessions: int, seconds: float, size: int) -> tuple[float, float]:
    """Messages a second, and microseconds of the server's CPU for each."""
    lines = (size - len(HEADER)) // 78
    content = HEADER + (b"x" * 76 + b"\r\n") * lines + b".\r\n"
    loop = asyncio.get_running_loop()
    clients = [Session(content) for _ in range(sessions)]
    for client in clients:
        await loop.create_connection(lambda made=client: made, "127.0.0.1", server.port)  # type: ignore[misc]
    await asyncio.sleep(0.5)
    began_s, cpu_s, before = time.perf_counter(), server.cpu_s(), sum(one.accepted for one in clients)
    await asyncio.sleep(seconds)
    count = sum(one.accepted for one in clients) - before
    spent_s, cpu_s = time.perf_counter() - began_s, server.cpu_s() - cpu_s
    for client in clients:
        client.transport.abort()
    return count / spent_s, cpu_s / count * 1e6


class Server:
    """A server process of one checkout."""

    def __init__(self, source: str, folder: str, options: argparse.Namespace) -> None:
        command = [sys.executable, __file__, "--serve", folder, "--profile", str(options.profile)]
        self._process = subprocess.Popen(
            [*command, *(["--mailbox"] if options.mailbox else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": source},
        )
        self.port = int(self._told())

    def cpu_s(self) -> float:
        """CPU seconds used so far, by all its threads."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._told())

    def end(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)

    def _told(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


@contextmanager
def served(source: str, options: argparse.Namespace) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        server = Server(source, folder, options)
        try:
            yield server
        finally:
            server.end()


def once(source: str, sessions: int, options: argparse.Namespace) -> tuple[float, float]:
    with served(source, options) as server:
        return uvloop.run(load(server, sessions, options.seconds, options.size))


def measure(sources: list[str], sessions: int, options: argparse.Namespace) -> list[tuple[float, float]]:
    """The medians for each checkout; rounds take turns, so that all suffer alike from other programs."""
    rounds = [[once(source, sessions, options) for source in sources] for _ in range(options.rounds)]
    return [
        (statistics.median(rate for rate, _ in column), statistics.median(cpu for _, cpu in column))
        for column in zip(*rounds, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, nargs="*", default=[10, 50, 200])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--mailbox", action="store_true", help="deliver into a mailbox, not nowhere")
    parser.add_argument("--beside", help="the src directory of another checkout")
    parser.add_argument("--directory", type=Path, help="on the disk to measure")
    parser.add_argument("--profile", type=int, default=0, help="print so many rows of the server's profile")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        run_server(options.serve, options.mailbox, options.profile)
        return
    sources = [HERE, options.beside] if options.beside else [HERE]
    print(
        f"{'sessions':>8}{'messages/s':>14}{'CPU us':>10}"
        + "     beside them     ratio of CPU" * bool(options.beside)
    )
    for sessions in options.sessions:
        results = measure(sources, sessions, options)
        line = f"{sessions:8}{results[0][0]:14.0f}{results[0][1]:10.0f}"
        if options.beside:
            line += f"{results[1][0]:10.0f}{results[1][1]:10.0f}{results[0][1] / results[1][1]:13.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
