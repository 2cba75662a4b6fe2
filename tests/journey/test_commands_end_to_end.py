"""ETRN, ATRN, TURN, SEND and its kin, VERB, VRFY and null MX between whole servers."""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from postel.app import Bench, open_bench
from postel.delivery import HopTrouble, ask_for, fetch
from postel.mail import Reply
from postel.net import ConnectionLost, Endpoint, Stream
from postel.routing import Login, TlsPolicy, ToHop
from postel.terminals import TerminalMessage, open_terminal
from postel.testing import FakeClock, MailNetwork, a_message
from postel.testing.mail_server import PASSWORD, MailServer
from postel.tls import self_signed

ZONE = """
    office.example.     MX 10 mail.office.example.
    other.example.      MX 10 mail.other.example.
    example.net.        MX 10 mx.example.net.
    null.example.       MX 0 .
"""
PROVIDER = """
[[domain]]
name = "example.net"
[relay]
domains = ["office.example", ".office.example", "other.example"]
[route]
"office.example" = "pull"
".office.example" = "pull"
[pull]
"office@example.net" = ["office.example", ".office.example"]
"greedy@example.net" = ["office.example"]
[commands]
etrn = ["login", "10.0.0.0/8", "fd00::/8"]
turn = true
[commands.queues]
nightly = ["other.example"]
"""


class Talk:
    """A person at the wire."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._buffer = b""

    async def hear(self) -> str:
        """One whole reply, lines joined by newlines."""
        lines: list[str] = []
        while not lines or lines[-1][3:4] == "-":
            while b"\r\n" not in self._buffer:
                data = await self.stream.read(3600.0)
                if not data:
                    raise ConnectionLost("closed")
                self._buffer += data
            line, _, self._buffer = self._buffer.partition(b"\r\n")
            lines.append(line.decode())
        return "\n".join(lines)

    async def say(self, line: str) -> str:
        await self.stream.write(line.encode() + b"\r\n")
        return await self.hear()


async def talk_to(net: MailNetwork, server: MailServer, port: int = 25, *, login: str | None = None) -> Talk:
    host = net.internet.host("person.example")
    talk = Talk(
        await host.dial(Endpoint(str(min(server.host.ips, key=lambda ip: ip.version)), port), timeout_s=10)
    )
    await talk.hear()
    await talk.say("EHLO person.example")
    if login is not None:
        plain = base64.b64encode(f"\0{login}\0{PASSWORD}".encode()).decode()
        assert (await talk.say(f"AUTH PLAIN {plain}")).startswith("235")
    return talk


@lru_cache(maxsize=1)
def certificate() -> str:
    """Settings of a certificate, made once a test run: keys take their time."""
    made, key = self_signed("mx.example.net", Path(mkdtemp()), FakeClock().now())
    return f'[tls]\ncertificate = "{made}"\nkey = "{key}"\n'


async def provider(net: MailNetwork, rules: str = PROVIDER) -> MailServer:
    rules += certificate()
    accounts = ["office@example.net", "greedy@example.net", "ann@example.net"]
    return await net.start("mx.example.net", rules, accounts=accounts)


async def customer(net: MailNetwork, domain: str = "office.example") -> MailServer:
    return await net.start(f"mail.{domain}", accounts=[f"bob@{domain}"])


async def pull(
    net: MailNetwork, office: MailServer, command: str, login: str = "office@example.net"
) -> Reply:
    """What `postel queue pull` does, on the customer's running server."""
    bench: Bench = await open_bench(office.postel.loaded, office.postel.edges)
    hop = ToHop("smtp", "mx.example.net", 587, Login(login, PASSWORD), TlsPolicy.REQUIRED)
    target, session = await bench.relay_agent().connect(hop)
    # The command has a service of its own; a database in memory would not tell the running queue of its mail.
    return await fetch(target, session, command, office.postel.listeners.bound[0].service.handle)


# ATRN


async def test_mail_waits_until_it_is_fetched_and_comes_over_the_customers_own_connection() -> None:
    async with MailNetwork(ZONE) as net:
        isp, office = await provider(net), await customer(net)
        for number in range(3):
            await isp.submit(
                a_message(to="bob@office.example", sender="ann@example.net", subject=f"{number}")
            )
        await net.pass_time(hours=30)
        assert len(await isp.queue()) == 3
        assert len(await isp.mailbox("ann")) == 0  # nobody is told that it is late
        reply = await pull(net, office, "ATRN office.example")
        assert reply.code == 250
        await net.settle()
        assert sorted(letter.subject for letter in await office.mailbox("bob")) == ["0", "1", "2"]
        assert (await pull(net, office, "ATRN")).code == 453


