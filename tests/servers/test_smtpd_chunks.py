"""BDAT, LMTP and PRDR against the real service: what is stored is what was sent, and each recipient is answered."""

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from smtp_world import HELLO, SMTP, world

from postel.mail import parse_mailbox
from postel.servers.smtpd_options import Service

MAIL = "C MAIL FROM:<kitt@free.example>\nS 250 ...\nC RCPT TO:<ann@example.org>\nS 250 ...\n"
LMTP = replace(SMTP, service=Service.LMTP, neighbours=(ip_network("192.0.2.0/24"),))
LHLO = HELLO.replace("ESMTP", "LMTP").replace("EHLO", "LHLO").replace("    S 250-PRDR\n", "")
TWO = "C RCPT TO:<ann@example.org>\nS 250 ...\nC RCPT TO:<bob@example.org>\nS 250 ...\n"
NOT_FOR_BOB = """
async def content(facts: Content):
    if any(str(mailbox) == "bob@example.org" for mailbox in facts.recipients):
        return refuse("550 5.7.1 No junk for Bob")
"""


async def test_chunks_become_one_message() -> None:
    async with world() as w:
        await w.play(
            HELLO + MAIL + "C| BDAT 16\\r\\nSubject: hello\\r\\n\nS 250 2.0.0 16 octets received\n"
            "C| BDAT 11\\r\\n\\r\\n.\\r\\n..dot\\r\nS 250 ...\nC| BDAT 1 LAST\\r\\n\\n\nS 250 2.0.0 queued as $id\n"
        )
        assert (await w.content()).endswith(b"Subject: hello\r\n\r\n.\r\n..dot\r\n")


async def test_binary_content_is_kept_to_the_octet_and_says_so() -> None:
    async with world() as w:
        await w.play(
            HELLO
            + MAIL.replace("example>", "example> BODY=BINARYMIME", 1)
            + "C| BDAT 14 LAST\\r\\nA: b\\r\\n\\r\\n\\n\\r\\0\\xff\\r\\r\nS 250 2.0.0 queued as $id\n"
        )
        (entry,) = await w.queued()
        assert entry.message.parameters["BODY"] == "BINARYMIME"
        assert (await w.content()).endswith(b"A: b\r\n\r\n\n\r\0\xff\r\r")


async def test_a_reset_between_chunks_leaves_nothing_behind() -> None:
    async with world() as w:
        await w.play(HELLO + MAIL + "C| BDAT 3\\r\\nabc\nS 250 ...\nC RSET\nS 250 ...\nC QUIT\nS 221 ...")
        assert not await w.queued() and await w.count("content") == 0


async def test_a_client_that_goes_away_between_chunks_leaves_nothing_behind() -> None:
    async with world() as w:
        await w.play(HELLO + MAIL + "C| BDAT 3\\r\\nabc\nS 250 ...\nclose client")
        assert not await w.queued() and await w.count("content") == 0


async def test_lmtp_answers_for_each_recipient(tmp_path: Path) -> None:
    async with world(LMTP, hooks=NOT_FOR_BOB, folder=tmp_path) as w:
        await w.play(
            LHLO
            + "C MAIL FROM:<kitt@free.example>\nS 250 ...\n"
            + TWO
            + "C RCPT TO:<ann@example.org>\nS 250 ...\n"
            "C DATA\nS 354 ...\nC Subject: hello\nC\nC Hello\nC .\n"
            "S 250 2.0.0 queued as $id\nS 550 5.7.1 No junk for Bob\nS 250 2.0.0 queued as $id\n"
        )
        (entry,) = await w.queued()
        assert [str(one.recipient.mailbox) for one in entry.message.recipients] == ["ann@example.org"]
        assert b" with LMTP\r\n" in await w.content()
        assert w.log.only("mail_refused")["recipient"] == parse_mailbox("bob@example.org")


async def test_lmtp_takes_mail_for_our_own_domains_only() -> None:
    async with world(LMTP) as w:
        await w.play(
            LHLO
            + "C MAIL FROM:<ann@example.org>\nS 250 ...\nC RCPT TO:<kitt@free.example>\nS 550 5.7.1 ...\n"
            "C RCPT TO:<nobody@example.org>\nS 550 5.1.1 ...\nC DATA\nS 503 5.5.1 No valid recipients\n"
        )


async def test_lmtp_turns_strangers_away() -> None:
    async with world(replace(LMTP, neighbours=())) as w:
        await w.play(
            "S 554 This service is not for you\nC LHLO x\nS 503 ...\nC QUIT\nS 221 ...\nclose server"
        )


@pytest.mark.parametrize("who", ["bob", "ann"])
async def test_with_prdr_content_can_suit_one_and_not_the_other(who: str, tmp_path: Path) -> None:
    hook = NOT_FOR_BOB.replace("bob@", f"{who}@")
    yes, no = "S 250 2.0.0 queued as $id\n", "S 550 5.7.1 No junk for Bob\n"
    async with world(hooks=hook, folder=tmp_path) as w:
        await w.play(
            HELLO
            + "C MAIL FROM:<kitt@free.example> PRDR\nS 250 ...\n"
            + TWO
            + "C DATA\nS 354 ...\nC Subject: hello\nC\nC Hello\nC .\nS 353 ...\n"
            + (yes + no if who == "bob" else no + yes)
            + yes
        )
        (entry,) = await w.queued()
        assert len(entry.message.recipients) == 1 and "PRDR" not in entry.message.parameters


async def test_without_prdr_the_refusal_is_for_all(tmp_path: Path) -> None:
    async with world(hooks=NOT_FOR_BOB, folder=tmp_path) as w:
        await w.play(
            HELLO
            + "C MAIL FROM:<kitt@free.example>\nS 250 ...\n"
            + TWO
            + "C DATA\nS 354 ...\nC Subject: hello\nC\nC Hello\nC .\nS 550 5.7.1 No junk for Bob\n"
        )
        assert not await w.queued()
