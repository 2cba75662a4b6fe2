"""One message to one server, at once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hop_certificates import HopCertificates
from relay_kit import FRITO, LETTER, World

from postel.delivery import HopTrouble, submit
from postel.mail import Envelope, Recipient, parse_forward_path, parse_reverse_path
from postel.net import Endpoint
from postel.routing import TlsPolicy

PLUTO = Endpoint("192.0.2.7", 587)


def envelope(*to: str) -> Envelope:
    recipients = tuple(Recipient(parse_forward_path(f"<{path}>")) for path in to)
    return Envelope(parse_reverse_path("<frito@drag.net>"), recipients)


async def test_the_reply_of_each_recipient_comes_back() -> None:
    world = World()
    pluto = await world.sink("pluto.free.org", port=587)
    pluto.refusals = {"nobody@free.org": "550 5.1.1 no"}
    replies = await submit(world.us, PLUTO, envelope("kitt@free.org", "nobody@free.org"), LETTER)
    assert [reply.code for reply in replies] == [250, 550]
    assert pluto.taken[0].content == LETTER
    assert pluto.taken[0].parameters["SIZE"] == str(len(LETTER))


async def test_content_may_come_in_chunks() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for n in range(3):
            yield b"line %d\r\n" % n

    world = World()
    pluto = await world.sink("pluto.free.org", port=587)
    await submit(world.us, PLUTO, envelope("kitt@free.org"), chunks())
    assert pluto.taken[0].content == b"line 0\r\nline 1\r\nline 2\r\n"


async def test_login_and_verified_tls(certificates: HopCertificates) -> None:
    world = World()
    pluto = await world.sink(
        "pluto.free.org",
        port=587,
        tls=certificates.server("pluto.free.org"),
        mechanisms=("LOGIN", "PLAIN"),
        password="sauron",
    )
    for name, is_good in (("pluto.free.org", True), ("other.example", False)):
        sending = submit(
            world.us,
            PLUTO,
            envelope("kitt@free.org"),
            LETTER,
            server_name=name,
            login=FRITO,
            tls=TlsPolicy.VERIFIED,
            tls_context=certificates.verifying,
        )
        if is_good:
            assert [reply.code for reply in await sending] == [250]
        else:
            with pytest.raises(HopTrouble):
                await sending
    assert pluto.logins == 1


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (("S 554 go away", "C QUIT"), "go away"),
        (
            ("S 220 hi", "C EHLO ...", "S 250 hi", "C MAIL ...", "S 421 4.3.2 going down", "close"),
            "going down",
        ),
        (("S 220 hi", "C EHLO ...", "S 250 hi", "C MAIL ...", "close"), "closed the connection"),
        (("close",), "closed the connection"),
    ],
)
async def test_trouble_is_told_with_the_servers_words(part: tuple[str, ...], words: str) -> None:
    world = World()
    world.script("pluto.free.org", part, port=587)
    with pytest.raises(HopTrouble, match=words):
        await submit(world.us, PLUTO, envelope("kitt@free.org"), LETTER)


async def test_nobody_listening_is_told() -> None:
    world = World()
    world.host("pluto.free.org")
    with pytest.raises(HopTrouble, match="connection refused"):
        await submit(world.us, PLUTO, envelope("kitt@free.org"), LETTER)


async def test_content_that_cannot_be_read_drops_the_connection() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half a li"
        raise OSError("the disk is gone")

    world = World()
    pluto = await world.sink("pluto.free.org", port=587)
    with pytest.raises(OSError, match="disk"):
        await submit(world.us, PLUTO, envelope("kitt@free.org"), broken())
    assert not pluto.taken
