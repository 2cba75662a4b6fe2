"""What is delivered as it is accepted, seen by the user: replies, mailboxes, the log, reports, and a full mailbox."""

from __future__ import annotations

import asyncio
import logging

import pytest

from postel.net import Endpoint, Stream
from postel.testing import MailNetwork, MailServer

ACCOUNTS = ["ann@example.org", "kitt@example.org"]
CONFIG = '[[domain]]\nname = "example.org"\naliases = { sales = ["ann", "kitt"] }\n'
_LETTER = b"From: bob@example.net\r\nTo: ann@example.org\r\nSubject: hello\r\n\r\nhello\r\n.\r\n"
EVENTS = ("message_accepted", "delivered", "delayed")


async def _talk(net: MailNetwork, server: MailServer) -> Stream:
    ip = next(ip for ip in server.host.ips if ip.version == 4)
    stream = await net.host("client.example.net").dial(Endpoint(str(ip), 25), timeout_s=10)
    await stream.read(60)
    await _say(stream, b"EHLO client.example.net\r\n")
    return stream


async def _say(stream: Stream, octets: bytes) -> bytes:
    await stream.write(octets, 60)
    return await stream.read(60)


async def _send(stream: Stream, *to: str, notify: str = "") -> bytes:
    await _say(stream, b"MAIL FROM:<bob@example.net>\r\n")
    for one in to:
        await _say(stream, f"RCPT TO:<{one}>{notify}\r\n".encode())
    await _say(stream, b"DATA\r\n")
    return await _say(stream, _LETTER)


def _events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.message in EVENTS]


@pytest.mark.parametrize(
    ("to", "delivered"), [(["ann@example.org"], 1), (["ann@example.org", "kitt@example.org"], 2)]
)
async def test_a_letter_is_in_its_mailboxes_with_the_250_and_the_log_has_both_in_order(
    to: list[str], delivered: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "postel")
    async with MailNetwork() as net:
        server = await net.start("mx.example.org", CONFIG, accounts=ACCOUNTS)
        client = await _talk(net, server)
        reply = await _send(client, *to)
        assert reply.startswith(b"250 2.0.0 queued as ")
        for one in to:
            assert len(await server.mailbox(one.partition("@")[0])) == 1
        await asyncio.sleep(1)
        assert _events(caplog) == ["message_accepted", *["delivered"] * delivered]
        assert len(await server.queue()) == 0
        await client.close()


async def test_a_report_of_success_is_sent_as_ever() -> None:
    async with MailNetwork("example.net. MX 10 mx.example.net.\n") as net:
        far = await net.start("mx.example.net", accounts=["bob@example.net"])
        server = await net.start("mx.example.org", CONFIG, accounts=ACCOUNTS)
        client = await _talk(net, server)
        assert (await _send(client, "ann@example.org", notify=" NOTIFY=SUCCESS")).startswith(b"250")
        await net.settle()
        assert len(await server.mailbox("ann")) == 1
        assert b"Action: delivered" in (await far.mailbox("bob")).only().content
        await client.close()


async def test_a_mailbox_that_has_become_full_gets_the_letter_when_there_is_room(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "postel")
    async with MailNetwork() as net:
        server = await net.start("mx.example.org", CONFIG, accounts=ACCOUNTS)
        first, second = await _talk(net, server), await _talk(net, server)
        await _send(first, "ann@example.org")
        size_bytes = len((await server.mailbox("ann")).only().content)
        await server.quota("ann@example.org", int(size_bytes * 2.5))
        replies = await asyncio.gather(_send(first, "ann@example.org"), _send(second, "ann@example.org"))
        assert all(reply.startswith(b"250") for reply in replies)
        await asyncio.sleep(1)
        assert len(await server.mailbox("ann")) == 2
        assert sorted(_events(caplog)) == ["delayed", *["delivered"] * 2, *["message_accepted"] * 3]
        await server.quota("ann@example.org", None)
        await net.pass_time(hours=1)
        assert len(await server.mailbox("ann")) == 3
        await first.close()
        await second.close()
