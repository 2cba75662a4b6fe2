"""Whom port 25 takes mail from. Each test names the clause of RFC 2505 that it is about."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_network

import pytest
from smtp_world import PLAIN_ANN, SUBMISSION, world

from postel.net import Endpoint, Stream
from postel.testing import MailNetwork, simulate

ZONE = """
    9.2.0.192.in-addr.arpa.  PTR mail.friend.example.
    mail.friend.example.     A 192.0.2.9
    friend.example.          MX 10 mail.friend.example.
    silent.example.          MX 0 .
"""


async def reply(stream: Stream, line: str = "") -> str:
    if line:
        await stream.write(line.encode() + b"\r\n")
    return (await stream.read(60)).decode()


async def session(net: MailNetwork, ip: str = "192.0.2.9", port: int = 25) -> tuple[Stream, str]:
    server = net.servers["mx.example.org"]
    host = net.internet.host(f"client-{ip}", ip)
    here = next(str(own) for own in server.host.ips if own.version == (6 if ":" in ip else 4))
    stream = await host.dial(Endpoint(here, port), timeout_s=5)
    return stream, await reply(stream)


def play(rules: str, *sessions: tuple[str, list[tuple[str, str]]], zone: str = ZONE) -> None:
    """Sessions from addresses: lines, and how the replies begin; the first line is the greeting."""

    async def main() -> None:
        async with MailNetwork(zone) as net:
            await net.start(
                "mx.example.org", f'[[domain]]\nname = "example.org"\n{rules}', accounts=["bob@example.org"]
            )
            for ip, lines in sessions:
                stream, greeting = await session(net, ip)
                for line, begins in lines:
                    answer = greeting if not line else await reply(stream, line)
                    assert answer.startswith(begins), f"{ip} {line}: {answer}"
                await stream.close()

    simulate(main)


HELLO = ("EHLO client.example", "250")
MAIL = "MAIL FROM:<ann@friend.example>"


def test_hosts_and_groups_of_hosts_are_refused_or_taken_by_address_and_by_name() -> None:
    # RFC 2505 2.5, 2.13
    play(
        '[access]\nclients = ["accept .friend.example", "refuse 192.0.2.0/24", "later 2001:db8::/32"]',
        ("192.0.2.9", [("", "220"), HELLO, (MAIL, "250")]),
        ("192.0.2.10", [("", "554"), ("EHLO x", "503"), ("QUIT", "221")]),
        ("2001:db8::1", [("", "421")]),
        ("198.51.100.1", [("", "220")]),
    )


def test_the_null_reverse_path_is_never_refused() -> None:
    # RFC 2505 2.6.1
    play(
        '[access]\nreverse_paths = ["refuse *"]\ncheck_domain = true',
        ("192.0.2.9", [("", "220"), HELLO, (MAIL, "550 5.7.1"), ("MAIL FROM:<>", "250")]),
    )


def test_reverse_paths_are_refused_by_address_and_by_domain() -> None:
    # RFC 2505 2.7
    play(
        '[access]\nreverse_paths = ["accept good@spam.example", "refuse spam.example", "later x@friend.example"]',
        (
            "192.0.2.9",
            [
                ("", "220"),
                HELLO,
                ("MAIL FROM:<bad@spam.example>", "550 5.7.1"),
                ("MAIL FROM:<X@friend.example>", "450 4.7.1"),
                ("MAIL FROM:<good@spam.example>", "250"),
            ],
        ),
    )


def test_the_domain_of_a_reverse_path_must_exist_where_that_is_wanted() -> None:
    # RFC 2505 2.9; RFC 7505 4.2
    play(
        "[access]\ncheck_domain = true",
        (
            "192.0.2.9",
            [
                ("", "220"),
                HELLO,
                ("MAIL FROM:<a@nowhere.example>", "450 4.1.8"),
                ("MAIL FROM:<a@silent.example>", "5"),
                ("MAIL FROM:<bob@example.org>", "250"),  # 2.6.2
                ("RSET", "250"),
                (MAIL, "250"),
            ],
        ),
    )


def test_trouble_with_dns_is_told_as_trouble() -> None:
    # RFC 2505 2.9, 2.13: "MUST return a 4xx"
    async def main() -> None:
        async with MailNetwork(ZONE) as net:
            net.dns.trouble("friend.example")
            net.dns.trouble("9.2.0.192.in-addr.arpa")
            rules = '[[domain]]\nname = "example.org"\n[access]\ncheck_domain = true\n'
            await net.start("mx.example.org", rules)
            stream, _ = await session(net)
            await reply(stream, "EHLO x")
            assert (await reply(stream, MAIL)).startswith("450 4.1.8")

    simulate(main)


def test_hosts_without_a_name_are_refused_where_that_is_wanted() -> None:
    # RFC 2505 2.5; RFC 7372 3.3
    play(
        '[access]\nnames = "need"',
        ("192.0.2.9", [("", "220")]),
        ("198.51.100.1", [("", "554")]),
    )


def test_the_name_is_in_the_trace_field_where_it_is_looked_up() -> None:
    # RFC 2505 2.2.1
    async def main() -> None:
        async with MailNetwork(ZONE) as net:
            rules = '[[domain]]\nname = "example.org"\n[access]\nnames = "look"\n'
            server = await net.start("mx.example.org", rules, accounts=["bob@example.org"])
            stream, _ = await session(net)
            for line in ("EHLO other.example", MAIL, "RCPT TO:<bob@example.org>", "DATA", "x: y\r\n\r\n."):
                assert (await reply(stream, line))[0] in "23"
            await net.settle()
            [letter] = await server.mailbox("bob@example.org")
            assert "from other.example (mail.friend.example [192.0.2.9])" in letter.trace[0]

    simulate(main)


def test_one_address_sends_so_much_in_an_hour() -> None:
    # RFC 2505 2.8
    async def main() -> None:
        async with MailNetwork(ZONE) as net:
            rules = '[[domain]]\nname = "example.org"\n[limits]\nmessages_per_hour = 2\n'
            await net.start("mx.example.org", rules)
            stream, _ = await session(net)
            await reply(stream, "EHLO x")
            told = [(await reply(stream, line))[:9] for line in (MAIL, "RSET", MAIL, "RSET", MAIL)]
            assert told[2].startswith("250") and told[4] == "450 4.7.1"
            other, _ = await session(net, "192.0.2.10")
            await reply(other, "EHLO x")
            assert (await reply(other, MAIL)).startswith("250")
            await other.close()
            await asyncio.sleep(1700)
            await stream.close()
            again, _ = await session(net)
            await reply(again, "EHLO x")
            assert (await reply(again, MAIL)).startswith("450")
            await asyncio.sleep(200)
            assert (await reply(again, MAIL)).startswith("250")

    simulate(main)


@pytest.mark.parametrize("hides", [True, False])
async def test_the_trace_field_of_ones_own_people_may_be_silent_about_them(hides: bool) -> None:
    # RFC 5321 7.6; RFC 2505 2.2.2
    networks = (ip_network("192.0.2.0/24"),)
    async with world(replace(SUBMISSION, plaintext_login=networks, hides_client=hides)) as w:
        stream = await w.dial()
        assert (await reply(stream)).startswith("220")
        lines = ("EHLO laptop.example", f"AUTH PLAIN {PLAIN_ANN}", "MAIL FROM:<ann@example.org>")
        for line in (*lines, "RCPT TO:<k@free.example>", "DATA", "From: ann@example.org\r\n\r\nx\r\n."):
            assert (await reply(stream, line))[0] in "23"
        content = await w.content()
        assert (b"laptop.example" in content) is not hides
        assert (b"192.0.2.9" in content) is not hides
        assert str(w.log.only("message_accepted")["client"]) == "192.0.2.9", "the log has it in any case"
        await stream.close()
