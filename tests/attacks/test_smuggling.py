"""One message hidden in another (SMTP smuggling): what ends the data here ends it nowhere else, and the reverse.

Two sides. Coming in: nothing but CRLF.CRLF ends the data, however it is cut, so that a sender who was talked into
passing something else on smuggles nothing into us. Going out: what we pass on holds no other end of data that some
receiver might believe in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stranger import Sink, Stranger

from postel.proto.smtp.dot_stuffing import DotStuffer
from postel.testing import MailNetwork, MailServer

ZONE = "victim.example. MX 10 mx.victim.example."
LINE_ENDS = (
    b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\0\n", b"\0\r\n", b"\r\n\0", b"\x0b", b"\x0c", b"\xc2\x85",
    b"\xe2\x80\xa8",
)  # fmt: skip
DOTS = (b".", b".\0", b"\0.", b"..", b". ", b"\t.")
KNOWN = (
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\r\r\n.\r\r\n", b"\r\n.\0\r\n", b"\n.\r",
)  # fmt: skip
SMUGGLED = (
    b"MAIL FROM:<boss@ours.example>\r\nRCPT TO:<ann@ours.example>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"
)


async def a_net(net: MailNetwork) -> MailServer:
    return await net.start("mx.ours.example", accounts=["ann@ours.example", "bob@ours.example"])


def fake_ends() -> list[bytes]:
    ends = [first + dot + last for first in LINE_ENDS for dot in DOTS for last in LINE_ENDS]
    return [end for end in ends if b"\r\n.\r\n" not in b"\r\n" + end + b"x" and end != b"\r\n.\r\n"]


async def begin(net: MailNetwork, server: MailServer, port: int) -> Stranger:
    stranger = await Stranger.call(net, server, port)
    if port == 587:
        await stranger.login("ann@ours.example")
    else:
        await stranger.command(b"EHLO evil.example")
    return stranger


async def transact(stranger: Stranger, content: bytes, to: bytes, *, at_once: int = 1 << 30) -> bytes:
    for line in (b"MAIL FROM:<ann@ours.example>", b"RCPT TO:<" + to + b">"):
        assert await stranger.command(line) == 250
    assert await stranger.command(b"DATA") == 354
    return await stranger.say(content, at_once=at_once)


@pytest.mark.parametrize("at_once", [1, 1 << 30])
@pytest.mark.parametrize("port", [25, 587])
async def test_no_end_that_ever_worked_elsewhere_ends_the_data(port: int, at_once: int) -> None:
    await ends_nothing(KNOWN, port, at_once)


@pytest.mark.slow
@pytest.mark.parametrize("port", [25, 587])
async def test_nothing_that_looks_like_an_end_ends_the_data(port: int) -> None:
    await ends_nothing(fake_ends(), port, 7)


async def ends_nothing(ends: Iterable[bytes], port: int, at_once: int) -> None:
    async with MailNetwork(ZONE) as net:
        server = await a_net(net)
        for end in ends:
            stranger = await begin(net, server, port)
            content = b"From: ann@ours.example\r\nSubject: x\r\n\r\none" + end + SMUGGLED
            answer = await transact(stranger, content, b"bob@ours.example", at_once=at_once)
            # What follows the one true end is no second message either: the smuggler's is inside of the first.
            assert len(answer.splitlines()) == 1, end
            assert answer[:3] == (b"554" if has_bare_newline(end) else b"250"), end
            stranger.stream.abort()
        await net.settle()
        assert len(await server.mailbox("ann")) == 0


def has_bare_newline(octets: bytes) -> bool:
    return re.search(rb"\r(?!\n)|(?<!\r)\n", octets) is not None


@pytest.mark.slow
async def test_what_we_pass_on_ends_once_for_any_receiver() -> None:
    async with MailNetwork(ZONE) as net:
        server = await a_net(net)
        sink = await Sink(net, "mx.victim.example", "8BITMIME", "SMTPUTF8", "PIPELINING").open()
        sent = 0
        for end in fake_ends():
            stranger = await begin(net, server, 587)
            content = b"From: ann@ours.example\r\nSubject: x\r\n\r\none" + end + b"two\r\n.\r\n"
            answer = await transact(stranger, content, b"x@victim.example")
            sent += answer[:3] == b"250"
            stranger.stream.abort()
        await net.settle()
        assert len(sink.contents) == sent > 0
        for content in sink.contents:
            assert_ends_once(content)


def assert_ends_once(wire: bytes) -> None:
    """No line but the last is a lone dot, by whichever line ends a receiver goes; no CR or LF stands alone."""
    assert wire.endswith(b"\r\n.\r\n")
    body = wire[:-3]
    assert not has_bare_newline(body)
    for line_end in (rb"\r\n", rb"\n", rb"\r", rb"\r\n|\r|\n"):
        assert b"." not in [line.strip(b"\r\n") for line in re.split(line_end, body)]


pieces = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"\r\n.\r\n", b"\n.\n", b"a", b"\0", b""])
)


@given(pieces)
def test_no_content_whatever_makes_our_client_end_twice(chunks: list[bytes]) -> None:
    stuffer = DotStuffer()
    wire = b"".join([*(stuffer.stuff(chunk) for chunk in chunks), stuffer.end()])
    assert_ends_once(b"\r\n" + wire)


@pytest.mark.parametrize("cut", [1, 2])
async def test_the_true_end_is_found_across_segments(cut: int) -> None:
    async with MailNetwork(ZONE) as net:
        server = await a_net(net)
        stranger = await begin(net, server, 25)
        content = b"Subject: x\r\n\r\n..\r\n...\r\n"
        assert await transact(stranger, content + b".\r\n"[:cut], b"bob@ours.example") == b""
        assert (await stranger.say(b".\r\n"[cut:])).startswith(b"250")
        await net.settle()
        assert (await server.mailbox("bob")).only().content.endswith(b"\r\n\r\n.\r\n..\r\n")


async def test_content_sent_before_it_is_asked_for_is_not_taken() -> None:
    """A client that does not wait for 354 is a message in a message, or a browser made to talk to us."""
    async with MailNetwork(ZONE) as net:
        server = await a_net(net)
        stranger = await begin(net, server, 25)
        await stranger.say(SMUGGLED)
        assert await stranger.is_gone()
        await net.settle()
        assert len(await server.mailbox("ann")) == 0