async def test_a_customer_that_names_a_domain_of_another_gets_nothing_at_all() -> None:
    async with MailNetwork(ZONE) as net:
        isp, office = await provider(net), await customer(net)
        await isp.submit(a_message(to="bob@office.example", sender="ann@example.net"))
        assert (await pull(net, office, "ATRN office.example,other.example")).code == 450
        assert (await pull(net, office, "ATRN sub.office.example", login="greedy@example.net")).code == 450
        assert (await pull(net, office, "ATRN", login="ann@example.net")).code == 453  # no right to anything
        assert len(await isp.queue()) == 1


async def test_turn_does_the_same_where_it_is_switched_on() -> None:
    async with MailNetwork(ZONE) as net:
        isp, office = await provider(net), await customer(net)
        await isp.submit(a_message(to="bob@office.example", sender="ann@example.net"))
        assert (await pull(net, office, "TURN")).code == 250
        await net.settle()
        assert len(await office.mailbox("bob")) == 1


async def test_a_provider_whose_mail_we_do_not_take_keeps_it() -> None:
    async with MailNetwork(ZONE) as net:
        isp, office = await provider(net), await customer(net)
        await isp.submit(a_message(to="nobody@office.example", sender="ann@example.net"))
        assert (await pull(net, office, "ATRN")).code == 250
        await net.settle()
        assert len(await isp.mailbox("ann")) == 1  # the report: 550 by the customer


async def test_a_provider_cannot_relay_through_the_customer() -> None:
    async with MailNetwork(ZONE) as net:
        await provider(net)
        office = await customer(net)
        bench = await open_bench(office.postel.loaded, office.postel.edges)
        service = bench.smtp_service(is_for_programs=False)
        host = net.internet.host("evil.example")
        await host.listen(Endpoint(str(min(host.ips, key=lambda ip: ip.version)), 26), service.handle)
        talk = Talk(await host.dial(Endpoint(str(min(host.ips, key=lambda ip: ip.version)), 26), timeout_s=5))
        await talk.hear()
        await talk.say("EHLO evil.example")
        await talk.say("MAIL FROM:<eve@evil.example>")
        assert (await talk.say("RCPT TO:<victim@example.net>")).startswith("550 5.7.1")
        await talk.stream.close()
        await service.stop(1.0)


async def test_a_line_that_breaks_in_the_middle_loses_nothing() -> None:
    async with MailNetwork(ZONE) as net:
        isp, office = await provider(net), await customer(net)
        for number in range(5):
            await isp.submit(
                a_message(
                    to="bob@office.example",
                    sender="ann@example.net",
                    subject=f"{number}",
                    body="x" * 5000 + "\n",
                )
            )
        net.internet.cut("mx.example.net", sent=12_000)
        with pytest.raises(HopTrouble):
            assert (await pull(net, office, "ATRN")).code == 250
            raise HopTrouble("", Reply(451, None, ""), "the service does not tell of a lost connection")
        await net.pass_time(minutes=3)
        assert len(await isp.queue()) >= 1
        assert (await pull(net, office, "ATRN")).code == 250
        await net.settle()
        assert {letter.subject for letter in await office.mailbox("bob")} == {"0", "1", "2", "3", "4"}


async def test_a_customer_that_turns_and_says_nothing_is_given_up_and_the_mail_stays() -> None:
    async with MailNetwork(ZONE) as net:
        isp = await provider(net)
        await isp.submit(a_message(to="bob@office.example", sender="ann@example.net"))
        talk = await talk_to(net, isp, 587, login="office@example.net")
        assert (await talk.say("ATRN")).startswith("250 2.0.0")
        other = await talk_to(net, isp, 587, login="office@example.net")
        assert (await other.say("ATRN")).startswith("450 4.5.0")  # it is being fetched
        await net.pass_time(minutes=20)
        assert (await other.say("ATRN")).startswith(("250", "421"))
        assert len(await isp.queue()) == 1
        await talk.stream.close()
        await other.stream.close()


