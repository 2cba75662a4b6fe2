"""A sink: takes every message, keeps none, counts. One or more processes that share a port.

It offers PIPELINING, 8BITMIME and SIZE, as a plain server does.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from typing import Final, cast

_HELLO: Final = b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 4000000000\r\n"
_END: Final = b"\r\n.\r\n"


class _Connection(asyncio.Protocol):
    def __init__(self, sink: _Counter) -> None:
        self._sink = sink
        self._buffer = bytearray()
        self._is_content = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(b"220 sink.example ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._content() if self._is_content else self._command():
            pass

    def _content(self) -> bool:
        end = self._buffer.find(_END)
        if end < 0:
            del self._buffer[:-4]
            return False
        del self._buffer[: end + len(_END)]
        self._is_content = False
        self._sink.count += 1
        self._transport.write(b"250 2.0.0 taken\r\n")
        return True

    def _command(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            return False
        verb = bytes(self._buffer[:4]).upper()
        del self._buffer[: end + 2]
        if verb == b"EHLO":
            self._transport.write(_HELLO)
        elif verb == b"DATA":
            self._is_content = True
            self._buffer[:0] = b"\r\n"
            self._transport.write(b"354 go on\r\n")
        elif verb == b"QUIT":
            self._transport.write(b"221 2.0.0 bye\r\n")
            self._transport.close()
        else:
            self._transport.write(b"250 2.0.0 ok\r\n")
        return True


class _Counter:
    count = 0


async def _serve(address: str, port: int) -> None:
    counter = _Counter()
    loop = asyncio.get_running_loop()
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    door.bind((address, port))
    server = await loop.create_server(lambda: _Connection(counter), sock=door, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    ended = asyncio.Event()

    def asked() -> None:
        if sys.stdin.readline():
            print(counter.count, time.process_time(), flush=True)
        else:
            ended.set()

    loop.add_reader(0, asked)
    await ended.wait()


class _Process:
    def __init__(self, address: str, port: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load.sink", address, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.port = int(self._told())

    def end(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def counts(self) -> tuple[int, float]:
        assert self._process.stdin
        self._process.stdin.write("?\n")
        self._process.stdin.flush()
        count, cpu_s = self._told().split()
        return int(count), float(cpu_s)

    def _told(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


class Sink:
    """The processes; a context manager. `port` is where they listen, by default one that is free."""

    def __init__(self, processes: int = 1, address: str = "127.0.0.1", port: int = 0) -> None:
        self._wanted = processes
        self._address = address
        self.port = port

    def __enter__(self) -> Sink:
        self._processes: list[_Process] = []
        for _ in range(self._wanted):
            self._processes.append(_Process(self._address, self.port))
            self.port = self._processes[0].port
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.end()

    def count(self) -> int:
        """Messages taken so far."""
        return sum(process.counts()[0] for process in self._processes)

    def cpu_s(self) -> float:
        """Seconds of processor time of the busiest process so far."""
        return max(process.counts()[1] for process in self._processes)


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(sys.argv[1], int(sys.argv[2])))
