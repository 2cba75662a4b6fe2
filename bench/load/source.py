"""A load source: so many SMTP sessions at once, each sending one message after the other.

Commands go one by one, as smtp-source sends them, unless they are to be pipelined. Run as a program it waits for a
line on standard input, runs the load that its argument (a Load as JSON) describes, and prints what came of it as JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, cast

from bench.load.letters import LETTERS_ALIKE, letter

HEADER: Final = (
    b"From: Kitt <kitt@free.example>\r\nTo: Ann <ann@example.org>\r\nSubject: bench\r\n"
    b"Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <%d@free.example>\r\n\r\n"
)
_PATIENCE_S: Final = 15.0  # a server that answers nobody for so long will not
_LINE: Final = b"x" * 76 + b"\r\n"


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent.

    sessions       open at once.
    messages       at most, in all.
    seconds        after which no new message begins; 0 is no limit.
    size_bytes     of each, about.
    is_reused      a session sends many messages; else each message has a connection of its own.
    is_pipelined   MAIL, RCPT and DATA in one write.
    domain         of the recipient.
    is_letters     by LMTP, letters of all sizes (bench.load.letters) in place of one that is repeated.
    first          number of the first of them.
    """

    port: int
    sessions: int
    messages: int
    size_bytes: int = 4096
    is_reused: bool = True
    is_pipelined: bool = False
    seconds: float = 0.0
    domain: str = "example.org"
    is_letters: bool = False
    first: int = 1


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of it: messages that got their 250, and those that did not; seconds from the first connection to
    the last reply; of the latencies of each message, from its connection or its MAIL to its 250, the median and
    that which one in a hundred exceeds, in seconds.

    busy    the share of a processor that the busiest process of the load used: near 1, it is the limit.
    """

    accepted: int
    refused: int
    took_s: float
    median_s: float
    p99_s: float
    cpu_s: float
    busy: float


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._rest = b""
        self._began_s = time.perf_counter()
        self._next = self._after_greeting
        self._replies = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        for line in lines:
            if line[3:4] == b" ":
                self._next(line)

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.connection_ended(self._next != self._after_quit)

    def _say(self, line: bytes, then: object) -> None:
        self._transport.write(line)
        self._next = then  # type: ignore[assignment]

    def _after_greeting(self, line: bytes) -> None:
        if line[:1] != b"2":
            self._say(b"QUIT\r\n", self._after_quit)
            self._run.refused += 1
        else:
            hello = b"LHLO" if self._run.load.is_letters else b"EHLO"
            self._say(hello + b" client.example\r\n", self._after_hello)

    def _after_hello(self, line: bytes) -> None:
        self._begin(is_first=True)

    def _begin(self, *, is_first: bool) -> None:
        number = self._run.take(is_first or self._run.load.is_reused)
        if number is None:
            self._say(b"QUIT\r\n", self._after_quit)
            return
        if not is_first:
            self._began_s = time.perf_counter()
        self._content = self._run.content(number)
        if self._run.load.is_pipelined:
            self._replies = 0
            both = self._run.recipient + b"DATA\r\n"
            self._say(b"MAIL FROM:<kitt@free.example>\r\n" + both, self._after_group)
        else:
            self._say(b"MAIL FROM:<kitt@free.example>\r\n", self._after_mail)

    def _after_group(self, line: bytes) -> None:
        self._replies += 1
        if self._replies == 3:
            self._after_data(line)

    def _after_mail(self, line: bytes) -> None:
        self._say(self._run.recipient, self._after_rcpt)

    def _after_rcpt(self, line: bytes) -> None:
        self._say(b"DATA\r\n", self._after_data)

    def _after_data(self, line: bytes) -> None:
        if line[:1] == b"3":
            self._say(self._content, self._after_content)
        else:
            self._after_content(line)

    def _after_content(self, line: bytes) -> None:
        self._run.answered(line[:1] == b"2", time.perf_counter() - self._began_s)
        if self._run.load.is_reused:
            self._begin(is_first=False)
        else:
            self._say(b"QUIT\r\n", self._after_quit)

    def _after_quit(self, line: bytes) -> None:
        self._transport.close()


class _Run:
    """All connections of one load."""

    def __init__(self, load: Load) -> None:
        self.load = load
        lines = max(0, load.size_bytes - len(HEADER)) // len(_LINE)
        self.recipient = f"RCPT TO:<ann@{load.domain}>\r\n".encode()
        self.body = _LINE * lines + b".\r\n"
        if load.is_letters:
            for number in range(LETTERS_ALIKE):  # made before anybody waits
                letter(number)
        self.accepted = 0
        self.refused = 0
        self._given = 0
        self._waiting = 0  # connections that have not begun their first message
        self._latencies: list[float] = []
        self._open = 0
        self._ends_s = float("inf")
        self._heard_s = time.perf_counter()
        self._done = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def content(self, number: int) -> bytes:
        """What is sent as this message, with its end."""
        if self.load.is_letters:
            return letter(number) + b".\r\n"
        return (HEADER % number) + self.body

    def take(self, may: bool) -> int | None:
        """The next message's number, while there is one."""
        if not may or self._given >= self.load.messages or self._is_over():
            return None
        self._given += 1
        return self.load.first - 1 + self._given

    def _is_over(self) -> bool:
        return time.perf_counter() >= self._ends_s

    async def _is_over_soon(self) -> bool:
        try:
            await asyncio.wait_for(self._done.wait(), 1)
        except TimeoutError:
            return False
        return True

    def answered(self, is_accepted: bool, took_s: float) -> None:
        self._heard_s = time.perf_counter()
        self.accepted += is_accepted
        self.refused += not is_accepted
        self._latencies.append(took_s)

    def connection_ended(self, is_unexpected: bool) -> None:
        self._heard_s = time.perf_counter()
        self._open -= 1
        self.refused += is_unexpected
        self._fill()

    def _fill(self) -> None:
        while (
            self._open < self.load.sessions
            and self._given + self._waiting < self.load.messages
            and not self._is_over()
        ):
            self._open += 1
            self._waiting += 1
            task = asyncio.get_running_loop().create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if not self._open:
            self._done.set()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: _Client(self), "127.0.0.1", self.load.port)
            self._waiting -= 1
        except OSError:
            self._waiting -= 1
            self._given += 1
            self.connection_ended(True)

    async def run(self) -> Sent:
        began_s, cpu_s = time.perf_counter(), time.process_time()
        if self.load.seconds:
            self._ends_s = began_s + self.load.seconds
        self._fill()
        while not await self._is_over_soon():
            if time.perf_counter() - self._heard_s > _PATIENCE_S:
                self.refused += self._open  # a server that answers no more; its last reply was the end
                break
        took_s, spent_s = max(1e-6, self._heard_s - began_s), time.process_time() - cpu_s
        latencies = sorted(self._latencies) or [0.0]
        median_s, p99_s = (latencies[int(len(latencies) * share)] for share in (0.5, 0.99))
        return Sent(self.accepted, self.refused, took_s, median_s, p99_s, spent_s, spent_s / took_s)


