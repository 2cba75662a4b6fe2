"""Real sockets, on asyncio's loop and on uvloop's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import uvloop

from postel.net import READ_LIMIT, ConnectionLost, DialFailed, Endpoint, Stream, TcpNetwork, TimedOut
from postel.net.sockets import listening_socket
from postel.net.tcp_stream import TcpStream
from postel.testing import LeftBehind, run_checked

pytestmark = pytest.mark.slow

ANY = Endpoint("127.0.0.1", 0)
Run: TypeAlias = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    return lambda main: run_checked(request.param(), main)


async def echo(stream: Stream) -> None:
    while data := await stream.read():
        await stream.write(data)


async def wait_for_end(stream: Stream) -> None:
    with pytest.raises(ConnectionLost):
        while await stream.read():
            pass
        raise ConnectionLost("ended")


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that the other end does."""
    while not condition():
        await asyncio.sleep(0.001)


async def read_all(stream: Stream) -> bytes:
    parts = []
    while data := await stream.read(5):
        parts.append(data)
    return b"".join(parts)


async def pair(
    serve: Callable[[Stream], Awaitable[None]], at: Endpoint = ANY
) -> tuple[Stream, Callable[[], Awaitable[None]]]:
    net = TcpNetwork()
    listener = await net.listen(at, serve)
    stream = await net.dial(listener.endpoint, timeout_s=5)

    async def close() -> None:
        await stream.close()
        await listener.close()

    return stream, close


@pytest.mark.parametrize("at", [ANY, Endpoint("::1", 0)], ids=str)
def test_two_ends_talk(run: Run, at: Endpoint) -> None:
    async def main() -> None:
        peers: list[Endpoint] = []

        async def serve(stream: Stream) -> None:
            peers.append(stream.peer)
            assert stream.tls is None
            await echo(stream)

        stream, close = await pair(serve, at)
        await stream.write(b"hello")
        assert await stream.read(5) == b"hello"
        assert peers == [stream.local] and stream.local.host == at.host and stream.peer.port > 0
        await close()
        with pytest.raises(ConnectionLost):
            await stream.read()
        with pytest.raises(ConnectionLost):
            await stream.write(b"x")
        await stream.close()

    run(main)


