"""A stranger names a victim as reverse path and makes us write to it: we never do for what the session could refuse."""

from __future__ import annotations

import pytest
from stranger import Sink, Stranger

from postel.testing import MailNetwork, MailServer

ZONE = "victim.example. MX 10 mx.victim.example.\nelsewhere.example. MX 10 mx.elsewhere.example."
HEAD = b"Subject: x\r\n"


async def a_net(net: MailNetwork) -> tuple[MailServer, Sink]:
    rules = '[[domain]]\nname = "ours.example"\naliases = { list = ["ann", "bob"] }\n'
    server = await net.start("mx.ours.example", rules, accounts=["ann@ours.example", "bob@ours.example"])
    return server, await Sink(net, "mx.victim.example").open()


async def mail(
    stranger: Stranger, head: bytes, *, sender: bytes = b"v@victim.example", to: bytes = b"ann"
) -> int:
    assert await stranger.command(b"EHLO evil.example") == 250
    assert await stranger.command(b"MAIL FROM:<" + sender + b">") == 250
    assert await stranger.command(b"RCPT TO:<" + to + b"@ours.example>") == 250
    assert await stranger.command(b"DATA") == 354
    return await stranger.command(head + b"\r\nx\r\n.")


@pytest.mark.parametrize("hops", [0, 30, 99, 100, 101, 150])
async def test_a_forged_loop_is_refused_in_the_session_or_delivered(hops: int) -> None:
    async with MailNetwork(ZONE) as net:
        server, sink = await a_net(net)
        code = await mail(await Stranger.call(net, server), b"Received: x\r\n" * hops + HEAD)
        await net.settle()
        assert (code == 250) == (len(await server.mailbox("ann")) == 1)
        assert sink.sessions == []


@pytest.mark.parametrize("to", [b"ann", b"list"])
@pytest.mark.parametrize("address", [b"ann@ours.example", b" ANN@OURS.Example", b"list@ours.example"])
@pytest.mark.parametrize("times", [1, 2, 3, 4, 20])
async def test_forged_deliveries_are_refused_in_the_session_or_delivered(
    times: int, address: bytes, to: bytes
) -> None:
    async with MailNetwork(ZONE) as net:
        server, sink = await a_net(net)
        head = (b"Delivered-To:" + address + b"\r\n") * times + HEAD
        code = await mail(await Stranger.call(net, server), head, to=to)
        await net.settle()
        assert (code == 250) == (times < 3)
        assert (code == 250) == (len(await server.mailbox("ann")) == 1)
        assert sink.sessions == []


async def test_others_may_have_had_a_message_any_number_of_times() -> None:
    async with MailNetwork(ZONE) as net:
        server, _ = await a_net(net)
        head = b"Delivered-To: list@elsewhere.example\r\n" * 9 + b"Delivered-To: no address\r\n" * 9 + HEAD
        assert await mail(await Stranger.call(net, server), head) == 250
        await net.settle()
        assert len(await server.mailbox("ann")) == 1
