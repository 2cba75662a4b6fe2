"""XCLIENT and XFORWARD: what trusted hosts say of their clients, and what it changes."""

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from smtp_world import SMTP, SUBMISSION, World, world

from postel.net import Stream
from postel.servers import AdmissionOptions, Trusted

CLIENTS = Trusted((ip_network("192.0.2.9/32"),))
TRUSTING = replace(SMTP, xclient=CLIENTS, xforward=CLIENTS)


class Talk:
    """A client that says a line and reads its reply."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._read = b""

    async def reply(self) -> str:
        lines = []
        while True:
            while b"\r\n" not in self._read:
                more = await self._stream.read(60)
                assert more, "the server closed"
                self._read += more
            line, _, self._read = self._read.partition(b"\r\n")
            lines.append(line.decode())
            if line[3:4] != b"-":
                return "\n".join(lines)

    async def say(self, *lines: str) -> str:
        """Say lines one by one; the last reply."""
        reply = ""
        for line in lines:
            await self._stream.write(line.encode() + b"\r\n")
            reply = await self.reply()
        return reply


async def talk(w: World) -> Talk:
    made = Talk(await w.dial())
    assert (await made.reply()).startswith("220")
    return made


LETTER = ("MAIL FROM:<kitt@free.example>", "RCPT TO:<ann@example.org>", "DATA", "Subject: x\r\n\r\nx\r\n.")


async def test_the_attributes_are_announced_to_trusted_hosts_alone() -> None:
    async with world(TRUSTING) as w:
        offered = await (await talk(w)).say("EHLO x.example")
        assert "\n250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT REVERSE_NAME\n" in offered
        assert "\n250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\n" in offered
    async with world(replace(SMTP, xclient=Trusted((ip_network("192.0.2.10/32"),)))) as w:
        stranger = await talk(w)
        assert "XCLIENT" not in await stranger.say("EHLO x.example")
        assert (await stranger.say("XCLIENT ADDR=192.0.2.77")).startswith("550 5.7.0")


async def test_the_client_that_is_named_is_in_the_trace_and_in_the_log() -> None:
    async with world(TRUSTING) as w:
        proxy = await talk(w)
        reply = await proxy.say(
            "EHLO proxy.example", "XCLIENT NAME=c.example.net ADDR=198.51.100.7 PORT=50123"
        )
        assert reply == "220 mx.example.org ESMTP Postel"
        assert (await proxy.say("EHLO c.example.net", *LETTER)).startswith("250")
        assert (await w.content()).startswith(
            b"Received: from c.example.net (c.example.net [198.51.100.7]) by mx.example.org\r\n"
        )
        [entry] = await w.queued()
        origin = entry.message.origin
        assert (origin.client_ip, origin.client_host, origin.client_port) == (
            "198.51.100.7",
            "c.example.net",
            50123,
        )
        named, accepted = w.log.only("client_named"), w.log.only("message_accepted")
        assert str(named["by"]) == "192.0.2.9" and str(named["client"]) == "198.51.100.7"
        assert named["session"] == accepted["session"] and str(accepted["client"]) == "198.51.100.7"


async def test_rights_are_those_of_the_client_that_is_named() -> None:
    async with world(TRUSTING, relay_networks=(ip_network("192.0.2.0/24"),)) as w:
        proxy = await talk(w)
        abroad = "RCPT TO:<kitt@elsewhere.example>"
        assert (await proxy.say("EHLO p.example", "MAIL FROM:<a@x.example>", abroad)).startswith("250")
        assert (await proxy.say("RSET", "XCLIENT ADDR=198.51.100.7")).startswith("220")
        assert (await proxy.say("EHLO c.example", "MAIL FROM:<a@x.example>", abroad)).startswith("550 5.7.1")
        assert (await proxy.say("RSET", "XCLIENT ADDR=IPV6:2001:db8::7")).startswith("220"), (
            "it may say it again"
        )
        assert (await proxy.say("RSET", "XCLIENT ADDR=[UNAVAILABLE]")).startswith("220")
        assert (await proxy.say("EHLO c.example", "MAIL FROM:<a@x.example>", abroad)).startswith("550 5.7.1")


async def test_what_it_was_before_is_forgotten() -> None:
    async with world(TRUSTING) as w:
        proxy = await talk(w)
        await proxy.say("EHLO p.example", "XCLIENT ADDR=198.51.100.7")
        assert (await proxy.say("MAIL FROM:<a@x.example>")).startswith("503 5.5.1")


async def test_a_login_that_a_trusted_host_has_checked_counts() -> None:
    async with world(replace(SUBMISSION, xclient=CLIENTS)) as w:
        proxy = await talk(w)
        assert (await proxy.say("EHLO p.example", "XCLIENT LOGIN=nobody@example.org")).startswith("501 5.5.4")
        assert (await proxy.say("XCLIENT LOGIN=no+20address")).startswith("501 5.5.4")
        assert (await proxy.say("MAIL FROM:<ann@example.org>")).startswith("530")
        await proxy.say("XCLIENT LOGIN=ANN@example.org ADDR=198.51.100.7", "EHLO c.example")
        assert (await proxy.say("MAIL FROM:<bob@example.org>")).startswith("553"), "it is Ann, and not Bob"
        letter = (
            "MAIL FROM:<ann@example.org>",
            "RCPT TO:<k@free.example>",
            "DATA",
            "From: ann@example.org\r\n\r\nx\r\n.",
        )
        assert (await proxy.say(*letter)).startswith("250")
        await proxy.say("XCLIENT ADDR=198.51.100.8", "EHLO d.example")
        assert (await proxy.say("MAIL FROM:<ann@example.org>")).startswith("530"), (
            "another client of the proxy"
        )


async def test_policy_is_asked_about_the_client_that_is_named(tmp_path: Path) -> None:
    hooks = """
