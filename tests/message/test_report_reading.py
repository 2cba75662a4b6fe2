"""Reports and notifications of others, and our own read back."""

from __future__ import annotations

import email
import email.policy
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import Reply, Status, parse_mailbox
from postel.message import (
    Action,
    Disposed,
    HeaderBlock,
    Modes,
    NotificationFacts,
    RecipientReport,
    ReportFacts,
    TypedText,
    compose_notification,
    compose_report,
    notification_request,
    parse_notification,
    parse_report,
)

HEAD = b"From: frito@drag.net\r\nSubject: hello\r\nMessage-ID: <1@drag.net>\r\n\r\n"
FACTS = ReportFacts(
    hostname="mail.drag.net",
    report_id="0r",
    composed_at=1_700_000_000,
    to=parse_mailbox("frito@drag.net"),
    recipients=(
        RecipientReport(
            mailbox=parse_mailbox("kitt@free.org"),
            action=Action.FAILED,
            reply=Reply(550, Status(5, 1, 1), "No such mailbox"),
            remote="pluto.free.org",
            original_recipient="rfc822;kitt+40free.org",
            last_attempt_at=1_700_000_000,
        ),
        RecipientReport(
            mailbox=parse_mailbox("rod@free.org"),
            action=Action.DELAYED,
            reply=Reply(451, Status(4, 4, 1), "No answer"),
            retry_until_at=1_700_100_000,
        ),
    ),
    head=HEAD,
    arrived_at=1_699_999_000,
    envelope_id="order+2B1",
    queue_id="0abc",
)

# As Postfix writes it.
FOREIGN = b"""\
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
To: ann@example.net
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4Rxx.1700000000/mx.example.org"

This is a MIME-encapsulated message.

--4Rxx.1700000000/mx.example.org
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--4Rxx.1700000000/mx.example.org
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 4Rxx
Arrival-Date: Tue, 14 Nov 2023 22:13:20 +0000 (UTC)

Final-Recipient: rfc822; bob@example.org
Original-Recipient: rfc822;bob@example.org
Action: failed
Status: 5.2.2
Remote-MTA: dns; store.example.org
Diagnostic-Code: smtp; 552 5.2.2 Over
    quota

--4Rxx.1700000000/mx.example.org
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Message-ID: <a@example.net>
Subject: x

--4Rxx.1700000000/mx.example.org--
"""


def test_our_own_report_is_read_back() -> None:
    report = parse_report(compose_report(FACTS))
    assert report is not None
    assert report.reporting == TypedText("dns", "mail.drag.net")
    assert (report.envelope_id, report.arrived_at, report.message_id) == (
        "order+1",
        1_699_999_000,
        "<1@drag.net>",
    )
    first, second = report.recipients
    assert (first.action, first.status, first.remote) == (
        Action.FAILED, Status(5, 1, 1), TypedText("dns", "pluto.free.org"),
    )  # fmt: skip
    assert first.original is not None
    assert first.mailbox == first.original.mailbox == parse_mailbox("kitt@free.org")
    assert first.diagnostic == TypedText("smtp", "550 5.1.1 No such mailbox")
    assert first.last_attempt_at == 1_700_000_000
    assert (second.action, second.retry_until_at, second.log_id) == (Action.DELAYED, 1_700_100_000, "0abc")


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_a_report_of_another_server_is_read(ends: bytes) -> None:
    report = parse_report(FOREIGN.replace(b"\n", ends))
    assert report is not None
    (bob,) = report.recipients
    assert (str(bob.mailbox), bob.action, bob.status) == ("bob@example.org", Action.FAILED, Status(5, 2, 2))
    assert bob.diagnostic is not None
    assert bob.diagnostic.text.split() == ["552", "5.2.2", "Over", "quota"]
    assert report.message_id == "<a@example.net>"
    assert report.arrived_at == 1_700_000_000


def test_an_internationalised_recipient_is_read() -> None:
    facts = replace(
        FACTS,
        recipients=(
            replace(FACTS.recipients[0], mailbox=parse_mailbox("jürgen@free.org"), original_recipient=None),
        ),
    )
    for one in (facts, replace(facts, is_smtputf8=True)):
        report = parse_report(compose_report(one))
        assert report is not None
        assert str(report.recipients[0].mailbox) == "jürgen@free.org"


@pytest.mark.parametrize(
    "content",
    [
        b"", HEAD, FOREIGN.replace(b"delivery-status", b"disposition-notification"),
        FOREIGN.replace(b"message/delivery-status", b"text/plain"),
        FOREIGN.replace(b"multipart/report", b"multipart/mixed"),
    ],
)  # fmt: skip
def test_what_is_no_report_is_none(content: bytes) -> None:
    assert parse_report(content) is None


def test_what_a_report_says_wrongly_is_left_open() -> None:
    odd = FOREIGN.replace(b"Action: failed", b"Action: exploded").replace(b"Status: 5.2.2", b"Status: bad")
    report = parse_report(odd.replace(b"Arrival-Date: Tue", b"Arrival-Date: Xue 99"))
    assert report is not None
    assert (report.arrived_at, report.recipients[0].action, report.recipients[0].status) == (None, None, None)


