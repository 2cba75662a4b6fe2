"""Mail for hosts that take less than it needs: converted, or returned with an honest reason."""

from __future__ import annotations

import email
import email.policy
import logging

import pytest
from relay_kit import Sink, World

from postel.mail.replies import CANNOT_BE_CONVERTED, SMTPUTF8_NEEDED
from postel.proto.smtp import SmtpLimits
from postel.proto.smtp.client_transaction import TOO_BIG_FOR_NEXT_HOP

KITT = "kitt@free.org"
HEAD = b"From: frito@drag.net\r\nTo: kitt@free.org\r\nMIME-Version: 1.0\r\n"
GREETING = "Grüße, und bis bald\r\n" * 20
EIGHT = HEAD + (
    b"Subject: hello\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    + GREETING.encode()
)
BINARY = (
    HEAD + b"Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n" + bytes(range(256)) * 5
)
UTF8 = "From: frito@drag.net\r\nSubject: Grüße\r\n\r\nhello\r\n".encode()
SIGNED = b"DKIM-Signature: v=1; a=rsa-sha256; d=drag.net; s=x; bh=x; b=x\r\n"


async def old_host(world: World, *lacks: str) -> Sink:
    return await world.sink("pluto.free.org", withheld=frozenset(lacks))


def text_in(content: bytes) -> object:
    return email.message_from_bytes(content).get_payload(decode=True)


async def test_eight_bit_text_arrives_through_a_host_without_8bitmime() -> None:
    # RFC 6152 3
    world = World()
    pluto = await old_host(world, "8BITMIME")
    work = await world.relay(world.job(KITT, content=(EIGHT[:100], EIGHT[100:]), BODY="8BITMIME"))
    assert work.relayed_to() == {KITT: "pluto.free.org"}
    (taken,) = pluto.taken
    assert taken.content.isascii()
    assert text_in(taken.content) == GREETING.encode()
    assert "BODY" not in taken.parameters
    assert taken.content.startswith(b"X-MIME-Autoconverted: from 8bit to 7bit by mail.drag.net id ")


async def test_the_size_of_a_converted_message_is_not_declared() -> None:
    world = World()
    pluto = await old_host(world, "8BITMIME")
    await world.relay(world.job(KITT, content=(EIGHT,), BODY="8BITMIME"), world.job(KITT[1:]))
    assert ["SIZE" in taken.parameters for taken in pluto.taken] == [False, True]


async def test_what_is_too_big_already_is_not_converted_first() -> None:
    world = World()
    pluto = await world.sink(
        "pluto.free.org", withheld=frozenset({"8BITMIME"}), limits=SmtpLimits(message_size=70_000)
    )
    work = await world.relay(world.job(KITT, content=(EIGHT * 200,), BODY="8BITMIME"))
    assert work.failed() == {KITT: str(TOO_BIG_FOR_NEXT_HOP)}
    assert pluto.taken == []


async def test_a_host_that_offers_everything_gets_every_octet() -> None:
    world = World()
    pluto = await world.sink("pluto.free.org")
    await world.relay(world.job(KITT, content=(EIGHT,), BODY="8BITMIME"))
    assert pluto.taken[0].content == EIGHT
    assert pluto.taken[0].parameters["BODY"] == "8BITMIME"


async def test_plain_mail_is_not_even_looked_at() -> None:
    world = World()
    pluto = await old_host(world, "8BITMIME", "SMTPUTF8")
    read = 0

    async def reader(content_id: int) -> object:
        nonlocal read
        read += 1
        return await type(world.letters).reader(world.letters, content_id)

    world.letters.reader = reader  # type: ignore[assignment, method-assign]
    await world.relay(world.job(KITT))
    assert (read, len(pluto.taken)) == (1, 1)


async def test_binary_content_becomes_base64_for_a_host_without_binarymime() -> None:
    # RFC 3030 3
    world = World()
    pluto = await old_host(world, "BINARYMIME")
    await world.relay(world.job(KITT, content=(BINARY,), BODY="BINARYMIME"))
    assert text_in(pluto.taken[0].content) == bytes(range(256)) * 5
    assert pluto.taken[0].parameters["BODY"] == "8BITMIME"


