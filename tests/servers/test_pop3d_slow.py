"""Slow clients of POP3: one drips, another never reads. Each is gone after its time, and its maildrop is free again."""

import asyncio
import logging

import pytest
from pop3_world import PASSWORD, World, world

from postel.database import DatabaseTrouble
from postel.net import Stream
from postel.servers.drive import WRITE_TIMEOUT_S

INACTIVITY_S = 600.0
MINUTE_S = 60.0
LETTER = b"Subject: x\r\n\r\n" + b"x" * 400_000 + b"\r\n"
MOST = 256 * 1024


async def login(w: World) -> Stream:
    stream = await w.dial()
    await stream.write(f"USER kitt@example.org\r\nPASS {PASSWORD}\r\n".encode())
    heard = b""
    while heard.count(b"\r\n") < 3:
        heard += await stream.read(10)
    assert heard.rpartition(b"\r\n+OK")[1]
    return stream


async def bye(stream: Stream) -> bool:
    """Whether the server closes, sooner or later."""
    while await stream.read(3 * INACTIVITY_S):
        pass
    return True


@pytest.mark.parametrize("is_user", [False, True])
async def test_who_drips_has_ten_minutes(is_user: bool) -> None:
    async with world() as w:
        stream = await (login(w) if is_user else w.dial())
        loop = asyncio.get_running_loop()
        began_s, closing = loop.time(), asyncio.create_task(bye(stream))
        while not closing.done():
            await stream.write(b"x")
            await asyncio.wait([closing], timeout=MINUTE_S)
        assert loop.time() - began_s <= INACTIVITY_S + MINUTE_S
        await login(w)


async def test_a_stranger_has_ten_minutes_whatever_is_said() -> None:
    async with world() as w:
        stream = await w.dial()
        loop = asyncio.get_running_loop()
        began_s, closing = loop.time(), asyncio.create_task(bye(stream))
        while not closing.done():
            await stream.write(b"CAPA\r\nUSER kitt@example.org\r\n")
            await asyncio.wait([closing], timeout=MINUTE_S)
        assert loop.time() - began_s == INACTIVITY_S


async def test_who_has_logged_in_stays() -> None:
    async with world() as w:
        stream = await login(w)
        for _ in range(30):
            await asyncio.sleep(MINUTE_S)
            await stream.write(b"NOOP\r\n")
            assert (await stream.read(10)).startswith(b"+OK")


@pytest.mark.parametrize(
    "commands", [b"RETR 1\r\n" * 100, b"NOOP\r\n" * 50_000, b"UIDL\r\n" * 5000, b"CAPA\r\n" * 5000]
)
async def test_who_never_reads_is_gone_and_holds_little_until_then(
    commands: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with world() as w:
        await w.put(*[LETTER] * 5)
        stream = await login(w)
        sending = asyncio.create_task(stream.write(commands))
        for _ in range(200):
            await asyncio.sleep(0)
            assert sum(len(session._talk._out) for session in w.service._sessions) < MOST
        await asyncio.sleep(WRITE_TIMEOUT_S + INACTIVITY_S + 1)
        assert w.parts.admission.total == 0
        await login(w)
        sending.cancel()
        assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    "trouble", [DatabaseTrouble("the disk is full", is_full=True), OSError(28, "full"), MemoryError()]
)
async def test_trouble_ends_a_session_in_words_and_removes_nothing(
    trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise trouble

    async with world() as w:
        await w.put(LETTER)
        stream = await login(w)
        await stream.write(b"DELE 1\r\n")
        assert (await stream.read(10)).startswith(b"+OK")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(w.parts.database, "write", fail)
            await stream.write(b"QUIT\r\n")
            heard = b""
            while data := await stream.read(10):
                heard += data
        assert heard.startswith(b"-ERR"), heard
        assert len(await w.uids()) == 1
        assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