@given(
    st.lists(
        st.sampled_from([*FOREIGN.splitlines(keepends=True), b"\n", b"\xff\n", b"Status: 5.99999.1\n"])
    ).map(b"".join)
)
def test_any_lines_are_read_without_a_failure(content: bytes) -> None:
    parse_report(content)
    parse_notification(content.replace(b"delivery-status", b"disposition-notification"))


# -- notifications -----------------------------------------------------------------------------------------

SEEN = NotificationFacts(
    hostname="free.org",
    notification_id="0n",
    composed_at=1_700_000_000,
    reader=parse_mailbox("kitt@free.org"),
    to=parse_mailbox("frito@drag.net"),
    head=HEAD,
    original_recipient="rfc822;kitt@free.org",
    reporting_ua="Postel",
)


def test_a_notification_is_read_back() -> None:
    content = compose_notification(SEEN)
    assert content.isascii()
    seen = parse_notification(content)
    assert seen is not None
    assert (seen.disposed, seen.modes, seen.modifiers) == (Disposed.DISPLAYED, Modes(), ())
    assert seen.final == seen.original == TypedText("rfc822", "kitt@free.org")
    assert seen.message_id == seen.returned.get("Message-ID") == "<1@drag.net>"
    assert parse_report(content) is None
    assert notification_request(HeaderBlock.parse(content)) is None


def test_the_standard_library_sees_a_report_of_three_parts() -> None:
    # RFC 8098 3
    message = email.message_from_bytes(compose_notification(SEEN), policy=email.policy.default)
    assert message["Content-Type"].params["report-type"] == "disposition-notification"
    assert message["Disposition-Notification-To"] is None
    types = [part.get_content_type() for part in message.iter_parts()]
    assert types == ["text/plain", "message/disposition-notification", "text/rfc822-headers"]


def test_an_internationalised_notification_is_read_back() -> None:
    seen = parse_notification(compose_notification(replace(SEEN, reader=parse_mailbox("jürgen@free.org"))))
    assert seen is not None
    assert seen.final is not None
    assert str(seen.final.mailbox) == "jürgen@free.org"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("manual-action/MDN-sent-manually; displayed", (Modes(), Disposed.DISPLAYED, ())),
        (
            "Automatic-Action/mdn-sent-automatically;DELETED/error,x",
            (Modes(False, False), Disposed.DELETED, ("error", "x")),
        ),
        (
            "manual-action/MDN-sent-automatically; denied",
            (Modes(True, False), Disposed.DENIED, ()),
        ),  # RFC 2298
        ("nonsense", (None, None, ())),
    ],
)
def test_dispositions_are_read_in_any_case(value: str, expected: object) -> None:
    content = compose_notification(SEEN)
    now = f"Disposition: {Modes()}; displayed".encode()
    assert now in content
    seen = parse_notification(content.replace(now, f"Disposition: {value}".encode()))
    assert seen is not None
    assert (seen.disposed, seen.modes, seen.modifiers) == (expected[1], expected[0], expected[2])  # type: ignore[index]


def wish(*lines: str) -> HeaderBlock:
    return HeaderBlock.parse("".join(f"{line}\r\n" for line in lines).encode())


def test_a_wish_that_leads_back_to_the_reverse_path_may_be_answered_by_itself() -> None:
    # RFC 8098 2.1
    request = notification_request(
        wish("Return-Path: <frito@drag.net>", "Disposition-Notification-To: Frito <FRITO@drag.net>")
    )
    assert request is not None
    assert [str(one) for one in request.to] == ["FRITO@drag.net"]
    assert request.may_be_automatic
    assert not request.requires_options


@pytest.mark.parametrize(
    "lines",
    [
        ("Disposition-Notification-To: frito@drag.net",),
        ("Return-Path: <>", "Disposition-Notification-To: frito@drag.net"),
        ("Return-Path: <x@spam.org>", "Disposition-Notification-To: frito@drag.net"),
        ("Return-Path: <frito@drag.net>", "Disposition-Notification-To: frito@drag.net, x@spam.org"),
    ],
)
def test_other_wishes_need_the_readers_word(lines: tuple[str, ...]) -> None:
    request = notification_request(wish(*lines))
    assert request is not None
    assert not request.may_be_automatic


@pytest.mark.parametrize(
    "lines",
    [
        ("Subject: x",),
        ("Disposition-Notification-To: no address",),
        (
            "Disposition-Notification-To: a@b.org",
            "Content-Type: multipart/report; report-type=delivery-status",
        ),
    ],
)
def test_what_must_not_be_answered_is_no_wish(lines: tuple[str, ...]) -> None:
    assert notification_request(wish(*lines)) is None


def test_a_required_option_is_told() -> None:
    # RFC 8098 2.2
    request = notification_request(
        wish("Disposition-Notification-To: a@b.org", "Disposition-Notification-Options: x=required,y")
    )
    assert request is not None
    assert request.requires_options


def test_a_large_report_costs_no_more_than_its_octets() -> None:
    begun = time.process_time()
    group = b"Final-Recipient: rfc822;a@b.org\nAction: failed\nStatus: 5.0.0\n\n"
    report = parse_report(FOREIGN.replace(b"Final-Recipient", group * 20_000 + b"Final-Recipient", 1))
    assert report is not None
    assert len(report.recipients) == 10_000
    parse_report(FOREIGN.replace(b"Final-Recipient", b"\n" * 1_000_000 + b"Final-Recipient", 1))
    assert time.process_time() - begun < 30
