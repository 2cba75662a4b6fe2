"""Routes that log in with an OAuth token: from a file that is read anew each time."""

from __future__ import annotations

from pathlib import Path

import pytest
from hop_certificates import HopCertificates
from relay_kit import LETTER, Sink, World

from postel.mail import Reply
from postel.routing import Login, ToHop

KITT = "kitt@free.org"
SMART = "hop:smtp:smart.example:587"


class TokenSink(Sink):
    """Takes one token."""

    good = "first"

    def _auth(self, response: bytes | None) -> Reply:
        self.logins += 1
        assert response is not None
        if f"\x01auth=Bearer {self.good}\x01\x01".encode() in response:
            return Reply.parse("235 2.7.0 welcome")
        return Reply.parse("535 5.7.8 who are you?")


async def smart(
    certificates: HopCertificates, file: Path, mechanism: str = "OAUTHBEARER"
) -> tuple[World, TokenSink]:
    world = World("smart.example. A 192.0.2.25")
    world.hops[SMART] = ToHop("smtp", "smart.example", 587, login=Login("frito", token_file=str(file)))
    sink = await world.sink(
        "smart.example", port=587, tls=certificates.server("x.example"), mechanisms=(mechanism, "PLAIN")
    )
    sink.__class__ = TokenSink
    assert isinstance(sink, TokenSink)
    return world, sink


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
async def test_the_token_of_the_file_logs_in(
    certificates: HopCertificates, tmp_path: Path, mechanism: str
) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    world, sink = await smart(certificates, file, mechanism)
    assert (await world.relay(world.job(KITT), lane=SMART)).relayed_to()
    assert sink.taken[0].content == LETTER
    assert sink.was_tls


async def test_the_file_is_read_for_each_login(certificates: HopCertificates, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("stale")
    world, sink = await smart(certificates, file)
    work = await world.relay(world.job(KITT), lane=SMART)
    assert work.down is not None
    assert work.down[0].is_transient
    assert "535 5.7.8" in work.down[0].text
    file.write_text("first")
    assert (await world.relay(world.job(KITT), lane=SMART)).relayed_to()
    assert sink.logins == 2


@pytest.mark.parametrize("content", [None, b"", b"two words", b"\xff", b"x" * 9000, b'{"access_token":"x"}'])
async def test_a_file_without_a_token_holds_the_mail(
    certificates: HopCertificates, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    world, sink = await smart(certificates, file)
    work = await world.relay(world.job(KITT), lane=SMART)
    assert work.down is not None
    assert "no token to log in with" in work.down[0].text
    assert sink.logins == 0