async def test_what_is_signed_is_returned_not_broken() -> None:
    world = World()
    pluto = await old_host(world, "8BITMIME")
    signed = HEAD + (
        b"Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        + GREETING.encode()
        + b"\r\n--x\r\nContent-Type: application/pgp-signature\r\n\r\nxxx\r\n--x--\r\n"
    )
    work = await world.relay(world.job(KITT, "rod@free.org", content=(signed,), BODY="8BITMIME"))
    assert set(work.failed().values()) == {str(CANNOT_BE_CONVERTED)}
    assert len(work.failed()) == 2
    assert pluto.taken == []


async def test_after_a_message_that_cannot_go_the_next_one_goes() -> None:
    world = World()
    pluto = await old_host(world, "8BITMIME")
    hopeless = HEAD + b"Content-Type: message/partial\r\n\r\n\xfc\r\n"
    work = await world.relay(world.job(KITT, content=(hopeless,), BODY="8BITMIME"), world.job("rod@free.org"))
    assert list(work.failed()) == [KITT]
    assert len(pluto.taken) == pluto.sessions == 1


async def test_a_dkim_signature_that_breaks_is_named(caplog: pytest.LogCaptureFixture) -> None:
    # RFC 6376 5.3
    world = World()
    pluto = await old_host(world, "8BITMIME")
    with caplog.at_level(logging.INFO, "postel.delivery"):
        await world.relay(world.job(KITT, content=(SIGNED + EIGHT,), BODY="8BITMIME"))
    top = pluto.taken[0].content.partition(b"DKIM-Signature")[0]
    assert b"breaks the signature of drag.net" in top.replace(b"\r\n\t", b" ")
    (record,) = [record for record in caplog.records if "message_converted" in str(record.__dict__)]
    assert "drag.net" in str(record.__dict__)


async def test_a_dkim_signature_may_be_worth_more_than_the_delivery() -> None:
    world = World(converts_signed=False)
    pluto = await old_host(world, "8BITMIME")
    work = await world.relay(
        world.job(KITT, content=(SIGNED + EIGHT,), BODY="8BITMIME"),
        world.job("rod@free.org", content=(EIGHT,), BODY="8BITMIME"),
    )
    assert work.failed() == {KITT: str(CANNOT_BE_CONVERTED)}
    assert pluto.taken[0].recipients == ["rod@free.org"]


async def test_a_header_in_utf8_becomes_ascii_for_a_host_without_smtputf8() -> None:
    world = World()
    pluto = await old_host(world, "SMTPUTF8")
    await world.relay(world.job(KITT, content=(UTF8,), SMTPUTF8=None, BODY="8BITMIME"))
    (taken,) = pluto.taken
    assert taken.content.isascii()
    assert "SMTPUTF8" not in taken.parameters
    assert email.message_from_bytes(taken.content, policy=email.policy.default)["Subject"] == "Grüße"


async def test_an_author_whom_ascii_cannot_name_is_returned() -> None:
    # RFC 6531 3.2
    world = World()
    pluto = await old_host(world, "SMTPUTF8")
    letter = "From: jürgen@drag.net\r\n\r\nx\r\n".encode()
    work = await world.relay(world.job(KITT, content=(letter,), SMTPUTF8=None))
    assert work.failed() == {KITT: str(SMTPUTF8_NEEDED)}
    assert pluto.taken == []


async def test_a_recipient_whom_ascii_cannot_name_is_returned_alone() -> None:
    world = World()
    pluto = await old_host(world, "SMTPUTF8")
    work = await world.relay(world.job(KITT, "jürgen@free.org", content=(UTF8,), SMTPUTF8=None))
    assert work.failed() == {"jürgen@free.org": str(SMTPUTF8_NEEDED)}
    assert [taken.recipients for taken in pluto.taken] == [[KITT]]


async def test_a_conversion_is_planned_once_for_hosts_that_offer_the_same() -> None:
    world = World()
    pluto = await old_host(world, "8BITMIME")
    pluto.most = 1
    await world.relay(world.job(KITT, "rod@free.org", content=(EIGHT,), BODY="8BITMIME"))
    first, second = pluto.taken
    assert first.content == second.content
