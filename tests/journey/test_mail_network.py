"""Whole networks: what crosses rooms is tested here."""

import pytest

from postel.testing import MailNetwork, MailServer, a_message

ZONE = """
example.org.  MX 10 mx.example.org.
example.net.  MX 10 mx.example.net.
"""


async def _two(net: MailNetwork, rules: str | None = None) -> tuple[MailServer, MailServer]:
    a = await net.start("mx.example.net", rules, accounts=["ann@example.net"])
    b = await net.start("mx.example.org", accounts=["bob@example.org"])
    return a, b


async def test_mail_is_held_while_the_next_hop_sleeps() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        b.unplug()
        await a.submit(a_message(to="bob@example.org"))
        await net.pass_time(hours=3)
        assert (await a.queue()).only().attempts == ["0m", "1m", "6m", "21m", "51m", "1h51m"]
        b.plug_in()
        await net.settle()
        assert (await b.mailbox("bob")).only().subject == "hello"


async def test_a_dead_destination_does_not_slow_a_living_one() -> None:
    async with MailNetwork(ZONE + "dead.example. MX 10 mx.dead.example.\n") as net:
        a, b = await _two(net)
        net.host("mx.dead.example").unplug()
        for n in range(50):
            await a.submit(a_message(to=f"n{n}@dead.example"))
        await a.submit(a_message(to="bob@example.org"))
        await net.pass_time(seconds=1)
        assert len(await b.mailbox("bob")) == 1
        assert len(await a.queue()) == 50


async def test_when_a_lane_opens_again_all_its_mail_flows_at_once() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        b.unplug()
        for _ in range(30):
            await a.submit(a_message(to="bob@example.org"))
        await net.pass_time(hours=2)
        b.plug_in()
        await a.submit(a_message(to="bob@example.org"))
        await net.pass_time(seconds=5)
        assert len(await b.mailbox("bob")) == 31


async def test_an_unknown_recipient_comes_back_as_a_report_with_the_remote_words() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        await a.submit(a_message(to="nobody@example.org, bob@example.org"))
        await net.settle()
        report = (await a.mailbox("ann")).only()
        assert report.message.get_content_type() == "multipart/report"
        assert b"Status: 5.1.1" in report.content
        assert b"Remote-MTA: dns; mx.example.org" in report.content
        assert b"550 5.1.1 No such mailbox here" in report.content
        assert len(await b.mailbox("bob")) == 1


@pytest.mark.parametrize(
    ("zone", "status"),
    [
        ("", b"Status: 5.1.2"),
        ("gone.example. MX 10 nowhere.gone.example.\n", b"Status: 5.4.4"),
        ("gone.example. MX 10 mx.example.net.\n", b"Status: 5.4.6"),
    ],
)
async def test_what_can_never_be_delivered_comes_back_at_once(zone: str, status: bytes) -> None:
    async with MailNetwork(ZONE + zone) as net:
        a, _ = await _two(net)
        await a.submit(a_message(to="x@gone.example"))
        await net.pass_time(seconds=1)
        assert status in (await a.mailbox("ann")).only().content


async def test_dns_in_trouble_delays_and_does_not_fail() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        net.dns.trouble("example.org")
        await a.submit(a_message(to="bob@example.org"))
        await net.pass_time(hours=1)
        assert (await a.queue()).only().recipient == "bob@example.org"
        net.dns.mend("example.org")
        await net.settle()
        assert len(await b.mailbox("bob")) == 1
        assert not await a.mailbox("ann")


async def test_an_alias_reaches_people_here_and_elsewhere_once_each() -> None:
    rules = '[[domain]]\nname = "example.net"\naliases = { team = ["ann", "bob@example.org", "team"], all = "team" }\n'
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net, rules)
        await a.submit(a_message(to="all@example.net"))
        await net.settle()
        assert len(await a.mailbox("ann")) == 1
        assert len(await b.mailbox("bob")) == 1


async def test_aliases_of_two_servers_that_point_at_each_other_end_in_a_report() -> None:
    to_b = '[[domain]]\nname = "example.net"\naliases = { ping = "pong@example.org" }\n'
    to_a = '[[domain]]\nname = "example.org"\naliases = { pong = "ping@example.net" }\n'
    async with MailNetwork(ZONE) as net:
        a = await net.start("mx.example.net", to_b, accounts=["ann@example.net"])
        await net.start("mx.example.org", to_a)
        await a.submit(a_message(to="ping@example.net"))
        await net.settle()
        assert b"5.4.6" in (await a.mailbox("ann")).only().content


@pytest.mark.parametrize("role", ["postmaster", "abuse", "PostMaster"])
async def test_postmaster_and_abuse_reach_somebody_without_configuration(role: str) -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        await a.submit(a_message(to=f"{role}@example.org"))
        await net.settle()
        assert len(await b.mailbox("bob")) == 1