async def connect(facts: Connect):
    if str(facts.client.ip) == "198.51.100.66":
        return refuse("554 5.7.1 not you", "listed")
"""
    async with world(TRUSTING, hooks=hooks, folder=tmp_path) as w:
        proxy = await talk(w)
        reply = await proxy.say("EHLO p.example", "XCLIENT ADDR=198.51.100.66")
        assert reply == "554 not you"
        assert (await proxy.say("EHLO c.example")).startswith("503")
        assert str(w.log.only("mail_refused")["client"]) == "198.51.100.66"


async def test_many_clients_behind_one_trusted_host_are_not_one_client() -> None:
    limits = AdmissionOptions(connections_per_address=1, exempt=CLIENTS.networks)
    async with world(TRUSTING, admission=limits) as w:
        for _ in range(3):
            await talk(w)


async def test_what_is_forwarded_is_for_the_log_and_the_queue_and_gives_no_rights() -> None:
    async with world(TRUSTING, relay_networks=(ip_network("198.51.100.0/24"),)) as w:
        filter_ = await talk(w)
        await filter_.say(
            "EHLO filter.example", "XFORWARD NAME=c.example.net ADDR=198.51.100.7 HELO=c.example"
        )
        await filter_.say("XFORWARD PROTO=SMTP IDENT=4Xk7 SOURCE=REMOTE PORT=50123")
        reply = await filter_.say("MAIL FROM:<a@x.example>", "RCPT TO:<kitt@elsewhere.example>")
        assert reply.startswith("550 5.7.1")
        assert (await filter_.say("RCPT TO:<ann@example.org>", "DATA", "x: y\r\n\r\n.")).startswith("250")
        assert b"([192.0.2.9])" in await w.content(), "the trace field tells of this hop"
        [entry] = await w.queued()
        origin = entry.message.origin
        assert (origin.client_ip, origin.client_name, origin.client_host) == (
            "198.51.100.7",
            "c.example",
            "c.example.net",
        )
        assert (origin.protocol, origin.ident, origin.source, origin.client_port) == (
            "SMTP",
            "4Xk7",
            "REMOTE",
            50123,
        )
        accepted = w.log.only("message_accepted")
        assert (accepted["origin"], accepted["ident"]) == ("198.51.100.7", "4Xk7")
        assert (await filter_.say(*LETTER)).startswith("250")
        assert "origin" not in w.log["message_accepted"][1] or w.log["message_accepted"][1]["origin"] is None


@pytest.mark.parametrize("forgets", [("RSET",), ("MAIL FROM:<a@x.example>", "RSET")])
async def test_what_is_forwarded_holds_for_one_message(forgets: tuple[str, ...]) -> None:
    async with world(TRUSTING) as w:
        filter_ = await talk(w)
        await filter_.say("EHLO f.example", "XFORWARD ADDR=198.51.100.7 IDENT=4Xk7", *forgets)
        await filter_.say(*LETTER)
        [entry] = await w.queued()
        assert (entry.message.origin.client_ip, entry.message.origin.ident) == ("192.0.2.9", None)
