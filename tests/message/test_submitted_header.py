"""message.submission: what a submitted message lacks."""

from __future__ import annotations

from dataclasses import replace

from postel.mail import parse_mailbox
from postel.message import HeaderBlock, SubmissionFacts, complete_submission, inspect_submission

FACTS = SubmissionFacts(
    account=parse_mailbox("frito@drag.net"),
    hostname="mail.drag.net",
    queue_id="0abc",
    submitted_at=1767225600,
)
WHOLE = b"Date: x\r\nMessage-ID: <1@x>\r\n"


def block(text: bytes) -> HeaderBlock:
    return HeaderBlock.parse(text + b"\r\n")


def test_what_is_there_is_left_as_it_is() -> None:
    assert complete_submission(block(WHOLE + b"from: <kitt@free.org>\r\n"), FACTS) == b""


def test_date_message_id_and_from_are_added() -> None:
    assert complete_submission(block(b""), FACTS) == (
        b"Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
        b"Message-ID: <0abc@mail.drag.net>\r\n"
        b"From: <frito@drag.net>\r\n"
    )


def test_without_an_account_nobody_is_named() -> None:
    assert complete_submission(block(WHOLE), replace(FACTS, account=None)) == b""


def test_several_authors_need_a_sender() -> None:
    header = block(WHOLE + b"From: <a@drag.net>, <b@drag.net>\r\n")
    assert complete_submission(header, FACTS) == b"Sender: <frito@drag.net>\r\n"
    assert complete_submission(block(header.raw + b"Sender: a@drag.net\r\n"), FACTS) == b""


def test_a_sender_is_added_for_another_author_where_that_is_wanted() -> None:
    facts = replace(FACTS, adds_sender=True)
    assert (
        complete_submission(block(WHOLE + b"From: <kitt@free.org>\r\n"), facts)
        == b"Sender: <frito@drag.net>\r\n"
    )
    assert complete_submission(block(WHOLE + b"From: Frito <FRITO@drag.net>\r\n"), facts) == b""


def test_authors_and_sender_are_read() -> None:
    seen = inspect_submission(
        block(WHOLE + b"From: A <a@drag.net>,\r\n b@drag.net\r\nSender: c@drag.net\r\n")
    )
    assert [str(author) for author in seen.authors] == ["a@drag.net", "b@drag.net"]
    assert str(seen.sender) == "c@drag.net"
    assert (seen.missing, seen.repeated, seen.is_readable, seen.is_resent) == ((), (), True, False)


def test_what_is_missing_and_what_is_too_often_there_is_said() -> None:
    seen = inspect_submission(
        block(b"To: a@b.org\r\nTo: c@d.org\r\nSubject: 1\r\nsubject: 2\r\nnonsense\r\n")
    )
    assert seen.missing == ("Date", "From", "Message-ID")
    assert seen.repeated == ("To", "Subject")
    assert (seen.malformed_lines, seen.sender, seen.authors) == (1, None, ())


def test_every_author_of_several_from_fields_is_seen() -> None:
    seen = inspect_submission(block(b"From: a@b.org\r\nFrom: ceo@bank.example\r\n"))
    assert [str(author) for author in seen.authors] == ["a@b.org", "ceo@bank.example"]
    assert "From" in seen.repeated


def test_an_unreadable_from_is_said_to_be_one() -> None:
    assert not inspect_submission(block(b'From: "x <a@b.org>\r\n')).is_readable


def test_a_resent_message_has_resenders_of_its_latest_block() -> None:
    seen = inspect_submission(
        block(
            b"Resent-From: me@x.org\r\nResent-Sender: s@x.org\r\nResent-From: old@x.org\r\nFrom: a@b.org\r\n"
        )
    )
    assert [str(one) for one in seen.resenders] == ["me@x.org", "s@x.org"]
    assert seen.is_resent