def test_unix_sockets_work_and_their_files_go(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "lmtp"
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(str(path))
        dead.close()  # leaves its file behind
        net = TcpNetwork()
        listener = await net.listen(Endpoint(str(path)), echo)
        with pytest.raises(OSError, match="in use"):
            await net.listen(Endpoint(str(path)), echo)
        stream = await net.dial(listener.endpoint, timeout_s=5)
        await stream.write(b"LHLO x\r\n")
        assert await stream.read(5) == b"LHLO x\r\n"
        assert stream.peer == Endpoint(str(path)) and stream.local == Endpoint("")
        await stream.close()
        await listener.close()
        assert not path.exists()
        with pytest.raises(DialFailed, match="connection refused"):
            await net.dial(listener.endpoint, timeout_s=5)
        path.write_text("a file of somebody else")
        with pytest.raises(OSError, match="in use"):
            await net.listen(Endpoint(str(path)), echo)

    run(main)


def test_an_open_socket_can_be_given(run: Run) -> None:
    async def main() -> None:
        made = socket.socket(socket.AF_INET6)
        made.bind(("::", 0))  # dual-stack, as an init system may make it
        made.listen()
        peers: list[Endpoint] = []

        async def serve(stream: Stream) -> None:
            peers.append(stream.peer)

        net = TcpNetwork()
        listener = await net.listen(ANY, serve, socket=made)
        assert listener.endpoint.host == "::"
        stream = await net.dial(Endpoint("127.0.0.1", listener.endpoint.port), timeout_s=5)
        assert await stream.read(5) == b""
        assert peers[0].host == "127.0.0.1"  # not ::ffff:127.0.0.1
        await stream.close()
        await listener.close()

    run(main)


def test_dials_fail_with_a_reason(run: Run) -> None:
    async def main() -> None:
        net = TcpNetwork()
        closed = socket.socket()
        closed.bind(("127.0.0.1", 0))
        nobody = Endpoint("127.0.0.1", closed.getsockname()[1])
        for to, source, reason in [
            (nobody, None, "connection refused"),
            (nobody, ip_address("192.0.2.1"), "cannot assign requested address"),
            (nobody, ip_address("127.0.0.2"), "connection refused"),
        ]:
            with pytest.raises(DialFailed) as failed:
                await net.dial(to, timeout_s=5, source=source)
            assert failed.value.reason == reason
        closed.close()

    run(main)


def test_a_dial_times_out_when_nobody_answers(run: Run) -> None:
    async def main() -> None:
        full = socket.socket()
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        net, to = TcpNetwork(), Endpoint(*full.getsockname())
        taken = [await net.dial(to, timeout_s=5)]  # fills the backlog
        with pytest.raises(DialFailed, match="timed out"):
            while True:
                taken.append(await net.dial(to, timeout_s=0.05))
        for stream in taken:
            stream.abort()
        full.close()

    run(main)


def test_the_source_address_is_used(run: Run) -> None:
    async def main() -> None:
        net = TcpNetwork()
        listener = await net.listen(ANY, echo)
        stream = await net.dial(listener.endpoint, timeout_s=5, source=ip_address("127.0.0.3"))
        assert stream.local.host == "127.0.0.3"
        await stream.close()
        await listener.close()

    run(main)


def test_timeouts_end_one_wait_and_leave_the_stream_usable(run: Run) -> None:
    async def main() -> None:
        stream, close = await pair(echo)
        for timeout_s in (0.05, 0.02):  # the second needs an earlier timer than the first
            with pytest.raises(TimedOut):
                await stream.read(timeout_s)
        await stream.write(b"x")
        assert await stream.read(60) == b"x"
        with pytest.raises(TimedOut):
            await stream.read(0.05)  # while the timer of the read before is still set
        reading = asyncio.ensure_future(stream.read(60))
        await asyncio.sleep(0.1)  # a timer of the reads before fires with nothing to do
        await stream.write(b"y")
        assert await reading == b"y"
        await close()

    run(main)


def test_a_slow_reader_stops_the_sender_and_memory_is_bounded(run: Run) -> None:
    async def main() -> None:
        total = 32 * 1024 * 1024
        streams: list[Stream] = []
        may_read = asyncio.Event()
        seen = asyncio.get_running_loop().create_future()

        async def serve(stream: Stream) -> None:
            streams.append(stream)
            await may_read.wait()
            size = 0
            while data := await stream.read():
                assert len(data) <= READ_LIMIT
                size += len(data)
            seen.set_result(size)

        stream, close = await pair(serve)
        sent = 0
        with pytest.raises(TimedOut):
            while sent < total:
                sent += 65536
                await stream.write(bytes(65536), 0.1)
        assert sent < total  # the kernel's buffers and ours are finite
        assert len(streams[0]._data) == READ_LIMIT  # type: ignore[attr-defined]
        may_read.set()
        await stream.write(bytes(100), 5)
        await close()
        assert await seen == sent + 100

    run(main)


def test_octets_arrive_in_order(run: Run) -> None:
    async def main() -> None:
        stream, close = await pair(echo)
        data = os.urandom(1_000_000)

        async def send() -> None:
            for start in range(0, len(data), 7777):
                await stream.write(data[start : start + 7777])

        sending = asyncio.ensure_future(send())
        received = bytearray()
        while len(received) < len(data):
            received += await stream.read(5)
        await sending
        assert received == data
        await close()

    run(main)


def test_pieces_that_were_not_read_are_joined(run: Run) -> None:
    async def main() -> None:
        async def serve(stream: Stream) -> None:
            for letter in (b"a", b"b", b"c"):
                await stream.write(letter)
                await asyncio.sleep(0.01)

        stream, close = await pair(serve)
        await until(lambda: len(stream._data) == 3)  # type: ignore[attr-defined]
        assert await stream.read(5) == b"abc"
        assert await stream.read(5) == b""
        assert await stream.read(5) == b""
        await close()

    run(main)


def test_the_last_reply_arrives_even_if_the_peer_has_sent_more(run: Run) -> None:
    """A plain close() with unread input would reset the connection, and the reply with it."""

    async def main() -> None:
        async def serve(stream: Stream) -> None:
            await stream.read()
            await stream.write(b"421 go away\r\n")

        for _ in range(20):
            stream, close = await pair(serve)
            await stream.write(bytes(300_000))
            assert await read_all(stream) == b"421 go away\r\n"
            await close()

    run(main)


def test_a_peer_that_floods_a_closing_stream_is_cut(run: Run) -> None:
    async def main() -> None:
        async def serve(stream: Stream) -> None:
            await stream.read()
            await stream.write(b"421\r\n")

        stream, close = await pair(serve)
        with pytest.raises(ConnectionLost):
            while True:
                await stream.write(bytes(65536), 3)
        await close()

    run(main)


def test_closing_waits_for_a_deaf_peer_only_so_long(run: Run) -> None:
    async def main() -> None:
        may_hear, has_heard = asyncio.Event(), asyncio.Event()

        async def serve(stream: Stream) -> None:
            await may_hear.wait()
            with pytest.raises(ConnectionLost):
                while True:
                    await stream.write(b"x")
                    await asyncio.sleep(0.01)
            has_heard.set()

        stream, close = await pair(serve)
        began = asyncio.get_running_loop().time()
        assert isinstance(stream, TcpStream)
        await stream.close(limit_s=0.1)  # ends at all, while the peer is deaf
        assert asyncio.get_running_loop().time() - began > 0.05
        may_hear.set()
        await has_heard.wait()
        await close()

    run(main)


def test_a_reset_is_a_lost_connection(run: Run) -> None:
    async def main() -> None:
        heard: list[bytes] = []
        lost: list[str] = []

        async def serve(stream: Stream) -> None:
            try:
                while data := await stream.read():
                    heard.append(data)
            except ConnectionLost as fault:
                lost.append(str(fault))

        net = TcpNetwork()
        listener = await net.listen(ANY, serve)
        rude = socket.create_connection((listener.endpoint.host, listener.endpoint.port))
        rude.sendall(b"hello")
        await until(lambda: heard)
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        rude.close()
        await until(lambda: lost)
        assert lost == ["connection reset by peer"]
        await listener.close()

    run(main)


def test_an_abort_ends_both_sides(run: Run) -> None:
    async def main() -> None:
        stream, close = await pair(wait_for_end)
        reading = asyncio.ensure_future(stream.read())
        await asyncio.sleep(0.05)
        stream.abort()
        stream.abort()
        with pytest.raises(ConnectionLost, match="by us"):
            await reading
        await close()
        await asyncio.sleep(0.05)

    run(main)


def test_a_writer_that_waits_learns_of_the_end(run: Run) -> None:
    async def main() -> None:
        async def serve(stream: Stream) -> None:
            await asyncio.sleep(0.1)
            stream.abort()

        stream, close = await pair(serve)
        with pytest.raises(ConnectionLost):
            while True:
                await stream.write(bytes(1_000_000), 5)
        await close()

    run(main)


def test_a_closed_listener_refuses_but_sessions_go_on(run: Run) -> None:
    async def main() -> None:
        net = TcpNetwork()
        listener = await net.listen(ANY, echo)
        stream = await net.dial(listener.endpoint, timeout_s=5)
        await stream.write(b"a")
        assert await stream.read(5) == b"a"
        await listener.close()
        with pytest.raises(DialFailed):
            await net.dial(listener.endpoint, timeout_s=5)
        await stream.write(b"b")
        assert await stream.read(5) == b"b"
        await stream.close()
        again = await net.listen(listener.endpoint, echo)  # SO_REUSEADDR
        await again.close()

    run(main)


def test_a_handler_that_fails_is_reported_and_the_peer_reset() -> None:
    async def main() -> None:
        async def serve(stream: Stream) -> None:
            raise ValueError("a bug")

        stream, close = await pair(serve)
        with pytest.raises(ConnectionLost):
            while await stream.read(5):
                pass
            raise ConnectionLost("ended")
        await close()

    with pytest.raises(LeftBehind, match="a bug"):
        run_checked(asyncio.new_event_loop(), main)


def test_nagle_is_off_and_a_reader_may_be_cancelled(run: Run) -> None:
    async def main() -> None:
        stream, close = await pair(echo)
        raw = stream._transport.get_extra_info("socket")  # type: ignore[attr-defined]
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        reading = asyncio.ensure_future(stream.read())
        await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.wait([reading])
        await stream.write(b"z")
        assert await stream.read(5) == b"z"
        await close()

    run(main)


def test_our_addresses_include_loopback() -> None:
    own = TcpNetwork().own_addresses()
    assert {ip_address("127.0.0.1"), ip_address("::1")} <= own
    assert all(not ip.is_unspecified for ip in own)


def test_a_unix_socket_whose_owner_is_busy_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "lmtp")
    busy = socket.socket(socket.AF_UNIX)
    busy.bind(path)
    busy.listen(0)
    waiting = [socket.socket(socket.AF_UNIX) for _ in range(2)]
    for client in waiting:
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            client.connect(path)
    with pytest.raises(OSError, match="in use"):
        listening_socket(Endpoint(path))
    for made in (busy, *waiting):
        made.close()


def test_a_wrong_turn_of_the_dialler_is_told_in_the_kernels_words() -> None:
    async def main() -> None:
        with pytest.raises(DialFailed, match="not a directory"):
            await TcpNetwork().dial(Endpoint("/dev/null/lmtp"), timeout_s=5)

    run_checked(asyncio.new_event_loop(), main)
