import asyncio

import pytest

from postel.cli.fd_stream import FdStream, pipe_streams
from postel.net import ConnectionLost, Endpoint, TimedOut

pytestmark = pytest.mark.real_time
HERE, THERE = Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 2)


def pair() -> tuple[FdStream, FdStream]:
    return pipe_streams(peer=HERE, local=THERE)


async def test_octets_go_both_ways() -> None:
    ours, theirs = pair()
    assert (ours.peer, ours.local, theirs.peer, theirs.local) == (THERE, HERE, HERE, THERE)
    assert ours.tls is None
    await ours.write(b"EHLO x\r\n")
    assert await theirs.read(1.0) == b"EHLO x\r\n"
    await theirs.write(b"250 y\r\n")
    assert await ours.read() == b"250 y\r\n"
    await ours.close()
    await theirs.close()


async def test_more_than_a_pipe_holds_waits_for_the_reader() -> None:
    ours, theirs = pair()
    data = bytes(range(256)) * 4096
    writing = asyncio.create_task(ours.write(data))
    got = bytearray()
    while len(got) < len(data):
        got += await theirs.read()
    await writing
    assert got == data
    await ours.close()
    assert await theirs.read() == b""
    await theirs.close()


async def test_silence_and_a_full_pipe_time_out() -> None:
    ours, theirs = pair()
    with pytest.raises(TimedOut):
        await ours.read(0.01)
    with pytest.raises(TimedOut):
        await ours.write(bytes(1 << 20), 0.01)
    ours.abort()
    theirs.abort()


async def test_closing_ends_a_read_that_waits() -> None:
    ours, theirs = pair()
    reading = asyncio.create_task(ours.read())
    await asyncio.sleep(0.01)
    ours.abort()
    ours.abort()
    with pytest.raises(ConnectionLost):
        await reading
    for again in (ours.read(), ours.write(b"x")):
        with pytest.raises(ConnectionLost):
            await again
    theirs.abort()


async def test_a_reader_that_is_gone_is_a_lost_connection() -> None:
    ours, theirs = pair()
    await theirs.close()
    with pytest.raises(ConnectionLost, match="broken pipe"):
        await ours.write(b"x")
    ours.abort()


async def test_both_ends_may_wait_to_read_while_both_write() -> None:
    ours, theirs = pair()
    reading = asyncio.gather(ours.read(5.0), theirs.read(5.0))
    await asyncio.sleep(0.01)
    await asyncio.gather(ours.write(b"to them"), theirs.write(b"to us"))
    assert await reading == [b"to us", b"to them"]
    ours.abort()
    theirs.abort()
