"""Sizes: RFC 5321 4.5.3.1. What must be taken is taken to the last octet, and what is too large is refused in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standard_kit import ZONE, served, stranger

from postel.mail import Reply, Status
from postel.net import Endpoint
from postel.testing import MailNetwork, Script

LOCAL_PART = "l" * 64


def domain(octets: int) -> str:
    """A domain of so many octets."""
    return ("d" * 62 + ".") * (octets // 63) + "e" * (octets % 63)


# 4.5.3.1.1, 4.5.3.1.2, 4.5.3.1.3


@pytest.mark.parametrize(
    ("local_part", "of"),
    [(LOCAL_PART, "example.net"), ("a", domain(252)), (LOCAL_PART, domain(189))],
)
async def test_4_5_3_1_1_to_3_local_part_domain_and_path(local_part: str, of: str) -> None:
    """64, 255, and 256 with brackets and @, which leaves 252 octets for a domain. Longer ones are our own affair."""
    path = f"<{local_part}@{of}>"
    assert len(path) == 256 or len(local_part) == 64
    async with served() as (_, _, session):
        assert await session.say(f"MAIL FROM:{path}") == 250


async def test_4_5_3_1_2_a_domain_of_more_than_255_octets_is_none() -> None:
    async with served() as (_, _, session):
        assert await session.say(f"MAIL FROM:<a@{domain(256)}>") == 501


async def test_4_5_3_1_1_a_local_part_of_64_octets_is_a_mailbox_like_others() -> None:
    async with served() as (net, server, session):
        await server.account(f"{LOCAL_PART}@example.org")
        assert await session.send([f"{LOCAL_PART}@example.org"]) == [250, 250, 354, 250]
        await net.settle()
        assert len(await server.mailbox(LOCAL_PART)) == 1


# 4.5.3.1.4, 4.5.3.1.5


async def test_4_5_3_1_4_a_command_line_of_512_octets_is_read() -> None:
    async with served() as (_, _, session):
        assert await session.say("NOOP " + "x" * (512 - len("NOOP \r\n"))) == 250


async def test_4_5_3_1_9_a_command_line_without_measure_is_500_and_the_session_goes_on() -> None:
    async with served() as (_, _, session):
        assert await session.say("NOOP " + "x" * 5000) == 500
        assert await session.say("NOOP") == 250


@given(st.text(max_size=2000), st.sampled_from([None, Status(5, 7, 1)]))
def test_4_5_3_1_5_no_reply_line_of_ours_has_more_than_512_octets(text: str, status: Status | None) -> None:
    lines = Reply(550, status, text).format().splitlines(keepends=True)
    assert all(line.endswith(b"\r\n") for line in lines)
    if text.isascii():
        assert all(len(line) <= 512 for line in lines)


# 4.5.3.1.6, 4.5.3.1.7


async def test_4_5_3_1_6_a_text_line_of_1000_octets_arrives_whole_its_doubled_dot_not_counted() -> None:
    lines = [b"." + b"x" * 997, b"y" * 998]
    stuffed = b"Subject: long\r\n\r\n." + lines[0] + b"\r\n" + lines[1]
    async with served() as (net, server, session):
        assert (await session.send(["bob@example.org"], stuffed))[-1] == 250
        await net.settle()
        letter = (await server.mailbox("bob")).only().content
        assert letter.endswith(b"\r\n\r\n" + b"\r\n".join(lines) + b"\r\n")


async def test_4_5_3_1_7_content_of_64k_octets_is_taken() -> None:
    content = b"Subject: large\r\n\r\n" + b"x" * 62 + b"\r\n"
    content += (b"z" * 62 + b"\r\n") * (65_536 // 64)
    async with served() as (net, server, session):
        assert (await session.send(["bob@example.org"], content))[-1] == 250
        await net.settle()
        assert content in (await server.mailbox("bob")).only().content


# 4.5.3.1.8, 4.5.3.1.10


async def test_4_5_3_1_8_a_hundred_recipients_are_taken() -> None:
    async with served() as (_, _, session):
        codes = await session.send([f"postmaster@example.{'org' if n % 2 else 'com'}" for n in range(100)])
        assert codes == [250] * 101 + [354, 250]


async def test_4_5_3_1_10_too_many_are_452_and_those_before_stay_accepted() -> None:
    async with MailNetwork(ZONE) as net:
        server = await net.start(
            "mx.example.org",
            '[[domain]]\nname = "example.org"\n[limits]\nrecipients = 100\n',
            accounts=["bob@example.org"],
        )
        session = await stranger(net)
        codes = await session.send(["bob@example.org"] * 103)
        assert codes == [250] * 101 + [452] * 3 + [354, 250]
        await session.close()
        await net.settle()
        assert len(await server.mailbox("bob")) == 1


@pytest.mark.parametrize("code", [452, 552])
async def test_4_5_3_1_10_a_client_sends_the_rest_later_whichever_code_it_hears(code: int) -> None:
    """RFC 821 had 552 there."""
    opened = ["S 220 mx.example.org ESMTP", "C EHLO ...", "S 250 mx.example.org", "C MAIL ...", "S 250 ok"]
    ended = ["C DATA", "S 354 go on", "C* .", "S 250 ok"]
    first = [
        *opened,
        "C RCPT ...",
        "S 250 ok",
        "C RCPT ...",
        f"S {code} too many recipients",
        *ended,
        "close",
    ]
    script = Script([first, [*opened, "C RCPT TO:<carol@example.org>", "S 250 ok", *ended]])
    async with MailNetwork(ZONE) as net:
        ours = await net.start("mx.example.net", accounts=["ann@example.net"])
        host = net.host("mx.example.org")
        await host.listen(Endpoint("0.0.0.0", 25), script.serve)
        await ours.submit("From: ann@example.net\nTo: bob@example.org, carol@example.org\n\nhello")
        await net.settle()
        assert len(await ours.mailbox("ann")) == 0, "nobody is reported"
        said = [line for heard in script.heard for line in heard]
        assert said.count("RCPT TO:<carol@example.org>") == 2
        assert said.count("RCPT TO:<bob@example.org>") == 1
