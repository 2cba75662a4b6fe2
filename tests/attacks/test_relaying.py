"""Tricks to have us relay: whatever a stranger writes between the angle brackets, nothing leaves for elsewhere."""

from __future__ import annotations

import pytest
from stranger import Sink, Stranger

from postel.testing import MailNetwork, MailServer

ZONE = """
    victim.example. MX 10 mx.victim.example.
    backup.example. MX 10 mx.victim.example.
    backup.example. MX 20 mx.ours.example.
"""
RULES = """
[[domain]]
name = "ours.example"
[relay]
domains = ["backup.example"]
[route]
"gate.example" = "smtp:mx.victim.example:25"
"""
US = "10.0.0.1"  # the first host of a network
TRICKS = (
    # Another domain, and its disguises.
    "<x@victim.example>", "<x@VICTIM.example.>", "<x@sub.ours.example>", "<x@ours.example.victim.example>",
    "<x@sub.backup.example>", "<x@gate.example>", "<x@оurs.example>", "<x@localhost>", "<x@[10.9.9.9]>",
    "<x@[127.0.0.1]>", "<x@[IPv6:::1]>", "<x@[IPv6:::ffff:127.0.0.1]>", "<x@[IPv6:::ffff:10.0.0.1]>",
    "<x@10.0.0.1>", "<x@2130706433>", "<x@0x7f.1>", "<x@１２７.０.０.１>", "<x@[127.1]>", "<x@[0x7f.0.0.1]>",
    # Percent, bang, and quoted addresses at domains of ours, at our name and literal, and where we relay to.
    "<x%victim.example@ours.example>", "<x%victim.example@mx.ours.example>", f"<x%victim.example@[{US}]>",
    "<x%victim.example@backup.example>", "<x%victim.example@gate.example>", "<victim.example!x@ours.example>",
    "<victim.example!x@backup.example>", "<victim.example!x>", '<"x@victim.example"@ours.example>',
    '<"x@victim.example"@backup.example>', '<"x@victim.example">', '<"@victim.example:x"@ours.example>',
    r'<"x\"@victim.example"@ours.example>', r"<x\@victim.example@ours.example>", "<x@victim.example@ours.example>",
    f"<x@victim.example@[{US}]>",
    # Source routes through us.
    "<@ours.example:x@victim.example>", f"<@[{US}],@mx.ours.example:x@victim.example>", "<@ours.example>",
    "<@victim.example:nobody@ours.example>",
    # Two at once, and broken brackets.
    "<nobody@ours.example> <x@victim.example>", "<nobody@ours.example,x@victim.example>", "x@victim.example",
    "<nobody@ours.example>,<x@victim.example>", "<nobody@ours.example>ORCPT=rfc822;x@victim.example",
    "<x@victim.example", "x@victim.example>", "<<x@victim.example>>", "< x@victim.example >", "<x @victim.example>",
    "<nobody@ours.example\u2028x@victim.example>", "<>", "<@>", "<x@>", "<postmaster@victim.example>",
)  # fmt: skip


async def a_net(net: MailNetwork) -> tuple[MailServer, Sink]:
    server = await net.start("mx.ours.example", RULES, accounts=["ann@ours.example"])
    return server, await Sink(net, "mx.victim.example").open()


@pytest.mark.parametrize(
    "sender", ["a@b.example", "", "ann@ours.example", "x@victim.example", "postmaster@ours.example"]
)
async def test_nothing_leaves_for_elsewhere(sender: str) -> None:
    async with MailNetwork(ZONE) as net:
        server, sink = await a_net(net)
        for trick in TRICKS:
            stranger = await Stranger.call(net, server)
            assert await stranger.command(b"EHLO mx.ours.example") == 250
            assert await stranger.command(f"MAIL FROM:<{sender}> SMTPUTF8".encode()) == 250
            assert 500 <= await stranger.command(f"RCPT TO:{trick}".encode()) < 600, trick
            assert await stranger.command(b"DATA") == 554, trick
            stranger.stream.abort()
        await net.settle()
        assert sink.sessions == []
        assert len(await server.mailbox("ann")) == 0


@pytest.mark.parametrize(
    "ours",
    [
        "<ann@ours.example>", "<ANN@Ours.Example.>", "<ann@ours。example>", "<ann@ｏｕｒｓ.example>",
        '<"ann"@ours.example>', r'<"\a\n\n"@ours.example>', "<ann+x%victim.example@ours.example>",
        "<@victim.example:ann@ours.example>",
        "<postmaster>", "<PostMaster>", "<postmaster@ours.example>", "<postmaster@mx.ours.example>",
        f"<postmaster@[{US}]>", f"<postmaster@[IPv6:::ffff:{US}]>", "<abuse@ours.example>", "<Abuse@mx.ours.example>",
    ],
)  # fmt: skip
async def test_what_is_ours_in_a_disguise_stays_here(ours: str) -> None:
    async with MailNetwork(ZONE) as net:
        server, sink = await a_net(net)
        stranger = await Stranger.call(net, server)
        assert await stranger.command(b"EHLO evil.example") == 250
        assert await stranger.command(b"MAIL FROM:<> SMTPUTF8") == 250
        assert await stranger.command(f"RCPT TO:{ours}".encode()) == 250
        assert await stranger.command(b"DATA") == 354
        assert await stranger.command(b"Subject: x\r\n\r\nx\r\n.") == 250
        await net.settle()
        assert len(await server.mailbox("ann")) == 1
        assert sink.sessions == []


async def test_a_login_that_failed_relays_nothing() -> None:
    async with MailNetwork(ZONE) as net:
        server, _ = await a_net(net)
        stranger = await Stranger.call(net, server, 587)
        assert await stranger.command(b"EHLO evil.example") == 250
        for attempt in (b"AUTH PLAIN AGFubgB3cm9uZw==", b"AUTH PLAIN !", b"AUTH LOGIN\r\n*", b"AUTH PLAIN ="):
            await stranger.say(attempt + b"\r\n")
            assert await stranger.command(b"MAIL FROM:<ann@ours.example>") == 530
            assert await stranger.command(b"RCPT TO:<x@victim.example>") in (503, 530)


@pytest.mark.parametrize(
    "sender", ["bob@ours.example", "x@victim.example", "postmaster@ours.example", "ann@[10.0.0.1]"]
)
async def test_who_is_logged_in_sends_in_no_others_name(sender: str) -> None:
    async with MailNetwork(ZONE) as net:
        server, _ = await a_net(net)
        await server.account("bob@ours.example")
        stranger = await Stranger.call(net, server, 587)
        await stranger.login("bob@ours.example" if sender.startswith("postmaster") else "ann@ours.example")
        assert await stranger.command(f"MAIL FROM:<{sender}>".encode()) == 553
