"""Servers on disks that are full or broken for a while: 452 or 451, nothing half-stored, and it passes by itself."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from power_kit import ANN, PASSWORD, Letter, Talk, scratch

from postel.testing import MailNetwork, MailServer

ZONE = "a.example. MX 10 mx.a.example.\nb.example. MX 10 mx.b.example.\n"
LMTP = '[[domain]]\nname = "a.example"\n[[listen]]\nprotocol = "lmtp"\naddress = "0.0.0.0:24"\n'
LARGE = 200_000
CONTENTS = "SELECT (SELECT COUNT(*) FROM content) + (SELECT COUNT(*) FROM content_alone)"


@asynccontextmanager
async def two() -> AsyncIterator[tuple[MailNetwork, MailServer, MailServer]]:
    with scratch() as folder:
        async with MailNetwork(ZONE, disks=folder) as net:
            a = await net.start("mx.a.example", LMTP, accounts=[ANN, "al@a.example"])
            b = await net.start("mx.b.example", accounts=["bob@b.example"])
            try:
                yield net, a, b
            finally:
                heal(a)
                heal(b)


def fail(server: MailServer, number: int | None, *calls: str) -> None:
    """These calls of its disk fail, until this is said again."""
    server.machine.ails = None if number is None else lambda what, path: number if what in calls else None


def fill(server: MailServer) -> None:
    fail(server, errno.ENOSPC, "change", "create")


def heal(server: MailServer) -> None:
    fail(server, None)


def files(server: MailServer) -> list[str]:
    return [path.name for path in (server.machine.folder / "contents").rglob("*") if path.is_file()]


async def contents(server: MailServer) -> int:
    row = await server.postel.rooms.database.read(lambda tx: tx.fetch_one(CONTENTS))
    assert row is not None
    return int(row[0])


async def codes(server: MailServer, *to: str, size: int = 100, login: bool = True) -> list[int]:
    letter = Letter.of("hello", size)
    return [reply.code for reply in await server.submit(letter.octets, sender=ANN, to=to, login=login)]


async def test_a_full_disk_is_452_for_small_and_large_and_passes() -> None:
    async with two() as (net, a, b):
        for size in (100, LARGE):
            before = await contents(a)
            fill(a)
            assert await codes(a, "al@a.example", "bob@b.example", size=size) == [452, 452]
            assert await codes(a, "al@a.example", size=size, login=False) == [452]
            heal(a)
            assert (await contents(a), files(a)) == (before, [])
            assert await codes(a, "al@a.example", "bob@b.example", size=size) == [250, 250]
            await net.settle()
        assert len(await a.mailbox("al")) == len(await b.mailbox("bob")) == 2


async def test_a_broken_disk_is_451_and_passes() -> None:
    async with two() as (net, a, _):
        for calls in (("change",), ("sync",), ("change", "create", "sync")):
            for size in (100, LARGE):
                fail(a, errno.EIO, *calls)
                assert await codes(a, "al@a.example", size=size) == [451], (calls, size)
                heal(a)
        assert await codes(a, "al@a.example") == [250]
        await net.settle()
        assert len(await a.mailbox("al")) == 1


async def test_lmtp_says_so_for_each_recipient_and_nobody_has_half() -> None:
    async with two() as (net, a, _):
        fill(a)
        assert await lmtp(a) == ["452", "452"]
        heal(a)
        assert await lmtp(a) == ["250", "250"]
        await net.settle()
        assert len(await a.mailbox("al")) == len(await a.mailbox("ann")) == 1


async def lmtp(server: MailServer) -> list[str]:
    """The replies to the content, one for each of two recipients."""
    talk = await Talk.dial(server, 24)
    assert (await talk.say("LHLO here", until="\r\n")).startswith("250")
    for line in (f"MAIL FROM:<{ANN}>", f"RCPT TO:<{ANN}>", "RCPT TO:<al@a.example>"):
        assert (await talk.say(line)).startswith("250")
    assert (await talk.say("DATA")).startswith("354")
    replies = await talk.say("Subject: x\r\n\r\nhello\r\n.")
    while replies.count("\r\n") < 2:
        replies += await talk.hear("\r\n")
    await talk.say("QUIT")
    return [line[:3] for line in replies.splitlines()]


async def test_a_reader_keeps_letters_that_cannot_be_deleted() -> None:
    """RFC 1939 6: if the maildrop cannot be updated, QUIT says so; nothing may be lost half."""
    async with two() as (net, a, _):
        for _ in range(3):
            await codes(a, "al@a.example")
        await net.settle()
        reader = await Talk.dial(a, 110)
        await reader.say("USER al@a.example")
        assert (await reader.say(f"PASS {PASSWORD}")).startswith("+OK")
        assert (await reader.say("RETR 1", until="\r\n.\r\n")).startswith("+OK")
        await reader.say("DELE 1")
        await reader.say("DELE 3")
        fill(a)
        assert (await reader.say("QUIT")).startswith("-ERR")
        assert len(await a.mailbox("al")) == 3
        heal(a)
        assert len(await a.mailbox("al")) == 3


async def test_a_login_while_the_disk_is_full_is_refused_or_served_but_never_hangs() -> None:
    async with two() as (_, a, _b):
        fill(a)
        reader = await Talk.dial(a, 110)
        await reader.say("USER al@a.example")
        assert (await reader.say(f"PASS {PASSWORD}"))[:3] in ("+OK", "-ER")
        heal(a)


async def test_what_the_next_hop_has_taken_is_recorded_when_there_is_room_and_not_relayed_again() -> None:
    async with two() as (net, a, b):
        net.internet.latency_s = 0.2
        assert await codes(a, "bob@b.example", size=LARGE) == [250]
        fill(a)  # after our 250, before that of the next hop
        await net.pass_time(hours=1)
        assert len(await b.mailbox("bob")) == 1
        assert len(await a.queue()) == 1
        heal(a)
        await net.settle()
        assert len(await b.mailbox("bob")) == 1
        assert len(await a.queue()) == 0


async def test_mail_waits_at_the_hop_before_while_the_next_one_is_full() -> None:
    async with two() as (net, a, b):
        fill(b)
        assert await codes(a, "bob@b.example") == [250]
        assert await codes(a, "bob@b.example", size=LARGE) == [250]
        await net.pass_time(hours=1)
        assert (await contents(b), files(b)) == (0, [])
        assert {waiting.reply.code for waiting in await a.queue() if waiting.reply} == {452}
        heal(b)
        await net.settle()
        assert len(await b.mailbox("bob")) == 2


async def test_a_local_delivery_waits_for_room_and_happens_once() -> None:
    async with two() as (net, a, b):
        b.unplug()
        assert await codes(a, "al@a.example", "bob@b.example", size=LARGE) == [250, 250]
        fail(a, errno.EIO, "sync")
        await net.pass_time(hours=2)
        heal(a)
        b.plug_in()
        await net.settle()
        assert len(await a.mailbox("al")) == len(await b.mailbox("bob")) == 1


async def test_others_go_on_while_one_letter_has_no_room() -> None:
    """A reserve is kept free of large letters first: those in files. What fits is taken."""
    async with two() as (net, a, _):
        machine = a.machine
        machine.ails = lambda what, path: errno.ENOSPC if "contents" in path and what == "change" else None
        assert await codes(a, "al@a.example", size=LARGE) == [452]
        assert await codes(a, "al@a.example") == [250]
        machine.ails = None
        await net.settle()
        assert len(await a.mailbox("al")) == 1
        assert files(a) == []
