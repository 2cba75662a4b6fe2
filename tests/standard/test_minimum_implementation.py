"""The minimum implementation of RFC 821, 2821 and 5321, section 4.5.1 of each."""

from __future__ import annotations

import pytest
from standard_kit import Stranger, served, stranger

from postel.testing import MailNetwork

# What is said before a command so that it is in its place; its answer when all is well.
PLACES: dict[str, tuple[list[str], str, int]] = {
    "EHLO": ([], "EHLO client.example.net", 250),
    "HELO": ([], "HELO client.example.net", 250),
    "MAIL": ([], "MAIL FROM:<ann@example.net>", 250),
    "RCPT": (["MAIL FROM:<ann@example.net>"], "RCPT TO:<bob@example.org>", 250),
    "DATA": (["MAIL FROM:<ann@example.net>", "RCPT TO:<bob@example.org>"], "DATA", 354),
    "RSET": (["MAIL FROM:<ann@example.net>"], "RSET", 250),
    "NOOP": ([], "NOOP", 250),
    "QUIT": ([], "QUIT", 221),
    "VRFY": ([], "VRFY bob", 252),
}
RFC_821 = ["HELO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT"]
RFC_2821 = ["EHLO", *RFC_821]
RFC_5321 = [*RFC_2821, "VRFY"]


async def in_its_place(session: Stranger, verb: str) -> int:
    before, line, _ = PLACES[verb]
    assert all(code == 250 for code in await session.say_all(*before))
    return await session.say(line)


@pytest.mark.parametrize("verb", RFC_821)
async def test_rfc_821_4_5_1_a_receiver_knows(verb: str) -> None:
    """For a client that knows no EHLO."""
    async with served() as (net, _, _):
        session = await stranger(net, hello="HELO")
        assert await in_its_place(session, verb) == PLACES[verb][2]
        await session.close()


@pytest.mark.parametrize("verb", RFC_2821)
async def test_rfc_2821_4_5_1_a_receiver_knows(verb: str) -> None:
    async with served() as (_, _, session):
        assert await in_its_place(session, verb) == PLACES[verb][2]


@pytest.mark.parametrize("verb", RFC_5321)
async def test_rfc_5321_4_5_1_a_receiver_knows(verb: str) -> None:
    async with served() as (_, _, session):
        assert await in_its_place(session, verb) == PLACES[verb][2]


async def test_rfc_5321_3_5_1_vrfy_knows_a_name_and_a_mailbox() -> None:
    async with served() as (_, _, session):
        assert (
            await session.say_all("VRFY bob", "VRFY <bob@example.org>", "VRFY Bob <bob@example.org>")
            == [252] * 3
        )


@pytest.mark.parametrize(
    "path", ["Postmaster", "postmaster", "POSTMASTER", "pOsTmAsTeR@example.org", "postmaster@example.com"]
)
async def test_rfc_5321_4_5_1_postmaster_is_known_in_any_case_without_a_domain_and_in_all_of_ours(
    path: str,
) -> None:
    async with served() as (net, server, session):
        assert await session.send([path]) == [250, 250, 354, 250]
        await net.settle()
        assert len(await server.mailbox("bob")) == 1


async def test_rfc_821_3_1_a_client_of_1982_sends_a_letter() -> None:
    """HELO, a source route, a line that begins with a dot, and RSET on the way."""
    async with served() as (net, server, _):
        session = await stranger(net, hello="HELO")
        codes = await session.say_all(
            "mail from:<@old.example,@older.example:ann@example.net>",
            "RSET",
            "MAIL FROM:<@old.example:ann@example.net>",
            "RCPT TO:<@mx.example.org:bob@example.org>",
            "rcpt to:<nobody@example.org>",
            "DATA",
        )
        assert codes == [250, 250, 250, 250, 550, 354]
        assert await session.say("Subject: old\r\n\r\n..hidden\r\n.") == 250
        assert await session.say("QUIT") == 221
        await net.settle()
        assert (await server.mailbox("bob")).only().content.endswith(b"\r\n\r\n.hidden\r\n")


async def test_rfc_5321_4_5_4_1_a_sender_queues_and_tries_again() -> None:
    async with MailNetwork("example.org. MX 10 mx.example.org.\nexample.net. MX 10 mx.example.net.\n") as net:
        ours = await net.start("mx.example.net", accounts=["ann@example.net"])
        theirs = await net.start("mx.example.org", accounts=["bob@example.org"])
        theirs.unplug()
        await ours.submit("From: ann@example.net\nTo: bob@example.org\n\nhello")
        await net.pass_time(hours=1)
        theirs.plug_in()
        await net.settle()
        assert len(await theirs.mailbox("bob")) == 1


async def test_rfc_5321_4_5_5_a_report_has_a_null_reverse_path_and_is_never_reported() -> None:
    async with served() as (net, server, session):
        codes = await session.say_all("MAIL FROM:<>", "RCPT TO:<bob@example.org>", "DATA")
        assert codes == [250, 250, 354]
        assert await session.say("Subject: report\r\n\r\nit failed\r\n.") == 250
        await net.settle()
        assert (await server.mailbox("bob")).only().content.startswith(b"Return-Path: <>\r\n")