class Source:
    """A process that is ready to run a load. It begins at `go`."""

    def __init__(self, load: Load) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load.source", json.dumps(asdict(load))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        self._process.stdout.readline()  # "ready"

    def go(self) -> None:
        assert self._process.stdin
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def result(self) -> Sent:
        out, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError("the load source failed")
        return Sent(**json.loads(out))


def run_load(load: Load, processes: int = 1) -> Sent:
    """Run it, shared between so many processes, and add up."""
    share = [
        replace(load, sessions=max(1, load.sessions // processes), messages=-(-load.messages // processes))
        for _ in range(min(processes, load.sessions))
    ]
    sources = [Source(one) for one in share]
    for source in sources:
        source.go()
    return _sum([source.result() for source in sources])


def _sum(parts: Sequence[Sent]) -> Sent:
    return Sent(
        sum(one.accepted for one in parts),
        sum(one.refused for one in parts),
        max(one.took_s for one in parts),
        max(one.median_s for one in parts),
        max(one.p99_s for one in parts),
        sum(one.cpu_s for one in parts),
        max(one.busy for one in parts),
    )


def main() -> None:
    import uvloop

    load = Load(**json.loads(sys.argv[1]))

    async def run() -> Sent:
        made = _Run(load)
        print("ready", flush=True)
        sys.stdin.readline()
        return await made.run()

    print(json.dumps(asdict(uvloop.run(run()))))


if __name__ == "__main__":
    main()
