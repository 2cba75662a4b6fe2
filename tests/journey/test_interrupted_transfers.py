"""CHECKPOINT (RFC 1845) from end to end: a line that breaks costs nobody a second transfer."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postel.testing import MailNetwork, simulate
from postel.testing.mail_server import MailServer

HOME = "mx.example.org"
AWAY = "mx.example.net"
RESUME = '[checkpoint]\nspare = "0"\nresume = "1"\n[relay]\nnetworks = ["127.0.0.0/8"]\n'
SLACK = 4096  # octets of commands that a session may cost


def a_letter(size_bytes: int) -> bytes:
    rng = random.Random(size_bytes)
    lines, length = [b"From: ann@example.net", b"To: bob@example.org", b"Subject: long", b""], 0
    while length < size_bytes:
        lines.append(rng.choice([b".", b"..dots", b"", b"x" * rng.randrange(1, 900), b"text"]))
        length += len(lines[-1]) + 2
    return b"\r\n".join(lines) + b"\r\n"


class Two:
    """ann@example.net writes to bob@example.org; the line between their servers may break."""

    def __init__(self, net: MailNetwork, away: MailServer, home: MailServer) -> None:
        self.net, self.away, self.home = net, away, home
        self.received = 0  # octets that the home server was sent

    @classmethod
    async def start(cls, net: MailNetwork) -> Two:
        net.zone(f"example.org. MX 10 {HOME}.")
        home = await net.start(
            HOME, f'[[domain]]\nname = "example.org"\n{RESUME}', accounts=["bob@example.org"]
        )
        away = await net.start(
            AWAY, f'[[domain]]\nname = "example.net"\n{RESUME}', accounts=["ann@example.net"]
        )
        return cls(net, away, home)

    async def send(self, letter: bytes) -> None:
        (reply,) = await self.away.submit(letter, sender="ann@example.net", to="bob@example.org", login=False)
        assert reply.code == 250

    async def arrived(self, letter: bytes) -> None:
        """It is there, octet for octet, once."""
        await self.net.settle()
        assert (await self.home.mailbox("bob@example.org")).only().content.endswith(letter[20:])


def run(main, directory: Path) -> None:  # type: ignore[no-untyped-def]
    async def with_net() -> None:
        async with MailNetwork(contents=directory) as net:
            await main(await Two.start(net))

    simulate(with_net)


def test_a_letter_over_a_line_that_breaks_is_sent_once(tmp_path: Path) -> None:
    async def main(two: Two) -> None:
        letter = a_letter(400_000)
        for _ in range(7):
            two.net.internet.cut(HOME, received=60_000)
        two.net.internet.cut(HOME, received=0)  # nobody calls an eighth time
        await two.send(letter)
        await two.net.pass_time(seconds=30)
        assert not await two.away.queue()
        await two.arrived(letter)
        assert two.net.internet.host(HOME).cuts == [(0, None)]

    run(main, tmp_path)


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 30_000), max_size=6), sent=st.integers(0, 1200))
def test_wherever_the_line_breaks_a_letter_arrives_exactly_once(cuts: list[int], sent: int) -> None:
    async def main(two: Two) -> None:
        letter = a_letter(50_000)
        for cut in cuts:
            two.net.internet.cut(HOME, received=cut)
        two.net.internet.cut(HOME, sent=sent)  # its replies break off, the one to the final dot among them
        await two.send(letter)
        await two.arrived(letter)

    with tempfile.TemporaryDirectory() as directory:
        run(main, Path(directory))


@pytest.mark.parametrize("who", ["home", "away"])
def test_a_transfer_goes_on_after_a_restart_of_either_side(tmp_path: Path, who: str) -> None:
    async def main(two: Two) -> None:
        letter = a_letter(200_000)
        two.net.internet.cut(HOME, received=150_000)
        two.home.slow(50_000)
        await two.send(letter)
        await two.net.pass_time(seconds=3.5)
        server = two.home if who == "home" else two.away
        await server.restart()
        two.net.internet.host(HOME).cuts.clear()
        two.home.slow(None)
        two.net.internet.cut(HOME, received=60_000 + SLACK)  # enough for the rest, not for the whole
        await two.arrived(letter)

    run(main, tmp_path)


def test_nothing_is_left_of_a_transfer_that_is_over(tmp_path: Path) -> None:
    async def main(two: Two) -> None:
        two.net.internet.cut(HOME, received=30_000)
        letter = a_letter(60_000)
        await two.send(letter)
        await two.arrived(letter)
        rows = await two.home.postel.rooms.database.read(lambda tx: tx.fetch_all("SELECT id FROM checkpoint"))
        drafts = await two.home.postel.rooms.database.read(
            lambda tx: tx.fetch_all("SELECT file FROM content_draft")
        )
        assert rows == drafts == []

    run(main, tmp_path)


def test_what_nobody_comes_back_for_is_forgotten_in_time(tmp_path: Path) -> None:
    async def main(two: Two) -> None:
        two.net.internet.cut(HOME, received=30_000)
        await two.send(a_letter(60_000))
        await two.net.pass_time(seconds=0.5)
        two.away.unplug()
        await two.net.pass_time(hours=1)
        files = list((tmp_path / HOME).rglob("*"))
        assert [path for path in files if path.is_file()]
        await two.net.pass_time(days=3)
        assert not [path for path in (tmp_path / HOME).rglob("*") if path.is_file()]
        two.away.plug_in()
        await two.away.postel.queue.remove()

    run(main, tmp_path)
