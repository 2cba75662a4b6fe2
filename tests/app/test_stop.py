"""The end of a Postel: in order, within its time, whatever goes wrong; and a start that fails leaves nothing."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from postel.app import Postel, real_edges
from postel.app.postel import DRAIN_S
from postel.config import BadConfig, parse
from postel.net import Endpoint
from postel.testing import MailNetwork, MailServer, MemoryStream, a_message

ZONE = "example.org. MX 10 mx.example.org.\nexample.com. MX 10 mx.example.com.\n"


async def _reads(stream: MemoryStream, code: bytes) -> bytes:
    """What comes until a last reply line of that code."""
    said = b""
    while not any(line.startswith(code + b" ") for line in said.splitlines()):
        got = await stream.read(600)
        if not got:
            break
        said += got
    return said


async def _in_content(net: MailNetwork, server: MailServer) -> MemoryStream:
    """A client that has been told to send its content."""
    client = await net.host("client.example.net").dial(_smtp(server), timeout_s=10)
    await _reads(client, b"220")
    for line, code in (
        (b"EHLO client.example.net", b"250"),
        (b"MAIL FROM:<ann@example.net>", b"250"),
        (b"RCPT TO:<bob@example.org>", b"250"),
        (b"DATA", b"354"),
    ):
        await client.write(line + b"\r\n")
        assert code in await _reads(client, code)
    return client


def _smtp(server: MailServer) -> Endpoint:
    ip = next(ip for ip in server.host.ips if ip.version == 4)
    return Endpoint(str(ip), 25)


async def test_content_that_never_ends_is_cut_off_when_the_time_is_up() -> None:
    async with MailNetwork(ZONE) as net:
        server = await net.start("mx.example.org", accounts=["bob@example.org"])
        client = await _in_content(net, server)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await server.stop()
        assert loop.time() - begun == pytest.approx(DRAIN_S, abs=1)
        assert not await server.queue()
        client.abort()


async def test_content_that_ends_in_time_is_accepted_and_delivered_by_the_next_run() -> None:
    async with MailNetwork(ZONE) as net:
        server = await net.start("mx.example.org", accounts=["bob@example.org"])
        client = await _in_content(net, server)
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(DRAIN_S / 2)
        await client.write(b"Subject: late\r\n\r\nbut in time\r\n.\r\n")
        assert b"250 2.0.0" in await _reads(client, b"421")
        await stopping
        await server.boot({})
        await net.settle()
        assert (await server.mailbox("bob")).only().subject == "late"
        client.abort()


async def test_a_next_hop_that_hangs_is_given_up_and_its_mail_stays() -> None:
    async with MailNetwork(ZONE) as net:
        server = await net.start("mx.example.org", accounts=["bob@example.org"])
        hanging = net.host("mx.example.com")

        async def silent(stream: object) -> None:
            await asyncio.sleep(3600)

        await hanging.listen(Endpoint("0.0.0.0", 25), silent)
        await server.submit(a_message(to="kitt@example.com", sender="bob@example.org"))
        await net.pass_time(seconds=1)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await server.restart()
        assert loop.time() - begun <= DRAIN_S + 1
        assert (await server.queue()).only().recipient == "kitt@example.com"


async def test_idle_sessions_cost_no_time() -> None:
    async with MailNetwork(ZONE) as net:
        server = await net.start("mx.example.org")
        clients = [await net.host("client.example.net").dial(_smtp(server), timeout_s=10) for _ in range(50)]
        for client in clients:
            await _reads(client, b"220")
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await server.stop()
        assert loop.time() - begun < 1
        for client in clients:
            assert b"421 4.3.2" in await _reads(client, b"421")


# With real sockets and files

CONFIG = """
hostname = "mail.example.org"
data = "data"
[[listen]]
protocol = "smtp"
address = "127.0.0.1:0"
[[listen]]
protocol = "pop3"
address = "{taken}"
"""


def _open_files() -> set[str]:
    """What this process has open, but for the directory that is read here."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
        except FileNotFoundError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.real_time
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc here")
async def test_a_start_that_fails_half_way_leaves_nothing_open(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "{}:{}".format(*taken.getsockname())
        loaded = parse(CONFIG.format(taken=address), file="postel.toml", directory=tmp_path, environment={})
        before = _open_files()
        postel = await Postel.open(loaded, real_edges())
        with pytest.raises(BadConfig, match=f"postel.toml:9: cannot listen at {address}"):
            await postel.start()
        await postel.stop()
        await asyncio.sleep(0)
        left = {name for name in _open_files() - before if "anon_inode" not in name}
        assert not left


@pytest.mark.real_time
async def test_a_certificate_that_cannot_be_read_leaves_the_database_closed(tmp_path: Path) -> None:
    text = CONFIG.format(taken="127.0.0.1:0") + '[tls]\ncertificate = "none.pem"\nkey = "none.pem"\n'
    loaded = parse(text, file="postel.toml", directory=tmp_path, environment={})
    with pytest.raises(BadConfig, match=r"postel\.toml:11: .*none\.pem cannot be read: no such file"):
        await Postel.open(loaded, real_edges())
    assert not list((tmp_path / "data").glob("*-wal"))
