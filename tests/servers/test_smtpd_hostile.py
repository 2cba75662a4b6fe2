"""Sessions that mean harm, or break off: nothing is left behind, nothing waits for ever."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import cast

import pytest
from smtp_world import HELLO, LOGIN, SMTP, SUBMISSION, World, world

from postel.net import ConnectionLost, Endpoint, Stream
from postel.servers.admission import AdmissionOptions

BIG_CHUNK = b"0123456789abcdef0123456789abcdef\r\n" * 100


def files(folder: Path) -> int:
    return sum(path.is_file() for path in (folder / "contents").rglob("*"))


async def is_empty(w: World, folder: Path) -> bool:
    return not await w.queued() and await w.count("content") == 0 and files(folder) == 0


async def test_early_talkers_are_turned_away() -> None:
    async with world(replace(SMTP, greet_delay_s=2.0)) as w:
        stream = await w.dial()
        await stream.write(b"EHLO spam.example\r\nMAIL FROM:<>\r\n")
        assert await stream.read(10) == b"554 Wait for the greeting; closing\r\n"
        assert await stream.read(10) == b""
        assert w.log.only("client_misbehaved")["breach"] == "talked before the greeting"


async def test_who_waits_for_the_greeting_gets_it() -> None:
    async with world(replace(SMTP, greet_delay_s=2.0)) as w:
        await w.play(HELLO)
        assert asyncio.get_running_loop().time() == pytest.approx(2.0, abs=0.1)


async def test_who_leaves_before_the_greeting_is_no_trouble() -> None:
    async with world(replace(SMTP, greet_delay_s=2.0)) as w:
        await (await w.dial()).close()
        await asyncio.sleep(1)
        assert w.service.sessions == 0


async def test_a_stop_while_the_greeting_waits() -> None:
    async with world(replace(SMTP, greet_delay_s=60.0)) as w:
        stream = await w.dial()
        await asyncio.sleep(1)
        await w.service.stop(10)
        assert b"421 4.3.2" in await stream.read(1)
        assert asyncio.get_running_loop().time() < 2


async def test_commands_injected_before_tls_are_not_heard_after_it() -> None:
    async with world(SUBMISSION, tls=True) as w:
        await w.play(
            HELLO.replace("S 250-DSN", "S 250-STARTTLS\nS 250-DSN")
            + "C| STARTTLS\\r\\nMAIL FROM:<ann@example.org>\\r\\n\nS 503 5.5.0 ...\nclose server"
        )


async def test_nonsense_ends_the_session() -> None:
    async with world() as w:
        stream = await w.dial()
        await stream.write(b"\x00\xff nonsense\r\n" * 100)
        heard = b""
        while piece := await stream.read(1000):
            heard += piece
        assert b"421" in heard.splitlines()[-1]
        assert len(heard.splitlines()) < 30


async def test_http_is_shown_the_door() -> None:
    async with world() as w:
        await w.play("S 220 ...\nC POST / HTTP/1.1\nS 421 4.7.0 ...\nclose server")
        assert "foreign" in str(w.log["client_misbehaved"]) or "another protocol" in str(
            w.log["client_misbehaved"]
        )


async def test_smuggled_ends_of_data_end_nothing() -> None:
    async with world() as w:
        await w.play(
            HELLO
            + """
            C MAIL FROM:<>
            S 250 ...
            C RCPT TO:<ann@example.org>
            S 250 ...
            C DATA
            S 354 ...
            C| Subject: x\\r\\n\\r\\none\\n.\\nMAIL FROM:<>\\nRCPT TO:<bob@example.org>\\nDATA\\ntwo\\r\\n.\\r\\n
            S 554 5.6.0 ...
            """
        )
        assert await w.queued() == []


async def test_an_endless_line_is_cut_off() -> None:
    async with world() as w:
        stream = await w.dial()
        with suppress(ConnectionLost):
            for _ in range(100):
                await stream.write(b"x" * 65536)
        heard = b""
        with suppress(ConnectionLost):
            while piece := await stream.read(1000):
                heard += piece
        assert b"500 5.5.2" in heard
        await asyncio.sleep(1)
        assert w.service.sessions == 0


async def test_content_that_drips_is_bounded_in_time(tmp_path: Path) -> None:
    async with world(replace(SMTP, data_s=600.0), folder=tmp_path) as w:
        stream = await w.dial()
        await stream.write(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n")
        began_s = asyncio.get_running_loop().time()
        await asyncio.sleep(1)
        with suppress(ConnectionLost):
            while w.service.sessions:
                await stream.write(BIG_CHUNK)
                await asyncio.sleep(30)
        assert 600 <= asyncio.get_running_loop().time() - began_s <= 660
        assert await is_empty(w, tmp_path)
        assert w.log.only("session_closed")["ended"] == "timed out"


async def test_a_silent_client_is_told_so_after_five_minutes() -> None:
    async with world() as w:
        await w.play(HELLO + "silence\nS 421 4.4.2 ...\nclose server")
        assert asyncio.get_running_loop().time() == pytest.approx(300)


async def test_a_session_cannot_last_for_ever() -> None:
    async with world(replace(SMTP, session_s=1000.0)) as w:
        stream = await w.dial()
        heard = b""
        with suppress(ConnectionLost):
            for _ in range(20):
                await stream.write(b"NOOP\r\n")
                heard += await stream.read(10)
                await asyncio.sleep(100)
        assert b"421 4.4.2" in heard


async def test_connections_are_limited_by_address_and_in_all() -> None:
    async with world(admission=AdmissionOptions(connections=3, connections_per_address=2)) as w:
        first, second = await w.dial(), await w.dial()
        assert (await first.read(1)).startswith(b"220")
        assert (await second.read(1)).startswith(b"220")
        await w.play("S 421 4.7.0 mx.example.org Too many connections from your address\nclose server")
        other = w.internet.host("other.example", "192.0.2.77")
        third = await other.dial(w.endpoint, timeout_s=1)
        assert (await third.read(1)).startswith(b"220")
        fourth = await w.internet.host("more.example", "192.0.2.78").dial(w.endpoint, timeout_s=1)
        assert (await fourth.read(1)).startswith(b"421 4.3.2")
        await first.close()
        await asyncio.sleep(0.1)
        await w.play(HELLO)
        assert len(w.log["connection_refused"]) == 2


class Lingering:
    """A connection whose peer neither reads nor closes."""

    peer, local, tls = Endpoint("192.0.2.9", 4711), Endpoint("192.0.2.1", 25), None

    def __init__(self) -> None:
        self.heard = b""
        self.is_gone = asyncio.Event()
        self.was_cut_off = False

    async def write(self, data: bytes, timeout_s: float | None = None) -> None:
        self.heard += data

    async def close(self) -> None:
        await self.is_gone.wait()

    def abort(self) -> None:
        self.was_cut_off = True


async def test_a_flood_of_those_who_are_turned_away_is_cut_off_without_a_word() -> None:
    async with world(admission=AdmissionOptions(connections_per_address=0, partings=3)) as w:
        crowd = [Lingering() for _ in range(50)]
        handled = [asyncio.create_task(w.service.handle(cast(Stream, one))) for one in crowd]
        await asyncio.sleep(0)
        assert [one.heard[:9] for one in crowd[:3]] == [b"421 4.7.0"] * 3
        assert all(one.was_cut_off and not one.heard for one in crowd[3:])
        for one in crowd:
            one.is_gone.set()
        await asyncio.gather(*handled)
        later = Lingering()
        later.is_gone.set()
        await w.service.handle(cast(Stream, later))
        assert later.heard.startswith(b"421 4.7.0")


async def test_a_flood_of_refusals_is_counted_and_not_written_down() -> None:
    async with world() as w:
        stream = await w.dial()
        await stream.write(
            b"EHLO x\r\nMAIL FROM:<>\r\n" + b"RCPT TO:<x@free.example>\r\n" * 1000 + b"QUIT\r\n"
        )
        heard = b""
        while piece := await stream.read(1):
            heard += piece
        assert heard.count(b"550 5.7.1") == 1000
        assert len(w.log["mail_refused"]) == 100
        assert w.log.only("session_closed")["unlogged"] == 900


PHASES = {
    "before the greeting": b"",
    "hello": b"EHLO x\r\n",
    "half a command": b"EHLO x\r\nMAIL FR",
    "mail": b"EHLO x\r\nMAIL FROM:<>\r\n",
    "rcpt": b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\n",
    "data": b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n",
    "content": b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n" + BIG_CHUNK,
    "nearly done": b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n" + BIG_CHUNK + b".\r",
}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("way", ["close", "reset", "cut off by us", "silence"])
async def test_who_breaks_off_leaves_nothing_behind(tmp_path: Path, phase: str, way: str) -> None:
    async with world(folder=tmp_path) as w:
        stream = await w.dial()
        head, data, content = PHASES[phase].partition(b"DATA\r\n")
        await stream.write(head + data)
        await asyncio.sleep(0.1)
        await stream.write(content)
        await asyncio.sleep(0.1)
        if content:
            assert files(tmp_path) == 1
        match way:
            case "close":
                await stream.close()
            case "reset":
                stream.abort()
            case "cut off by us":
                await w.service.stop(0.1)
            case "silence":
                await asyncio.sleep(400)
        await asyncio.sleep(1)
        assert w.service.sessions == 0
        assert await is_empty(w, tmp_path)
        assert len(w.log["session_closed"]) == 1


async def test_a_stop_lets_content_finish_and_says_421_then() -> None:
    async with world() as w:
        stream = await w.dial()
        await stream.write(b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n")
        await asyncio.sleep(1)
        await stream.write(b"Subject: x\r\n")
        stopping = asyncio.create_task(w.service.stop(30))
        await asyncio.sleep(1)
        await stream.write(b"\r\nhello\r\n.\r\n")
        await stopping
        heard = b""
        while piece := await stream.read(1):
            heard += piece
        assert [line[:9] for line in heard.splitlines()[-2:]] == [b"250 2.0.0", b"421 4.3.2"]
        assert len(await w.queued()) == 1
        assert w.log.only("session_closed")["ended"] == "stopped"


async def test_a_stop_lets_a_login_finish() -> None:
    options = replace(SUBMISSION, plaintext_login=(ip_network("192.0.2.0/24"),))
    async with world(options) as w:
        stream = await w.dial()
        await stream.write(b"EHLO x\r\nAUTH PLAIN\r\n")
        await asyncio.sleep(1)
        stopping = asyncio.create_task(w.service.stop(30))
        await asyncio.sleep(1)
        await stream.write(LOGIN.split()[3].encode() + b"\r\n")
        await stopping
        heard = b""
        while piece := await stream.read(1):
            heard += piece
        assert [line[:9] for line in heard.splitlines()[-2:]] == [b"235 2.7.0", b"421 4.3.2"]


async def test_a_stopping_service_takes_no_more() -> None:
    async with world() as w:
        await w.service.stop(1)
        await w.play("S 421 4.3.2 ...\nclose server")


async def test_a_handshake_that_never_comes_is_bounded() -> None:
    async with world(SUBMISSION, tls=True) as w:
        stream = await w.dial()
        await stream.write(b"EHLO x\r\n")
        await stream.read(1)
        await stream.write(b"STARTTLS\r\n")
        await asyncio.sleep(1)
        await asyncio.sleep(100)
        assert w.service.sessions == 0
        assert len(w.log["tls_failed"]) == 1


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    async with world(SUBMISSION) as w:
        stream = await w.dial()
        with suppress(ConnectionLost):
            for _ in range(3000):
                await stream.write(b"HELP\r\n" * 100, timeout_s=2000)
        await asyncio.sleep(1000)
        assert w.service.sessions == 0