async def test_a_customer_that_greets_with_nonsense_is_left() -> None:
    async with MailNetwork(ZONE) as net:
        isp = await provider(net)
        await isp.submit(a_message(to="bob@office.example", sender="ann@example.net"))
        talk = await talk_to(net, isp, 587, login="office@example.net")
        assert (await talk.say("ATRN")).startswith("250 2.0.0")
        await talk.stream.write(b"EHLO I have misunderstood\r\nMAIL FROM:<eve@example.net>\r\n")
        assert await talk.stream.read(60.0) == b""
        await net.pass_time(seconds=10)
        assert len(await isp.queue()) == 1


async def test_atrn_is_announced_where_there_is_a_login_and_nowhere_else() -> None:
    async with MailNetwork(ZONE) as net:
        isp = await provider(net)
        talk = await talk_to(net, isp, 587)
        assert "250-ATRN" in await talk.say("EHLO person.example")
        assert (await talk.say("ATRN")).startswith("530 5.7.0")
        await talk.stream.close()
        talk = await talk_to(net, isp, 25)
        assert "ATRN" not in await talk.say("EHLO person.example")
        assert (await talk.say("ATRN")).startswith("502")
        await talk.stream.close()


# ETRN


async def test_etrn_has_waiting_mail_tried_at_once_and_says_how_much_it_is() -> None:
    async with MailNetwork(ZONE) as net:
        isp, other = await provider(net), await customer(net, "other.example")
        other.unplug()
        for number in range(2):
            await isp.submit(a_message(to=f"bob{'+x' * number}@other.example", sender="ann@example.net"))
        await net.pass_time(hours=5)
        other.plug_in()
        assert len(await isp.queue()) == 2
        bench = await open_bench(other.postel.loaded, other.postel.edges)
        target, session = await bench.relay_agent().connect(ToHop("smtp", "mx.example.net", 25))
        answers = await ask_for(
            target, session, ["other.example", "@other.example", "#nightly", "#none", "example.com"]
        )
        assert [reply.code for _, reply in answers] == [253, 253, 253, 459, 459]
        assert "2 pending messages" in answers[0][1].text
        await net.pass_time(minutes=1)
        assert len(await other.mailbox("bob")) == 2
        talk = await talk_to(net, isp)
        assert (await talk.say("ETRN other.example")).startswith("251 ")
        assert (await talk.say("ETRN office.example")).startswith("458 ")  # that mail waits for ATRN
        assert (await talk.say("ETRN example.net")).startswith("459 ")
        await talk.stream.close()


# SEND, SOML, SAML

TERMINALS = PROVIDER.replace(
    "[commands]", '[commands]\nsend = ["login"]\nverbose = ["login"]\nverify = ["login"]'
)


async def listen(server: MailServer, account: str, seen: list[TerminalMessage]) -> None:
    rooms = server.postel.rooms
    async with open_terminal(rooms.database, server.postel.edges.clock, account) as terminal:
        async for message in terminal.messages():
            seen += [message]


async def begin(talk: Talk, command: str, to: str) -> str:
    assert (await talk.say(f"{command} FROM:<ann@example.net>")).startswith("250")
    return await talk.say(f"RCPT TO:<{to}>")


async def content(talk: Talk) -> str:
    assert (await talk.say("DATA")).startswith("354")
    return await talk.say("From: ann@example.net\r\nSubject: lunch?\r\n\r\nNow?\r\n.")


async def test_send_reaches_a_person_who_is_there_and_nobody_else() -> None:
    async with MailNetwork(ZONE) as net:
        isp = await provider(net, TERMINALS)
        talk = await talk_to(net, isp, 587, login="ann@example.net")
        assert (await begin(talk, "SEND", "office@example.net")).startswith("450 4.2.1")
        assert (await talk.say("RSET")).startswith("250")
        seen: list[TerminalMessage] = []
        waiting = asyncio.create_task(listen(isp, "office@example.net", seen))
        await net.pass_time(seconds=1)
        assert (await begin(talk, "SEND", "office@example.net")).startswith("250")
        assert (await content(talk)).startswith("250 2.1.5")
        assert b"lunch?" in seen[0].content and seen[0].reverse_path == "ann@example.net"
        await net.settle()
        assert len(await isp.mailbox("office")) == 0
        waiting.cancel()
        await asyncio.wait([waiting])
        await talk.stream.close()


