"""Mail that would go round for ever: through aliases here and there, MX records that name us, reports of reports."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from stranger import Sink, Stranger

from postel.testing import MailNetwork, MailServer, a_message

ONE, TWO = "one.example", "two.example"
ZONE = f"{ONE}. MX 10 mx.{ONE}.\n{TWO}. MX 10 mx.{TWO}."


def domain(name: str, aliases: str = "") -> str:
    return f'[[domain]]\nname = "{name}"\naliases = {{ {aliases} }}\n'


def listed(name: str, members: list[str]) -> str:
    return f"{name} = {json.dumps(members)}"


async def mail(net: MailNetwork, server: MailServer, to: str, *, sender: str = "") -> int:
    stranger = await Stranger.call(net, server)
    await stranger.say(f"EHLO evil.example\r\nMAIL FROM:<{sender}>\r\n".encode())
    code = await stranger.command(f"RCPT TO:<{to}>".encode())
    if code == 250:
        assert await stranger.command(b"DATA") == 354
        code = await stranger.command(b"Subject: x\r\n\r\nx\r\n.")
    return code


@pytest.mark.parametrize(
    "aliases",
    [
        'a = "a"', 'a = "b", b = "a"', 'a = ["a", "b"], b = ["a", "b"]', 'a = "a+x"', '"*" = "a"',
        'a = "b", b = "c", c = "d", d = "a"', '"*" = "nobody"',
    ],
)  # fmt: skip
async def test_an_alias_that_leads_only_to_itself_is_refused_in_the_session(aliases: str) -> None:
    async with MailNetwork(ZONE) as net:
        server = await net.start(f"mx.{ONE}", domain(ONE, aliases))
        assert await mail(net, server, f"a@{ONE}") >= 500
        assert not await server.queue()


@pytest.mark.slow
@pytest.mark.parametrize("sender", [f"ann@{TWO}", ""])
async def test_aliases_of_two_servers_that_lead_to_each_other_end(sender: str) -> None:
    async with MailNetwork(ZONE) as net:
        one = await net.start(f"mx.{ONE}", domain(ONE, f'a = ["b@{TWO}", "c@{TWO}"]'))
        back = domain(TWO, f'b = ["a@{ONE}", "b2"], c = "a@{ONE}", b2 = "a@{ONE}"')
        two = await net.start(f"mx.{TWO}", back, accounts=[f"ann@{TWO}"])
        assert await mail(net, one, f"a@{ONE}", sender=sender) == 250
        await net.settle()
        # One report, though both addresses came back from every round: a message goes on once to each address.
        assert len(await two.mailbox("ann")) == (1 if sender else 0)


async def test_a_domain_whose_mx_records_name_us_does_not_come_back() -> None:
    names = (f"mx.{ONE}.", "other.example.", "mapped.example.")
    for name in names:
        zone = f"{ZONE}\ntrap.example. MX 10 {name}\nother.example. A 10.0.0.1\nmapped.example. AAAA ::ffff:10.0.0.1\n"
        async with MailNetwork(zone) as net:
            server = await net.start(f"mx.{ONE}", accounts=[f"ann@{ONE}"])
            await server.submit(a_message(to="x@trap.example", sender=f"ann@{ONE}"))
            await net.settle()
            assert len(await server.mailbox("ann")) == 1, name  # the report


@pytest.mark.parametrize(
    "literal",
    ["[10.0.0.1]", "[IPv6:fd00::1]", "[IPv6:::ffff:10.0.0.1]", "[127.0.0.1]", "[0.0.0.0]", "[IPv6:::]"],
)
async def test_a_literal_that_means_us_is_refused_or_reported(literal: str) -> None:
    async with MailNetwork(ZONE) as net:
        server = await net.start(f"mx.{ONE}", accounts=[f"ann@{ONE}"])
        stranger = await Stranger.call(net, server, 587)
        await stranger.login(f"ann@{ONE}")
        await stranger.say(f"MAIL FROM:<ann@{ONE}>\r\n".encode())
        if await stranger.command(f"RCPT TO:<x@{literal}>".encode()) == 250:
            await stranger.command(b"DATA")
            await stranger.command(f"From: ann@{ONE}\r\n\r\nx\r\n.".encode())
        await net.settle()
        assert len(await server.mailbox("ann")) <= 1


async def test_a_report_that_fails_goes_nowhere() -> None:
    async with MailNetwork(ZONE) as net:
        server = await net.start(f"mx.{ONE}", accounts=[f"ann@{ONE}"], top=f'postmaster = "ann@{ONE}"')
        sink = await Sink(net, f"mx.{TWO}", refuses="550 5.1.1 nobody\r\n").open()
        await server.submit(a_message(to=f"x@{TWO}", sender=f"ann@{ONE}"), sender=f"ann@{ONE}", to=f"x@{TWO}")
        # And what has the null reverse path already.
        stranger = await Stranger.call(net, server, 587)
        await stranger.login(f"ann@{ONE}")
        await stranger.say(b"MAIL FROM:<>\r\n" + f"RCPT TO:<x@{TWO}>\r\n".encode())
        await stranger.command(b"DATA")
        assert await stranger.command(f"From: ann@{ONE}\r\n\r\nx\r\n.".encode()) == 250
        await net.settle()
        report = (await server.mailbox("ann")).only()
        assert report.content.startswith(b"Return-Path: <>\r\n")
        assert len(sink.sessions) >= 1


@pytest.mark.slow
async def test_two_servers_that_refuse_each_others_reports_fall_silent() -> None:
    """Each knows no mailbox but sends to the other's: a report to nobody is refused, and dropped."""
    async with MailNetwork(ZONE) as net:
        rules = '[relay]\nnetworks = ["0.0.0.0/0"]\n'
        one = await net.start(f"mx.{ONE}", domain(ONE) + rules)
        two = await net.start(f"mx.{TWO}", domain(TWO) + rules)
        assert await mail(net, one, f"nobody@{TWO}", sender=f"nobody@{ONE}") == 250
        assert await mail(net, two, f"nobody@{ONE}", sender=f"nobody@{TWO}") == 250
        began_s = asyncio.get_running_loop().time()
        await net.settle()
        assert asyncio.get_running_loop().time() - began_s < 3600


@pytest.mark.slow
async def test_an_alias_bomb_is_refused_in_the_session() -> None:
    chain = [listed(f"a{n}", [f"a{n + 1}{detail}" for detail in ("", "+x", "+y", "+z")]) for n in range(40)]
    wide = [listed(f"w{n}", [f"m{m}x{n}@{TWO}" for m in range(60)]) for n in range(60)]
    root = listed("wide", [f"w{n}" for n in range(60)])
    async with MailNetwork(ZONE) as net:
        server = await net.start(f"mx.{ONE}", domain(ONE, ", ".join([*chain, *wide, root])))
        began_s = time.process_time()
        assert await mail(net, server, f"a0@{ONE}") >= 500
        assert await mail(net, server, f"wide@{ONE}") >= 500
        assert time.process_time() - began_s < 2
