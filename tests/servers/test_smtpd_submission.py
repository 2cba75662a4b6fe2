"""Submission (RFC 6409): whose name one may use, and what is added to what one wrote."""

from dataclasses import replace
from ipaddress import ip_network

import pytest
from smtp_world import LOGIN, SECURE_HELLO, STARTTLS, SUBMISSION, World, world

OPTIONS = replace(SUBMISSION, plaintext_login=(ip_network("192.0.2.0/24"),))
LOGGED_IN = "S 220 ...\n" + SECURE_HELLO + LOGIN
FIELDS = (
    "Date: Thu, 01 Jan 2026 00:00:00 +0000",
    "Message-ID: <1@client.example.net>",
    "From: <ann@example.org>",
)


def a_mail(*fields: str, reply: str = "250 2.0.0 queued as $id", sender: str = "ann@example.org") -> str:
    head = "".join(f"C {field}\n" for field in fields)
    return (
        LOGGED_IN
        + f"C MAIL FROM:<{sender}>\nS 250 ...\nC RCPT TO:<kitt@free.example>\nS 250 ...\nC DATA\nS 354 ...\n"
        + f"{head}C\nC Hello\nC .\nS {reply}\n"
    )


async def submitted(w: World, *fields: str) -> tuple[bytes, str]:
    bound = await w.play(a_mail(*fields))
    return await w.content(), bound["id"]


async def test_mail_for_anywhere_is_taken_from_who_is_logged_in() -> None:
    async with world(OPTIONS) as w:
        content, queue_id = await submitted(w, *FIELDS)
        assert content == (
            b"Received: from client.example.net ([192.0.2.9]) by mx.example.org with ESMTPA\r\n"
            b"\tid "
            + queue_id.encode()
            + b" for <kitt@free.example>; Thu, 01 Jan 2026 00:00:00 +0000\r\n"
            + "\r\n".join(FIELDS).encode()
            + b"\r\n\r\nHello\r\n"
        )
        [entry] = await w.queued()
        assert entry.message.origin.account == "ann@example.org"
        assert str(w.log.only("message_accepted")["account"]) == "ann@example.org"


async def test_under_tls_the_trace_field_says_so() -> None:
    async with world(SUBMISSION, tls=True) as w:
        await w.play(a_mail(*FIELDS).replace(LOGGED_IN, STARTTLS + LOGIN))
        assert b" with ESMTPSA\r\n\t(TLSv1." in (await w.content()).replace(b"ESMTPSA (", b"ESMTPSA\r\n\t(")


async def test_what_is_missing_is_added_and_nothing_else_touched() -> None:
    async with world(OPTIONS) as w:
        content, queue_id = await submitted(w, "Subject: odd    spacing", "X-Odd:kept")
        head = content.partition(b"\r\n\r\n")[0].decode()
        assert "\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n" in head
        assert f"\r\nMessage-ID: <{queue_id}@mx.example.org>\r\n" in head
        assert "\r\nFrom: <ann@example.org>\r\n" in head
        assert head.endswith("\r\nSubject: odd    spacing\r\nX-Odd:kept")


async def test_port_25_adds_nothing_but_its_trace_field() -> None:
    async with world() as w:
        await w.play(
            "S 220 ...\nC HELO x\nS 250 ...\nC MAIL FROM:<>\nS 250 ...\nC RCPT TO:<ann@example.org>\nS 250 ...\n"
            "C DATA\nS 354 ...\nC\nC x\nC .\nS 250 ..."
        )
        head = (await w.content()).partition(b"\r\n\r\n")[0]
        assert b"Date:" not in head


@pytest.mark.parametrize(
    "sender", ["ann@example.org", "ANN@EXAMPLE.ORG", "ann.alias@example.org", "ann+list@example.org", ""]
)
async def test_the_reverse_path_is_an_address_of_the_account(sender: str) -> None:
    async with world(OPTIONS) as w:
        await w.play(LOGGED_IN + f"C MAIL FROM:<{sender}>\nS 250 2.1.0 ...")


@pytest.mark.parametrize(
    "sender",
    ["bob@example.org", "sales@example.org", "mixed@example.org", "kitt@free.example", "nobody@example.org"],
)
async def test_another_reverse_path_is_refused(sender: str) -> None:
    async with world(OPTIONS) as w:
        await w.play(LOGGED_IN + f"C MAIL FROM:<{sender}>\nS 553 5.7.1 That sender address is not yours")
        refused = w.log.only("mail_refused")
        assert refused["because"] == f"{sender} is no address of ann@example.org"
        assert refused["by"] == "postel:sender"


@pytest.mark.parametrize(
    "fields",
    [
        ["From: Ann <ann@example.org>"],
        ["From: ann.alias@example.org"],
        ["From: The Boss <boss@free.example>", "Sender: ann@example.org"],
        ["From: kitt@free.example", "Resent-From: ann@example.org"],
        ["From: ann@example.org, bob@example.org"],
        ["Subject: no From at all"],
    ],
)
async def test_who_answers_for_the_message_is_the_account(fields: list[str]) -> None:
    async with world(OPTIONS) as w:
        await submitted(w, *fields)


@pytest.mark.parametrize(
    ("fields", "reply"),
    [
        (["From: bob@example.org"], "550 5.7.1 ..."),
        (["From: bob@example.org", "Sender: kitt@free.example"], "550 5.7.1 ..."),
        (["From: ann@example.org", "From: bob@example.org"], "554 5.6.0 ..."),
        (["From: ann@example.org", "Sender: ann@example.org", "Sender: bob@example.org"], "554 5.6.0 ..."),
        (["From: ann@example.org, <"], "554 5.6.0 ..."),
        (["From: ann@example.org", "Resent-From: kitt@free.example"], "550 5.7.1 ..."),
        (["From:"], "550 5.7.1 ..."),
    ],
)
async def test_another_author_is_refused(fields: list[str], reply: str) -> None:
    async with world(OPTIONS) as w:
        await w.play(a_mail(*fields, reply=reply))
        assert await w.queued() == []
        assert await w.count("content") == 0


async def test_the_author_is_free_where_so_configured() -> None:
    async with world(replace(OPTIONS, own_from=False)) as w:
        await submitted(w, "From: The Boss <boss@free.example>")


async def test_content_that_begins_with_a_blank_adds_nothing_to_the_fields_put_on_top() -> None:
    async with world(OPTIONS) as w:
        bound = await w.play(
            a_mail("S").replace("C S\n", "C| \\t, boss@example.org\\r\\nFrom: boss@example.org\\r\\n\n")
        )
        assert (await w.content()).endswith(
            f"\r\nMessage-ID: <{bound['id']}@mx.example.org>\r\nFrom: <ann@example.org>\r\n\r\n"
            "\t, boss@example.org\r\nFrom: boss@example.org\r\n\r\nHello\r\n".encode()
        )


@pytest.mark.parametrize(
    ("said", "passed_on"),
    [
        ("ann@example.org", "ann@example.org"),
        ("boss@example.org", "<>"),
        ("<>", "<>"),
        ("Ann@Example.Org",) * 2,
    ],
)
async def test_nobody_is_vouched_for_but_who_has_logged_in(said: str, passed_on: str) -> None:
    async with world(OPTIONS) as w:
        await w.play(a_mail(*FIELDS).replace("MAIL FROM:<ann@example.org>", f"MAIL FROM:<> AUTH={said}"))
        [entry] = await w.queued()
        assert entry.message.parameters["AUTH"] == passed_on
