"""message.report: delivery status notifications, read back with the standard library."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage, Message
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import LocalPart, Mailbox, Reply, Status, parse_domain, parse_mailbox, replies
from postel.message import Action, RecipientReport, ReportFacts, compose_report, report_parameters
from postel.message.advice import advice_for

AT = 1767225600.0
HEAD = b"From: Frito <frito@drag.net>\r\nSubject: =?utf-8?q?H=C3=A4llo?=\r\nMessage-ID: <1@drag.net>\r\n\r\n"
FAILED = RecipientReport(
    mailbox=parse_mailbox("kitt@free.org"),
    action=Action.FAILED,
    reply=Reply(550, Status(5, 1, 1), "No such user\nSee https://free.org/help"),
    remote="pluto.free.org",
    last_attempt_at=AT,
)
DELAYED = RecipientReport(
    mailbox=parse_mailbox("slow@free.org"),
    action=Action.DELAYED,
    reply=replies.NO_NEXT_HOP,
    last_attempt_at=AT,
    retry_until_at=AT + 86400,
)
FACTS = ReportFacts(
    hostname="mail.drag.net",
    report_id="0report",
    composed_at=AT,
    to=parse_mailbox("frito@drag.net"),
    recipients=(FAILED,),
    head=HEAD,
    arrived_at=AT - 60,
    content=HEAD + b"Hello\r\n",
    queue_id="0abc",
)


def parsed(facts: ReportFacts) -> EmailMessage:
    octets = compose_report(facts)
    message = email.message_from_bytes(octets, policy=email.policy.SMTP)
    assert octets.count(b"\n") == octets.count(b"\r\n") == octets.count(b"\r")
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))
    assert not any(part.defects for part in message.walk())
    return cast(EmailMessage, message)


def parts(facts: ReportFacts) -> list[Message]:
    return cast(list[Message], parsed(facts).get_payload())


def text(facts: ReportFacts) -> str:
    payload = cast(bytes, parts(facts)[0].get_payload(decode=True))
    return payload.decode("utf-8").replace("\r\n", "\n")


def groups(facts: ReportFacts) -> list[Message]:
    """The groups of fields of the machine part."""
    return cast(list[Message], parts(facts)[1].get_payload())


def test_it_is_a_multipart_report_with_three_parts() -> None:
    message = parsed(FACTS)
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert [part.get_content_type() for part in parts(FACTS)] == [
        "text/plain", "message/delivery-status", "message/rfc822",
    ]  # fmt: skip


def test_its_header_says_who_and_that_it_is_automatic() -> None:
    message = parsed(FACTS)
    assert message["From"] == '"Mail delivery at mail.drag.net" <postmaster@mail.drag.net>'
    assert message["To"] == "frito@drag.net"
    assert message["Subject"] == "Your message to kitt@free.org could not be delivered"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Message-ID"] == "<0report@mail.drag.net>"
    assert message["Date"] == "Thu, 01 Jan 2026 00:00:00 +0000"
    assert message["In-Reply-To"] == message["References"] == "<1@drag.net>"


def test_a_reply_to_it_reaches_the_postmaster_that_is_configured() -> None:
    assert "<root@drag.net>" in parsed(replace(FACTS, postmaster=parse_mailbox("root@drag.net")))["From"]
    unicode = replace(FACTS, postmaster=parse_mailbox("chéf@drag.net"))
    assert "<postmaster@mail.drag.net>" in parsed(unicode)["From"]


def test_a_message_id_that_is_none_is_not_repeated() -> None:
    message = parsed(replace(FACTS, head=b"Message-ID: <a b@c>\r\n\r\n"))
    assert message["In-Reply-To"] is None


def test_the_machine_part_about_the_message() -> None:
    fields = groups(replace(FACTS, envelope_id="QQ+2B1"))[0]
    assert fields["Reporting-MTA"] == "dns; mail.drag.net"
    assert fields["Arrival-Date"] == "Wed, 31 Dec 2025 23:59:00 +0000"
    assert fields["Original-Envelope-Id"] == "QQ+1"
    assert groups(FACTS)[0]["Original-Envelope-Id"] is None


def test_the_machine_part_about_a_failed_recipient() -> None:
    fields = groups(FACTS)[1]
    assert fields["Final-Recipient"] == "rfc822;kitt@free.org"
    assert fields["Original-Recipient"] is None
    assert fields["Action"] == "failed"
    assert fields["Status"] == "5.1.1"
    assert fields["Remote-MTA"] == "dns; pluto.free.org"
    assert fields["Diagnostic-Code"] == "smtp; 550 5.1.1 No such user See https://free.org/help"
    assert fields["Last-Attempt-Date"] == "Thu, 01 Jan 2026 00:00:00 +0000"
    assert fields["Final-Log-ID"] == "0abc"
    assert fields["Will-Retry-Until"] is None


def test_the_machine_part_about_a_delayed_recipient() -> None:
    fields = groups(replace(FACTS, recipients=(DELAYED,)))[1]
    assert (fields["Action"], fields["Status"]) == ("delayed", "4.4.1")
    assert fields["Will-Retry-Until"] == "Fri, 02 Jan 2026 00:00:00 +0000"
    assert fields["Diagnostic-Code"].startswith("x-postel; 451 4.4.1 ")
    assert fields["Remote-MTA"] is None


def test_the_class_of_the_status_follows_the_action() -> None:
    expired = replace(FAILED, reply=Reply(451, Status(4, 4, 2), "later"))
    assert groups(replace(FACTS, recipients=(expired,)))[1]["Status"] == "5.4.2"
    overridden = replace(expired, status=Status(5, 4, 7))
    assert groups(replace(FACTS, recipients=(overridden,)))[1]["Status"] == "5.4.7"
    delivered = replace(FAILED, action=Action.DELIVERED, reply=Reply(250, None, "ok"))
    assert groups(replace(FACTS, recipients=(delivered,)))[1]["Status"] == "2.0.0"


def test_the_original_recipient_is_what_the_sender_said() -> None:
    def original(value: str) -> str:
        return str(
            groups(replace(FACTS, recipients=(replace(FAILED, original_recipient=value),)))[1][
                "Original-Recipient"
            ]
        )

    assert original("rfc822;sales+2Bx@drag.net") == "rfc822;sales+x@drag.net"
    assert original("x400;a+0D+0Ab") == "x400;a  b"
    assert original("nonsense@x.org") == "rfc822;nonsense@x.org"
    assert original("rfc822;j+C3+BCrgen@x.org") == "utf-8;j\\x{FC}rgen@x.org", "as Postfix writes it"
    assert original("x400;j+C3+BCrgen") == "x400;j?rgen"
    assert original("utf-8;j\\x{FC}rgen@x.org") == "utf-8;j\\x{FC}rgen@x.org"
    assert original("utf-8;jürgen@x.org") == "utf-8;j\\x{FC}rgen@x.org"


def test_several_recipients_have_a_group_each() -> None:
    facts = replace(FACTS, recipients=(FAILED, DELAYED))
    assert [group["Final-Recipient"] for group in groups(facts)[1:]] == [
        "rfc822;kitt@free.org", "rfc822;slow@free.org",
    ]  # fmt: skip
    assert parsed(facts)["Subject"] == "Your message could not be delivered"


def test_a_person_reads_what_happened_to_whom_in_whose_words_and_what_to_do() -> None:
    words = text(FACTS)
    assert "Subject: Hällo" in words
    assert "could not be delivered to:" in words
    assert "kitt@free.org" in words
    assert "There is no such mailbox" in words
    assert "pluto.free.org, said:\n\n      550 5.1.1 No such user See https://free.org/help\n" in words
    assert "What you can do: check the address" in words
    assert "name the number 0abc" in words


def test_a_person_reads_that_nothing_need_be_done_about_a_delay() -> None:
    words = " ".join(text(replace(FACTS, recipients=(DELAYED,))).split())
    assert "We go on trying until Fri, 02 Jan 2026 00:00:00 +0000" in words
    assert "Please do not send the message again" in words
    assert "What you can do" not in words


def test_a_person_reads_which_alias_led_there() -> None:
    words = text(replace(FACTS, recipients=(replace(FAILED, original=parse_mailbox("sales@drag.net")),)))
    assert "  sales@drag.net\n  (which leads to kitt@free.org)\n" in words


@pytest.mark.parametrize(
    ("action", "heading"),
    [
        (Action.DELIVERED, "was delivered"),
        (Action.RELAYED, "was passed on"),
        (Action.EXPANDED, "was passed on"),
    ],
)
def test_success_is_told_without_advice(action: Action, heading: str) -> None:
    facts = replace(FACTS, recipients=(replace(FAILED, action=action, reply=replies.OK),))
    assert heading in text(facts)
    assert "What you can do" not in text(facts)
    assert parts(facts)[2].get_content_type() == "text/rfc822-headers"


def test_the_message_is_returned_whole_to_the_last_octet() -> None:
    octets = compose_report(FACTS)
    assert b"\r\n\r\n" + HEAD + b"Hello\r\n\r\n--" in octets


def test_without_content_the_header_is_returned() -> None:
    last = parts(replace(FACTS, content=None))[2]
    assert last.get_content_type() == "text/rfc822-headers"
    assert str(last.get_payload()).replace("\r\n", "\n") == HEAD.decode().replace("\r\n", "\n")[:-1]


def test_a_delay_returns_only_the_header() -> None:
    assert parts(replace(FACTS, recipients=(DELAYED,)))[2].get_content_type() == "text/rfc822-headers"


def test_a_returned_message_that_is_binary_is_declared() -> None:
    # RFC 2045 6.4: it must not be encoded, but a hop that takes less can have it converted inside.
    facts = replace(FACTS, content=HEAD + b"a\0b\r\n")
    octets = compose_report(facts)
    assert parts(facts)[2]["Content-Transfer-Encoding"] == "binary"
    assert report_parameters(facts, octets) == {"BODY": "BINARYMIME"}


def test_returned_octets_above_127_are_declared() -> None:
    facts = replace(FACTS, content=HEAD + b"h\xe4llo\r\n")
    octets = compose_report(facts)
    assert parts(facts)[2]["Content-Transfer-Encoding"] == "8bit"
    assert report_parameters(facts, octets) == {"BODY": "8BITMIME"}


def test_a_report_without_them_needs_no_parameters_and_is_7_bit() -> None:
    facts = replace(FACTS, content=None, head=b"Subject: h\xe4llo\r\n\r\n")
    octets = compose_report(facts)
    assert octets.isascii()
    assert report_parameters(facts, octets) == {}


UTF8 = replace(
    FACTS,
    is_smtputf8=True,
    recipients=(
        replace(
            FAILED, mailbox=parse_mailbox("jürgen@free.org"), original_recipient="utf-8;j\\x{FC}rgen@free.org"
        ),
    ),
    head="Subject: Hällo\r\n\r\n".encode(),
    content="Subject: Hällo\r\n\r\nhällo\r\n".encode(),
)


def test_an_smtputf8_message_is_reported_with_the_global_types() -> None:
    message = parsed(replace(UTF8, to=parse_mailbox("frító@drag.net")))
    assert message.get_param("report-type") == "global-delivery-status"
    octets = compose_report(replace(UTF8, to=parse_mailbox("frító@drag.net")))
    assert "Final-Recipient: utf-8;jürgen@free.org\r\n".encode() in octets
    assert "Original-Recipient: utf-8;jürgen@free.org\r\n".encode() in octets
    assert b"Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit" in octets
    assert "To: <frító@drag.net>\r\n".encode() in octets
    assert "Your message to jürgen@free.org" in octets.decode()


def test_a_report_to_an_internationalised_address_travels_with_smtputf8() -> None:
    facts = replace(UTF8, to=parse_mailbox("frító@drag.net"))
    assert report_parameters(facts, compose_report(facts)) == {"BODY": "8BITMIME", "SMTPUTF8": None}


def test_to_a_plain_address_everything_about_an_smtputf8_message_is_encoded() -> None:
    octets = compose_report(UTF8)
    assert octets.isascii()
    assert b"Content-Type: message/global\r\nContent-Transfer-Encoding: base64" in octets
    assert report_parameters(UTF8, octets) == {}
    headers = compose_report(replace(UTF8, content=None))
    assert b"Content-Type: message/global-headers\r\nContent-Transfer-Encoding: quoted-printable" in headers
    assert b"Subject: Your message could not be delivered\r\n" in headers


def test_an_internationalised_recipient_in_a_plain_report_is_written_in_7_bits() -> None:
    facts = replace(FACTS, recipients=(replace(FAILED, mailbox=parse_mailbox("jürgen@free.org")),))
    assert groups(facts)[1]["Final-Recipient"] == "utf-8;j\\x{FC}rgen@free.org"


def test_an_escape_that_is_no_character_is_left_alone() -> None:
    facts = replace(
        UTF8, recipients=(replace(FAILED, original_recipient="utf-8;\\x{D800}\\x{FFFFFF}@free.org"),)
    )
    assert b"\\x{D800}\\x{FFFFFF}@free.org" in compose_report(facts).replace(b"=5C", b"\\")


@given(
    st.text(max_size=200),
    st.text(max_size=80),
    st.text(min_size=1, max_size=60),
    st.binary(max_size=200).map(lambda b: b.replace(b"\r", b"").replace(b"\n", b"\r\n")),
    st.text(max_size=80),
)
def test_nothing_a_stranger_says_breaks_out(
    words: str, remote: str, local: str, head: bytes, envelope_id: str
) -> None:
    recipient = replace(
        FAILED,
        mailbox=Mailbox(LocalPart(local), parse_domain("free.org")),
        reply=Reply(550, None, words),
        remote=remote,
        original_recipient=f"rfc822;{words}",
    )
    facts = replace(FACTS, recipients=(recipient,), head=head, content=None, envelope_id=envelope_id)
    octets = compose_report(facts)
    message = email.message_from_bytes(octets, policy=email.policy.compat32)
    three = cast(list[Message], message.get_payload())
    assert len(three) == 3
    assert len(cast(list[Message], three[1].get_payload())) == 2
    assert len(message.items()) <= 10
    assert octets.isascii()
    assert octets.count(b"\n") == octets.count(b"\r\n") == octets.count(b"\r")


def test_a_boundary_never_occurs_in_what_is_returned() -> None:
    first = compose_report(FACTS)
    facts = replace(FACTS, content=first, head=first)
    inner = cast(list[Message], parts(facts)[2].get_payload())[0]
    assert inner.get_content_type() == "multipart/report"


@pytest.mark.parametrize("subject", range(10))
@pytest.mark.parametrize("action", [Action.FAILED, Action.DELAYED])
def test_there_is_advice_for_every_status(subject: int, action: Action) -> None:
    for detail in range(31):
        meaning, remedy = advice_for(Status(5, subject, detail), action)
        assert meaning.endswith(".") and remedy.endswith(".")


def test_what_is_not_known_is_left_out() -> None:
    recipient = replace(FAILED, remote=None, last_attempt_at=None, reply=replies.DOMAIN_UNKNOWN)
    facts = replace(FACTS, recipients=(recipient,), queue_id="", head=b"\r\n")
    fields = groups(facts)[1]
    assert fields["Last-Attempt-Date"] is None
    assert fields["Final-Log-ID"] is None
    assert "Subject:" not in text(facts)
    assert "name the number" not in text(facts)
    assert "In the words of the server:" in text(facts)