async def test_soml_mails_to_whoever_is_not_there_and_saml_mails_in_any_case() -> None:
    async with MailNetwork(ZONE) as net:
        isp = await provider(net, TERMINALS)
        talk = await talk_to(net, isp, 587, login="ann@example.net")
        seen: list[TerminalMessage] = []
        waiting = asyncio.create_task(listen(isp, "office@example.net", seen))
        await net.pass_time(seconds=1)
        assert (await begin(talk, "SOML", "office@example.net")).startswith("250")
        assert (await talk.say("RCPT TO:<greedy@example.net>")).startswith("250")
        assert (await content(talk)).startswith("250")
        assert (await begin(talk, "SAML", "office@example.net")).startswith("250")
        assert (await content(talk)).startswith("250")
        await net.settle()
        assert len(seen) == 2
        assert len(await isp.mailbox("office")) == 1
        assert len(await isp.mailbox("greedy")) == 1
        waiting.cancel()
        await asyncio.wait([waiting])
        await talk.stream.close()


async def test_a_terminal_that_hangs_makes_send_wait_no_longer_than_a_moment() -> None:
    async with MailNetwork(ZONE) as net:
        isp = await provider(net, TERMINALS)
        talk = await talk_to(net, isp, 587, login="ann@example.net")
        async with open_terminal(isp.postel.rooms.database, isp.postel.edges.clock, "office@example.net"):
            assert (await begin(talk, "SEND", "office@example.net")).startswith("250")
            assert (await content(talk)).startswith("451 4.2.1")
            assert (await begin(talk, "SOML", "office@example.net")).startswith("250")
            assert (await content(talk)).startswith("250 2.0.0 queued")
        await net.settle()
        assert len(await isp.mailbox("office")) == 1
        await talk.stream.close()


# VERB, ONEX


async def test_verb_shows_the_delivery_before_the_reply_and_onex_takes_one_message() -> None:
    async with MailNetwork(ZONE) as net:
        isp = await provider(net, TERMINALS)
        await customer(net, "other.example")
        talk = await talk_to(net, isp, 587, login="ann@example.net")
        assert (await talk.say("VERB")).startswith("250")
        assert (await talk.say("ONEX")).startswith("250")
        assert (await begin(talk, "MAIL", "bob@other.example")).startswith("250")
        assert (await talk.say("RCPT TO:<office@example.net>")).startswith("250")
        shown = [await content(talk)]
        while not shown[-1].startswith("250"):
            shown.append(await talk.hear())
        assert sorted(line[:4] for line in shown) == ["050 ", "050 ", "250 "]
        assert any("<office@example.net>... Delivered" in line for line in shown)
        assert any("<bob@other.example>... Sent by mail.other.example (250" in line for line in shown)
        assert (await talk.say("MAIL FROM:<ann@example.net>")).startswith("503")
        await talk.stream.close()


async def test_verb_waits_for_a_silent_destination_only_for_a_while_and_the_message_is_safe() -> None:
    async with MailNetwork(ZONE) as net:
        isp, other = await provider(net, TERMINALS), await customer(net, "other.example")
        net.internet.slow("mail.other.example", 1.0)
        talk = await talk_to(net, isp, 587, login="ann@example.net")
        assert (await talk.say("VERB")).startswith("250")
        assert (await begin(talk, "MAIL", "bob@other.example")).startswith("250")
        shown = await content(talk)
        assert shown.startswith("050 Delivery goes on")
        assert (await talk.hear()).startswith("250")
        net.internet.slow("mail.other.example", None)
        await net.settle()
        assert len(await other.mailbox("bob")) == 1
        await talk.stream.close()


# VRFY, EXPN


async def test_vrfy_and_expn_answer_those_who_are_trusted() -> None:
    rules = TERMINALS.replace(
        'name = "example.net"\n',
        'name = "example.net"\n[domain.aliases]\nall = ["ann", "office", "bob@other.example"]\n'
        'gone = "bob@other.example"\n',
        1,
    ).replace(
        "[relay]", '[[domain]]\nname = "second.example"\n[domain.aliases]\nann = "ann@example.net"\n[relay]'
    )
    async with MailNetwork(ZONE) as net:
        isp = await provider(net, rules)
        stranger = await talk_to(net, isp)
        assert (await stranger.say("VRFY ann@example.net")).startswith("252 2.0.0")
        assert (await stranger.say("VRFY nobody@example.net")).startswith("252 2.0.0")
        assert (await stranger.say("EXPN all")).startswith("252 2.0.0")
        assert "EXPN" not in await stranger.say("EHLO stranger.example")
        await stranger.stream.close()
        ann = await talk_to(net, isp, 587, login="ann@example.net")
        assert "250-EXPN" in await ann.say("EHLO person.example")
        for command, reply in {
            "VRFY office": "250 2.1.5 <office@example.net>",
            "VRFY <Office@EXAMPLE.net>": "250 2.1.5 <Office@EXAMPLE.net>",
            "VRFY nobody": "550 5.1.1 No such mailbox here",
            "VRFY Joe Smith": "550 5.1.1 No such mailbox here",
            "VRFY ann": "553-5.1.4 Ambiguous; possibilities are\n553-5.1.4 <ann@example.net>\n"
            "553 5.1.4 <ann@second.example>",
            "VRFY gone": "251 2.1.5 User not local; will forward to <bob@other.example>",
            "VRFY all": "250 2.1.5 <all@example.net>",
            "EXPN all": "250-2.1.5 <ann@example.net>\n250-2.1.5 <office@example.net>\n250 2.1.5 <bob@other.example>",
            "EXPN office": "250 2.1.5 <office@example.net>",
            "VRFY bob@other.example": "252 2.1.5 Cannot verify from here; the message would be passed on",
        }.items():
            assert await ann.say(command) == reply
        await ann.stream.close()


