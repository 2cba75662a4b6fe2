"""What a connection costs: memory when idle, and octets a second, beside asyncio's own streams.

    python bench/net.py [--uvloop] [--connections 4000] [--megabytes 200] [--rounds 20000]

The numbers of one run are comparable with each other only: read the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import uvloop

from postel.net import Endpoint, Stream, TcpNetwork

ANY = Endpoint("127.0.0.1", 0)
BLOCK = bytes(16384)


def resident_kib() -> int:
    """The memory of this process that is in RAM."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


async def ours(stream: Stream) -> None:
    """An echo on our streams, with the timeout that every session has."""
    while data := await stream.read(300):
        await stream.write(data, 300)


async def theirs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The same on asyncio's streams."""
    with contextlib.suppress(asyncio.CancelledError):  # else 3.11 complains at the end
        while data := await asyncio.wait_for(reader.read(65536), 300):
            writer.write(data)
            await asyncio.wait_for(writer.drain(), 300)
    writer.close()


async def serve(kind: str) -> int:
    """Start the echo server of this kind; its port."""
    if kind == "ours":
        return (await TcpNetwork().listen(ANY, ours)).endpoint.port
    server = await asyncio.start_server(theirs, "127.0.0.1", 0, backlog=2048)
    return int(server.sockets[0].getsockname()[1])


async def traced(kind: str, arguments: argparse.Namespace) -> float:
    """KiB that Python allocates for each accepted connection that waits for its peer."""
    return await idle(kind, arguments.connections, traced_kib)


async def resident(kind: str, arguments: argparse.Namespace) -> float:
    """KiB of RAM for each, with what C libraries allocate."""
    return await idle(kind, arguments.connections, resident_kib)


def traced_kib() -> float:
    """What Python has allocated since it began to be traced."""
    if not tracemalloc.is_tracing():
        tracemalloc.start()
    return tracemalloc.get_traced_memory()[0] / 1024


async def idle(kind: str, connections: int, used_kib: Callable[[], float]) -> float:
    port = await serve(kind)
    clients = [await opened(port) for _ in range(100)]  # what is made once is not counted
    await asyncio.sleep(0.1)
    gc.collect()
    before = used_kib()
    clients += [await opened(port) for _ in range(connections)]
    await asyncio.sleep(0.2)
    gc.collect()
    after = used_kib()
    for client in clients:
        client.close()
    return (after - before) / connections


async def opened(port: int) -> socket.socket:
    """A plain socket connected to the server, so that only the server's side is measured."""
    client = socket.socket()
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
    return client


CLIENT = """
import socket, sys, threading
port, total, size = map(int, sys.argv[1:])
client = socket.create_connection(("127.0.0.1", port))
block = bytes(size)
def send():
    for _ in range(total // size):
        client.sendall(block)
threading.Thread(target=send).start()
left = total // size * size
while left:
    left -= len(client.recv(262144))
"""

PING = """
import socket, sys
port, rounds = map(int, sys.argv[1:])
client = socket.create_connection(("127.0.0.1", port))
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for _ in range(rounds):
    client.sendall(b"NOOP\\r\\n")
    client.recv(100)
"""


async def megabytes(kind: str, arguments: argparse.Namespace) -> float:
    """MB a second, echoed."""
    total = arguments.megabytes << 20
    return float(arguments.megabytes) / min([await timed(CLIENT, kind, total, len(BLOCK)) for _ in range(3)])


async def commands(kind: str, arguments: argparse.Namespace) -> float:
    """Commands a second, one after the other."""
    return float(arguments.rounds) / min([await timed(PING, kind, arguments.rounds) for _ in range(3)])


async def timed(program: str, kind: str, *numbers: int) -> float:
    """Seconds that a client process needs against a server of this kind."""
    port = await serve(kind)
    began = time.perf_counter()
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(port), *map(str, numbers), stdout=subprocess.DEVNULL
    )
    await client.wait()
    return time.perf_counter() - began


MEASURES = {
    "idle, traced KiB": traced,
    "idle, resident KiB": resident,
    "MB/s": megabytes,
    "commands/s": commands,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--uvloop", action="store_true")
    parser.add_argument("--connections", type=int, default=4000)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20_000)
    parser.add_argument("--one", nargs=2, metavar=("KIND", "MEASURE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        kind, name = arguments.one
        factory = uvloop.new_event_loop if arguments.uvloop else asyncio.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            print(runner.run(MEASURES[name](kind, arguments)))
        return
    print(f"{'':22}{'ours':>10}{'asyncio':>10}{'ratio':>8}")
    for name in MEASURES:
        mine, other = (alone(kind, name) for kind in ("ours", "asyncio"))
        print(f"{name:22}{mine:10.1f}{other:10.1f}{mine / other:8.2f}", flush=True)


def alone(kind: str, name: str) -> float:
    """One number, measured in a process of its own, so that none inherits another's heap."""
    return float(subprocess.check_output([sys.executable, *sys.argv, "--one", kind, name]))


if __name__ == "__main__":
    main()
