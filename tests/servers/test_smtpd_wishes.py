"""Wishes of time and rank, and room for messages, as a client meets them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from smtp_world import HELLO, SMTP, World, world

from postel.servers import FullMailbox, GrantOptions, Room, ServiceOptions
from postel.store import Fill, Quota, Usage

MAIL = "C MAIL FROM:<kitt@free.example> {}\nS {}\n"
RCPT = "C RCPT TO:<ann@example.org>\nS {}\n"
CONTENT = "C DATA\nS 354 ...\nC Subject: x\nC\nC {}\nC .\nS {}\n"
OK = "250 2.1.0 ..."


def hello(*offers: str) -> str:
    return HELLO.replace("S 250 HELP", "".join(f"S 250-{offer}\n    " for offer in offers) + "S 250 HELP")


def granting(**grants: Any) -> ServiceOptions:
    return replace(SMTP, wishes=GrantOptions(**grants))


# Priorities


async def test_a_stranger_gets_the_usual_priority_and_is_told_so() -> None:
    async with world(granting(priority_profile="MIXER")) as w:
        await w.play(
            hello("MT-PRIORITY MIXER")
            + MAIL.format(
                "MT-PRIORITY=5", "250 2.3.6 0 is the priority of this message; you may not ask for more"
            )
            + RCPT.format("250 ...")
            + CONTENT.format("hello", "250 2.0.0 ...")
        )
        (entry,) = await w.queued()
        assert entry.message.parameters["MT-PRIORITY"] == "0"
        assert b"PRIORITY 0;" in b" ".join((await w.content()).split())
        assert w.log.only("message_accepted")["priority"] == "0"


async def test_a_trusted_network_gets_what_is_granted_at_most() -> None:
    networks = (ip_network("192.0.2.0/24"),)
    async with world(granting(priority_profile="", priority_networks=networks, priority_highest=4)) as w:
        await w.play(
            hello("MT-PRIORITY")
            + MAIL.format("MT-PRIORITY=4", OK)
            + "C RSET\nS 250 ...\n"
            + MAIL.format("MT-PRIORITY=5", "250 2.3.6 4 is ...")
            + "C RSET\nS 250 ...\n"
            + MAIL.format("MT-PRIORITY=-9", OK)
        )


# Time


async def slowly(w: World, by: str) -> bytes:
    """The reply to content that takes half a minute."""
    stream = await w.dial()
    reply = await stream.read(10)
    for line in (
        "EHLO client.example.net",
        f"MAIL FROM:<kitt@free.example> BY={by}",
        "RCPT TO:<ann@example.org>",
        "DATA",
    ):
        await stream.write(f"{line}\r\n".encode())
        reply = await stream.read(10)
    assert reply.startswith(b"354")
    await asyncio.sleep(30)
    await stream.write(b"Subject: x\r\n\r\nhello\r\n.\r\n")
    reply = await stream.read(10)
    await stream.close()
    return reply


async def test_the_time_for_delivery_counts_from_mail() -> None:
    async with world(granting(deliver_by_least_s=0)) as w:
        assert (await slowly(w, "120;R")).startswith(b"250 2.0.0")
        (entry,) = await w.queued()
        assert entry.message.parameters["BY"] == "90;R"


async def test_content_that_takes_longer_than_its_time_is_refused() -> None:
    async with world(granting(deliver_by_least_s=0)) as w:
        assert (await slowly(w, "20;R")).startswith(b"554 5.4.7")
        assert await w.queued() == []
        assert await w.count("content") == 0


async def test_only_a_submission_service_holds_messages() -> None:
    async with world(granting(hold_longest_s=3600)) as w:
        await w.play(HELLO + MAIL.format("HOLDFOR=60", "555 5.5.4 ..."))


# Solicitation


async def test_what_nobody_wants_is_refused_at_mail_and_after_the_content() -> None:
    options = granting(no_soliciting=("org.example:ADV",))
    head = "C DATA\nS 354 ...\nC Solicitation: org.example:adv,x:y\nC\nC hello\nC .\n"
    content = head + "S 550 5.7.1 SOLICIT=org.example:adv\n"
    async with world(options) as w:
        await w.play(
            hello("NO-SOLICITING org.example:ADV")
            + MAIL.format("SOLICIT=org.example:ADV", "550 5.7.1 SOLICIT=org.example:ADV")
            + MAIL.format("SOLICIT=x:y", OK)
            + RCPT.format("250 ...")
            + content
        )
        assert await w.queued() == []


async def test_what_a_domain_does_not_want_is_refused_at_rcpt() -> None:
    options = granting(no_soliciting=(), domains_not_soliciting=(("example.org", ("x:y",)),))
    async with world(options) as w:
        await w.play(
            hello("NO-SOLICITING")
            + MAIL.format("SOLICIT=x:y", OK)
            + RCPT.format("550 5.7.1 SOLICIT=x:y")
            + "C RCPT TO:<x@backup.example>\nS 250 ...\n"
        )


# Room


async def much() -> int:
    return 10_000


def room(limit: int = 1000, used: int = 0, reserve: int = 0) -> Room:
    async def fill(account: str) -> Fill | None:
        return Fill(Quota(limit), Usage(used, 0)) if account == "ann@example.org" else None

    return Room(much, reserve, fill)


async def test_a_message_for_which_the_disk_has_no_room_is_refused_for_now() -> None:
    async with world(room=room(reserve=5000)) as w:
        await w.play(
            HELLO
            + MAIL.format("SIZE=5001", "452 4.3.1 ...")
            + MAIL.format("SIZE=5000", OK)
            + "C RSET\nS 250 ...\n"
            + MAIL.format("SIZE=50000001", "552 5.3.4 ...")
        )
    async with world(room=room(reserve=10_001)) as w:
        await w.play(HELLO + "C MAIL FROM:<>\nS 452 4.3.1 ...\n")


@pytest.mark.parametrize(
    ("full", "used", "size", "reply"),
    [
        (FullMailbox.WAIT, 0, 1000, "250 2.1.5 ..."),
        (FullMailbox.WAIT, 0, 1001, "552 5.2.3 ..."),
        (FullMailbox.WAIT, 900, 101, "452 4.2.2 ..."),
        (FullMailbox.WAIT, 900, 100, "250 2.1.5 ..."),
        (FullMailbox.RETURN, 900, 101, "552 5.2.2 ..."),
        (FullMailbox.RETURN, 0, 1001, "552 5.2.3 ..."),
    ],
)
async def test_an_account_is_asked_for_room_at_rcpt(
    full: FullMailbox, used: int, size: int, reply: str
) -> None:
    async with world(replace(SMTP, full_mailbox=full), room=room(used=used)) as w:
        await w.play(
            HELLO
            + MAIL.format(f"SIZE={size}", OK)
            + RCPT.format(reply)
            + "C RCPT TO:<bob@example.org>\nS 250 ...\n"
        )


async def test_a_mailbox_that_is_full_takes_nothing_though_no_size_is_declared() -> None:
    async with world(room=room(used=1000)) as w:
        await w.play(HELLO + "C MAIL FROM:<>\nS 250 ...\n" + RCPT.format("452 4.2.2 ..."))


async def test_content_larger_than_was_declared_is_refused_when_nobody_has_room() -> None:
    async with world(room=room(used=950)) as w:
        body = "x" * 60
        begin = HELLO + "C MAIL FROM:<>\nS 250 ...\n" + RCPT.format("250 ...")
        await w.play(begin + CONTENT.format(body, "452 4.2.2 ..."))
        await w.play(
            begin + "C RCPT TO:<bob@example.org>\nS 250 ...\n" + CONTENT.format(body, "250 2.0.0 ...")
        )
        assert len(await w.queued()) == 1


# Named twice


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ("NOTIFY=NEVER", "NOTIFY=SUCCESS", {"NOTIFY": "SUCCESS"}),
        ("NOTIFY=NEVER", "NOTIFY=NEVER", {"NOTIFY": "NEVER"}),
        ("NOTIFY=NEVER", "", {"NOTIFY": "DELAY,FAILURE"}),
        ("", "NOTIFY=SUCCESS", {"NOTIFY": "DELAY,FAILURE,SUCCESS"}),
        ("", "ORCPT=rfc822;b@x.example", {"ORCPT": "rfc822;b@x.example"}),
        ("ORCPT=rfc822;a@x.example", "ORCPT=rfc822;b@x.example", {"ORCPT": "rfc822;a@x.example"}),
        ("", "", {}),
    ],
)
async def test_who_is_named_twice_hears_what_either_wants(
    first: str, second: str, kept: dict[str, str]
) -> None:
    async with world() as w:
        named = "".join(f"C RCPT TO:<ann@example.org> {text}\nS 250 ...\n" for text in (first, second))
        other = "C RCPT TO:<bob@example.org> NOTIFY=NEVER\nS 250 ...\n"
        await w.play(
            HELLO + "C MAIL FROM:<>\nS 250 ...\n" + other + named + CONTENT.format("x", "250 2.0.0 ...")
        )
        (entry,) = await w.queued()
        bob, ann = entry.message.recipients
        assert dict(ann.recipient.parameters) == kept
        assert bob.recipient.parameters == {"NOTIFY": "NEVER"}
