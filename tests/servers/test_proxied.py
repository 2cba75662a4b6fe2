"""Behind a proxy: the client that the header names is the client, everywhere."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from ipaddress import ip_network

import pytest

from postel.net import ConnectionLost, Endpoint, Stream
from postel.servers import Trusted
from postel.testing import MailNetwork, MailServer, MemoryHost, simulate

LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 50123 25\r\n"
HEALTH_CHECK = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
RULES = """
[[domain]]
name = "example.org"
[[listen]]
address = "0.0.0.0:2525"
proxy = ["10.9.0.0/16"]
[relay]
networks = ["192.0.2.7"]
[limits]
connections_per_address = 1
"""


async def begun(net: MailNetwork) -> tuple[MailServer, MemoryHost]:
    server = await net.start("mx.example.org", RULES, accounts=["bob@example.org"])
    return server, net.host("proxy.example", "10.9.0.1")


async def dial(server: MailServer, host: MemoryHost, port: int = 2525) -> Stream:
    ip = next(str(ip) for ip in server.host.ips if ip.version == 4)
    return await host.dial(Endpoint(ip, port), timeout_s=5)


async def say(stream: Stream, *lines: bytes) -> bytes:
    """Give lines one by one; the last answer."""
    answer = b""
    for line in lines:
        await stream.write(line)
        answer = await stream.read(60)
    return answer


def test_the_client_that_the_header_names_is_in_the_trace_and_may_relay() -> None:
    async def main() -> None:
        async with MailNetwork() as net:
            server, proxy = await begun(net)
            stream = await dial(server, proxy)
            assert (await say(stream, LINE)).startswith(b"220")
            await say(stream, b"EHLO client.example\r\n", b"MAIL FROM:<ann@example.net>\r\n")
            assert (await say(stream, b"RCPT TO:<kitt@elsewhere.example>\r\n")).startswith(b"250"), (
                "it may relay"
            )
            await say(
                stream, b"RSET\r\n", b"MAIL FROM:<ann@example.net>\r\n", b"RCPT TO:<bob@example.org>\r\n"
            )
            assert (await say(stream, b"DATA\r\n", b"Subject: x\r\n\r\nx\r\n.\r\n")).startswith(b"250")
            await net.settle()
            assert "[192.0.2.7]" in (await server.mailbox("bob@example.org")).only().trace[0]

    simulate(main)


def test_what_comes_with_the_header_is_the_clients() -> None:
    async def main() -> None:
        async with MailNetwork() as net:
            server, proxy = await begun(net)
            stream = await dial(server, proxy)
            answer = await say(stream, LINE + b"EHLO too.early.example\r\n")
            assert answer.startswith(b"220") and b"250-PIPELINING" in answer

    simulate(main)


def test_clients_are_counted_by_their_own_address_and_not_by_the_proxys() -> None:
    async def main() -> None:
        async with MailNetwork() as net:
            server, proxy = await begun(net)
            streams = [await dial(server, proxy) for _ in range(3)]
            assert (await say(streams[0], LINE)).startswith(b"220")
            assert (await say(streams[1], LINE.replace(b"192.0.2.7", b"192.0.2.8"))).startswith(b"220")
            assert (await say(streams[2], LINE)).startswith(b"421")

    simulate(main)


def test_a_health_check_is_served_as_the_proxy_itself() -> None:
    async def main() -> None:
        async with MailNetwork() as net:
            server, proxy = await begun(net)
            stream = await dial(server, proxy)
            assert (await say(stream, HEALTH_CHECK)).startswith(b"220")
            assert b"221" in await say(stream, b"QUIT\r\n")

    simulate(main)


@pytest.mark.parametrize(
    "begins", [b"EHLO client.example\r\n", b"\r\n\r\n\x00\r\nQUIT\n\x31\x11\x00\x00", b"PROXY X\r\n"]
)
def test_a_proxy_without_a_proper_header_is_closed_without_a_word(begins: bytes) -> None:
    async def main() -> None:
        async with MailNetwork() as net:
            server, proxy = await begun(net)
            await closed(await dial(server, proxy), begins)

    simulate(main)


async def closed(stream: Stream, begins: bytes) -> None:
    with suppress(ConnectionLost):
        await stream.write(begins)
        assert await stream.read(60) == b""


def test_a_header_that_does_not_come_is_waited_for_ten_seconds() -> None:
    async def main() -> None:
        async with MailNetwork() as net:
            server, proxy = await begun(net)
            began_s = asyncio.get_running_loop().time()
            await closed(await dial(server, proxy), b"PROXY TCP4 ")
            assert asyncio.get_running_loop().time() - began_s == pytest.approx(10, abs=1)

    simulate(main)


def test_from_others_no_header_is_read() -> None:
    async def main() -> None:
        async with MailNetwork() as net:
            server, _ = await begun(net)
            stranger = net.host("stranger.example", "203.0.113.9")
            stream = await dial(server, stranger)
            assert (await stream.read(5)).startswith(b"220")
            assert (await say(stream, LINE)).startswith(b"500")
            await stream.close()
            stream = await dial(server, net.host("proxy.example"), port=25)
            assert (await stream.read(5)).startswith(b"220"), "this listener knows no proxies"
            await stream.close()

    simulate(main)


def test_a_stop_waits_for_no_header() -> None:
    async def main() -> None:
        async with MailNetwork() as net:
            server, proxy = await begun(net)
            stream = await dial(server, proxy)
            await asyncio.sleep(1)
            began_s = asyncio.get_running_loop().time()
            await server.stop()
            assert asyncio.get_running_loop().time() - began_s < 9
            await closed(stream, b"")

    simulate(main)


def test_connections_that_wait_for_their_header_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    import postel.servers.proxied as proxied

    monkeypatch.setattr(proxied, "WAITING_LIMIT", 1)

    async def main() -> None:
        async with MailNetwork() as net:
            server, proxy = await begun(net)
            first = await dial(server, proxy)
            await asyncio.sleep(1)
            await closed(await dial(server, proxy), b"")
            assert (await say(first, LINE)).startswith(b"220")

    simulate(main)


def test_who_comes_by_a_unix_socket_is_believed_only_where_that_was_said() -> None:
    assert Trusted((), True).has(Endpoint("")) and not Trusted((ip_network("0.0.0.0/0"),)).has(
        Endpoint("/run/x")
    )
    assert Trusted((ip_network("192.0.2.0/24"),)).has(Endpoint("192.0.2.1", 25))