async def test_a_smarthost_gets_the_login_it_wants_and_its_word_counts() -> None:
    rules = """
[[domain]]
name = "example.net"
[route]
"*" = { to = "smtp:smart.example:587", user = "ann@smart.example", password = "password", tls = "may" }
[delivery]
allow_loopback = true
"""
    async with MailNetwork(ZONE) as net:
        a = await net.start("mx.example.net", rules, accounts=["ann@example.net"])
        b = await net.start("mx.example.org", accounts=["bob@example.org"])
        await net.start(
            "smart.example",
            '[[domain]]\nname = "smart.example"\naliases = { "*" = "ann" }\n[relay]\nnetworks = ["10.0.0.0/8"]\n',
            accounts=["ann@smart.example"],
        )
        await a.submit(a_message(to="bob@example.org"))
        await net.pass_time(minutes=1)
        # A password is never shown without TLS, and this world has none: SCRAM proves it without showing it. The
        # login is good, and its owner is not ann@example.net.
        report = (await a.mailbox("ann")).only()
        assert b"Remote-MTA: dns; smart.example" in report.content
        assert b"553 5.7.1 That sender address is not yours" in report.content
        assert not await b.mailbox("bob")


async def test_a_fixed_route_goes_where_it_says() -> None:
    rules = """
[[domain]]
name = "example.net"
[route]
"far.example" = "smtp:mx.example.org:25"
"gone.example" = "discard"
"no.example" = "error:550 5.7.1 Not there"
"""
    async with MailNetwork(ZONE) as net:
        a = await net.start("mx.example.net", rules, accounts=["ann@example.net"])
        b = await net.start(
            "mx.example.org", '[[domain]]\nname = "far.example"\n', accounts=["bob@far.example"]
        )
        replies = await a.submit(a_message(to="bob@far.example, x@gone.example, y@no.example"))
        assert [reply.code for reply in replies] == [250, 250, 550]
        await net.settle()
        assert len(await b.mailbox("bob")) == 1
        assert not await a.mailbox("ann")


async def test_a_lost_reply_after_the_final_dot_makes_a_duplicate_never_a_loss() -> None:
    # RFC 1047: the one case in which a mail system cannot know.
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        net.internet.cut("mx.example.org", received=1200)
        await a.submit(a_message(to="bob@example.org", body="x" * 600 + "\n"))
        await net.settle()
        assert len(await b.mailbox("bob")) in (1, 2)


async def test_a_scripted_server_answers_as_the_test_wants() -> None:
    async with MailNetwork(ZONE) as net:
        a = await net.start("mx.example.net", accounts=["ann@example.net"])
        script = net.host("mx.example.org").script(
            25,
            ["S 421 4.3.2 Not now", "close"],
            [
                "S 220 mx.example.org ESMTP",
                "C EHLO mx.example.net",
                "S 250 mx.example.org",
                "C MAIL FROM:<ann@example.net>",
                "S 250 OK",
                "C RCPT TO:<bob@example.org>",
                "S 550 5.2.2 Full",
                "C QUIT",
                "S 221 Bye",
            ],
        )
        await a.submit(a_message(to="bob@example.org"))
        await net.settle()
        assert len(script.heard) == 2
        assert b"550 5.2.2 Full" in (await a.mailbox("ann")).only().content


async def test_a_null_reverse_path_is_never_reported_to() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net, '[[domain]]\nname = "example.net"\n[relay]\nnetworks = ["127.0.0.0/8"]\n')
        await a.submit(a_message(to="nobody@example.org"), sender="", login=False)
        await net.settle()
        assert not await a.mailbox("ann")
        assert not await b.mailbox("bob")


async def test_a_slow_line_is_only_slow() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        b.slow(1000)
        await a.submit(a_message(to="bob@example.org", body="x" * 60 + "\n" + ("y" * 60 + "\n") * 1000))
        await net.settle()
        assert len((await b.mailbox("bob")).only().content) > 60_000


async def test_one_copy_goes_out_for_recipients_that_share_a_next_hop() -> None:
    async with MailNetwork(ZONE) as net:
        a = await net.start("mx.example.net", accounts=["ann@example.net"])
        b = await net.start("mx.example.org", accounts=[f"b{n}@example.org" for n in range(20)])
        await a.submit(a_message(to=", ".join(f"b{n}@example.org" for n in range(20))))
        await net.settle()
        traces = {(await b.mailbox(f"b{n}")).only().trace[0] for n in range(20)}
        assert len(traces) == 1


async def test_what_a_restart_finds_is_what_was_there() -> None:
    async with MailNetwork(ZONE) as net:
        a, b = await _two(net)
        b.unplug()
        await a.submit(a_message(to="bob@example.org"))
        for _ in range(5):
            await net.pass_time(minutes=7)
            await a.restart()
        b.plug_in()
        await net.settle()
        assert len(await b.mailbox("bob")) == 1
