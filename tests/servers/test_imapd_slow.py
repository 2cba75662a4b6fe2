"""Slow clients of IMAP: one drips, another never reads. Each is gone after its time, and holds little until then."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from imap_world import LETTER, SERVER, Client, World, world
from smtp_world import PASSWORD

from postel.proto.imap import ImapLimits
from postel.servers.drive import WRITE_TIMEOUT_S
from postel.servers.imapd.upload import UPLOAD_S

LOGIN_S = ImapLimits().login_s
INACTIVITY_S = ImapLimits().inactivity_s
TO_LOGIN_S = 600.0
MINUTE_S = 60.0
MOST = 256 * 1024  # octets that wait for one client: its share


async def drips(client: Client, octets: bytes) -> float:
    """Send an octet a minute: after how many seconds the server has had enough; it says BYE."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    hearing = asyncio.create_task(bye(client))
    for octet in octets:
        if hearing.done():
            break
        await client.send(bytes([octet]))
        await asyncio.wait([hearing], timeout=MINUTE_S)
    assert await hearing
    return loop.time() - began_s


async def bye(client: Client) -> bool:
    """Whether the server says BYE, sooner or later, and closes."""
    heard = b""
    while data := await client.stream.read(5 * INACTIVITY_S):
        heard += data
    return b"* BYE" in heard


@pytest.mark.parametrize(
    "start", [b"", b"a LOGIN {20+}\r\n", b"a AUTHENTICATE PLAIN\r\n", b"a LOGIN x {5}\r\n"]
)
async def test_a_stranger_who_drips_has_three_minutes(start: bytes) -> None:
    async with world() as w:
        client = await w.dial()
        await client.send(start)
        assert await drips(client, b"x" * 100) <= LOGIN_S + MINUTE_S


@pytest.mark.parametrize("line", [b"a NOOP\r\n", b"a AUTHENTICATE PLAIN\r\n*\r\n"])
async def test_a_stranger_has_ten_minutes_whatever_is_said(line: bytes) -> None:
    async with world() as w:
        client = await w.dial()
        assert await says(client, line) == TO_LOGIN_S


async def test_who_logs_in_has_more_time_and_who_is_forgotten_is_a_stranger_again() -> None:
    async with world() as w:
        client = await w.dial()
        await asyncio.sleep(2 * MINUTE_S)
        await client.ok(f'LOGIN kitt@example.org "{PASSWORD}"')
        await asyncio.sleep(INACTIVITY_S - MINUTE_S)
        await client.ok("UNAUTHENTICATE")
        assert await says(client, b"a NOOP\r\n") == TO_LOGIN_S


async def says(client: Client, line: bytes) -> float:
    """Say a line a minute, every second time half of it: after how many seconds the server has had enough."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    hearing = asyncio.create_task(bye(client))
    half = len(line) // 2
    while not hearing.done():
        for part in (line[:half], line[half:]):
            if not hearing.done():
                await client.send(part)
                await asyncio.wait([hearing], timeout=MINUTE_S / 2)
    assert await hearing
    return loop.time() - began_s


@pytest.mark.parametrize("start", [b"", b"a SELECT {50000+}\r\n", b"a SEARCH TEXT "])
async def test_a_user_who_drips_a_command_has_half_an_hour(start: bytes) -> None:
    async with world() as w:
        client = await w.login()
        await client.send(start)
        took_s = await drips(client, b"x" * 1000)
        assert INACTIVITY_S <= took_s <= INACTIVITY_S + MINUTE_S


async def test_an_upload_that_drips_has_two_hours() -> None:
    async with world() as w:
        client = await w.login()
        await client.send(b"a APPEND INBOX {500000+}\r\n" + b"x" * 200_000)
        assert await drips(client, b"x" * 1000) <= UPLOAD_S + MINUTE_S
        assert w.parts.admission.total == 0


async def test_an_upload_that_stops_is_gone_with_its_draft() -> None:
    async with world() as w:
        client = await w.login()
        await client.send(b"a APPEND INBOX {500000+}\r\n" + b"x" * 200_000)
        assert await bye(client)
        assert w.parts.admission.total == 0
        assert "MESSAGES 0" in (await (await w.login()).ok("STATUS INBOX (MESSAGES)")).lines[0]


async def test_strangers_by_the_hundred_keep_nobody_out_for_long() -> None:
    async with world() as w:
        strangers = [await w.dial() for _ in range(w.parts.admission.options.connections_per_address)]
        turned_away = Client(await w.client.dial(SERVER, timeout_s=10))
        assert (await turned_away.line()).startswith("* BYE [UNAVAILABLE]")
        await asyncio.sleep(LOGIN_S + 1)
        assert w.parts.admission.total == 0
        await w.login()
        assert all([await bye(client) for client in strangers])


def held(w: World) -> int:
    """Octets that wait for clients."""
    return sum(session.talk._due for session in w.service._sessions)


@pytest.fixture
def faultless(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    yield
    assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.slow
@pytest.mark.usefixtures("faultless")
@pytest.mark.parametrize(
    "commands",
    [
        b"f FETCH 1:* (BODY.PEEK[])\r\n",
        b"f FETCH 1:* (ENVELOPE BODYSTRUCTURE)\r\n" * 400,
        b"f UID SEARCH ALL\r\n" * 3000,
        b'f LIST "" *\r\n' * 2000,
        b"f NOOP\r\n" * 60_000,
        b"f CAPABILITY\r\n" * 6_000,
        b"f XYZZY\r\n" * 10,
    ],
    ids=["bodies", "structures", "searches", "lists", "noops", "capabilities", "nonsense"],
)
async def test_who_never_reads_is_gone_after_its_time_and_holds_little_until_then(commands: bytes) -> None:
    async with world() as w:
        await w.put(*[LETTER + b"x" * 400_000 + b"\r\n"] * 20)
        client, other = await w.login(), await w.login()
        sending = asyncio.create_task(client.send(commands))
        for _ in range(300):
            await asyncio.sleep(0)
            assert held(w) < MOST
        await other.ok("FETCH 1:20 (UID FLAGS)")
        await asyncio.sleep(WRITE_TIMEOUT_S + 1)
        await other.ok("NOOP")
        await asyncio.sleep(INACTIVITY_S - WRITE_TIMEOUT_S)
        await other.ok("NOOP")
        await asyncio.sleep(WRITE_TIMEOUT_S + 1)
        assert w.parts.admission.total <= 1
        sending.cancel()


@pytest.mark.slow
@pytest.mark.usefixtures("faultless")
@pytest.mark.parametrize(
    "how", [b"i IDLE\r\n", b"n NOTIFY SET (selected (MessageNew (UID BODY.PEEK[]) MessageExpunge))\r\n"]
)
async def test_news_for_who_never_reads_do_not_pile_up(how: bytes) -> None:
    async with world() as w:
        deaf, other = await w.login(), await w.login()
        await deaf.send(how)
        await asyncio.sleep(1)
        for _ in range(60):
            await w.put(LETTER + b"x" * 100_000)
            await other.ok("NOOP")
            assert held(w) < MOST
        for n in range(300):
            await other.ok(f"STORE 1:* {'+-'[n % 2]}FLAGS (word{n % 7})")
        assert held(w) < MOST
        await asyncio.sleep(WRITE_TIMEOUT_S + INACTIVITY_S + 1)
        assert w.parts.admission.total == 0