async def test_an_address_beyond_ascii_is_shown_to_those_who_can_read_it() -> None:
    async with MailNetwork(ZONE) as net:
        isp = await provider(net, TERMINALS)
        await isp.account("jörg@example.net")
        ann = await talk_to(net, isp, 587, login="ann@example.net")
        assert (await ann.say("VRFY jörg SMTPUTF8")) == "250 2.1.5 <jörg@example.net>"
        assert (await ann.say("VRFY jörg")).startswith("553 5.6.7")
        await ann.stream.close()


# 521, 556


async def test_a_person_who_mistypes_a_domain_with_a_null_mx_hears_it_at_once() -> None:
    async with MailNetwork(ZONE) as net:
        isp = await provider(net)
        (reply,) = await isp.submit(a_message(to="bob@null.example", sender="ann@example.net"))
        assert (reply.code, str(reply.status)) == (556, "5.1.10")


async def test_an_originator_with_a_null_mx_is_refused_where_that_is_looked_for() -> None:
    async with MailNetwork(ZONE) as net:
        isp = await provider(net, PROVIDER + '[dns]\nnull_mx = "all"\n')
        talk = await talk_to(net, isp)
        assert (await talk.say("MAIL FROM:<bob@null.example>")).startswith("550 5.7.27")
        assert (await talk.say("MAIL FROM:<>")).startswith("250")
        await talk.stream.close()


async def says_no_mail(stream: Stream) -> None:
    await stream.write(b"521 mx1.free.example does not accept mail\r\n")
    with suppress(ConnectionLost):
        while data := await stream.read(60.0):
            await stream.write(b"221 bye\r\n" if data.upper().startswith(b"QUIT") else b"521 still not\r\n")
            if data.upper().startswith(b"QUIT"):
                break
    await stream.close()


async def test_a_host_that_says_521_is_given_up_for_good_and_the_next_one_is_tried() -> None:
    async with MailNetwork(ZONE) as net:
        isp = await provider(net)
        refusing = net.host("mx1.free.example")
        for ip in refusing.ips:
            await refusing.listen(Endpoint(str(ip), 25), says_no_mail)
        net.zone("free.example. MX 10 mx1.free.example.\nonly.example. MX 10 mx1.free.example.")
        net.zone("free.example. MX 20 mx2.free.example.")
        free = await net.start("mx2.free.example", accounts=["bob@free.example"])
        await isp.submit(a_message(to="bob@free.example", sender="ann@example.net"))
        await isp.submit(a_message(to="bob@only.example", sender="ann@example.net"))
        await net.pass_time(minutes=1)
        assert len(await free.mailbox("bob")) == 1
        (report,) = await isp.mailbox("ann")
        assert "521 mx1.free.example does not accept mail" in str(report.content)


async def test_a_next_hop_that_says_556_to_a_recipient_is_believed() -> None:
    async with MailNetwork(ZONE) as net:
        smart = '[relay]\nnetworks = ["10.0.0.0/8", "fd00::/8"]\n[dns]\nnull_mx = "all"\n'
        await net.start("mail.other.example", smart)
        isp = await provider(net, PROVIDER.replace("[route]", '[route]\n"*" = "smtp:mail.other.example:25"'))
        await isp.submit(a_message(to="bob@null.example", sender="ann@example.net"))
        await net.settle()
        (report,) = await isp.mailbox("ann")
        assert b"Status: 5.1.10" in report.content and b"556 5.1.10" in report.content
