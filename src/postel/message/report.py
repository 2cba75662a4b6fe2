"""Delivery status notifications: the message about a message.

Implements  RFC 6522 (multipart/report), RFC 3461 6 (what is returned), RFC 3464 2 (the whole), RFC 6533 4
            (SMTPUTF8), RFC 3834 (Auto-Submitted).
Gives       ReportFacts, RecipientReport, Action, compose_report, report_parameters.
Not here    Whether a report is due at all (queue); the words for people: report_text; the fields for machines:
            report_fields.

The report is 7-bit, whatever it tells and returns, with two exceptions: a returned message that is not, though it is no
SMTPUTF8 message (message/rfc822 may not be encoded: RFC 2046 5.2.1; a hop that takes less gets it converted inside),
and a report to an internationalised address, whose next hop must take 8-bit content anyway (RFC 6531 3.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from postel.mail import Parameters
from postel.message.body_facts import BodyFacts, OctetDomain
from postel.message.dates import format_date
from postel.message.encoding import Encoding
from postel.message.fields import clean, clean_word, compose_field, make_message_id
from postel.message.header import HeaderBlock
from postel.message.report_facts import Action, RecipientReport, ReportFacts
from postel.message.report_fields import compose_status_fields
from postel.message.report_part import ReportPart, content_type_of, join_parts, thread_of
from postel.message.report_text import compose_text, subject_of

__all__ = ["Action", "RecipientReport", "ReportFacts", "compose_report", "report_parameters"]

_PLAIN: Final[Mapping[OctetDomain, Encoding]] = {
    OctetDomain.SEVEN_BIT: "7bit",
    OctetDomain.EIGHT_BIT: "8bit",
    OctetDomain.BINARY: "binary",
}


def compose_report(facts: ReportFacts) -> bytes:
    """The whole report as content for the queue. Its envelope: null reverse path, `report_parameters`."""
    boundary, body = join_parts(_parts(facts))
    return _head(facts, boundary) + b"\r\n" + body


def report_parameters(facts: ReportFacts, content: bytes) -> Parameters:
    """The parameters of MAIL with which the report must travel."""
    parameters: dict[str, str | None] = {}
    domain = _domain_of(content)
    if domain > OctetDomain.SEVEN_BIT:
        parameters["BODY"] = "8BITMIME" if domain is OctetDomain.EIGHT_BIT else "BINARYMIME"
    if not facts.to.is_ascii:
        parameters["SMTPUTF8"] = None
    return parameters


def _head(facts: ReportFacts, boundary: str) -> bytes:
    host = clean_word(facts.hostname)
    report_type = "global-delivery-status" if facts.is_smtputf8 else "delivery-status"
    fields = [
        # RFC 3464 2: the address of a human at the reporting site, whom a reply reaches.
        compose_field("From", [f'"Mail delivery at {host}"', f"<{_postmaster(facts)}>"]),
        compose_field("To", [f"<{facts.to}>"]),
        compose_field("Subject", subject_of(facts).split(" ")),
        compose_field("Date", [format_date(facts.composed_at)]),
        compose_field("Message-ID", [make_message_id(facts.report_id, facts.hostname)]),
        *thread_of(facts.head),
        compose_field("Auto-Submitted", ["auto-replied"]),  # RFC 3834 5
        compose_field("MIME-Version", ["1.0"]),
        content_type_of(report_type, boundary),
    ]
    return b"".join(fields)


def _postmaster(facts: ReportFacts) -> str:
    if facts.postmaster is not None and (facts.postmaster.is_ascii or not facts.to.is_ascii):
        return clean(str(facts.postmaster))
    return f"postmaster@{clean_word(facts.hostname)}"


def _parts(facts: ReportFacts) -> Iterator[ReportPart]:
    text = compose_text(facts).encode("utf-8", "replace")
    text_encoding: Encoding = "7bit" if text.isascii() else "quoted-printable"
    yield ReportPart("text/plain; charset=utf-8", "What happened", text_encoding, text)
    status = compose_status_fields(facts)
    yield ReportPart(
        "message/global-delivery-status" if facts.is_smtputf8 else "message/delivery-status",
        "The same for machines",
        _encoding_of(status, facts, "quoted-printable"),
        status,
    )
    yield _returned(facts)


def _returned(facts: ReportFacts) -> ReportPart:
    """RFC 3461 6.2: content only in reports of failure, and the sender's RET is the caller's to obey."""
    if facts.content is not None and any(r.action is Action.FAILED for r in facts.recipients):
        if facts.is_smtputf8:
            encoding = _encoding_of(facts.content, facts, "base64")
            return ReportPart("message/global", "Your message", encoding, facts.content)
        plain = _PLAIN[_domain_of(facts.content)]
        return ReportPart("message/rfc822", "Your message", plain, facts.content)
    head = HeaderBlock.parse(facts.head).raw
    kind = "message/global-headers" if facts.is_smtputf8 else "text/rfc822-headers"
    return ReportPart(kind, "The header of your message", _encoding_of(head, facts, "quoted-printable"), head)


def _domain_of(octets: bytes) -> OctetDomain:
    measured = BodyFacts()
    measured.feed(octets)
    return measured.domain


def _encoding_of(octets: bytes, facts: ReportFacts, encoded: Encoding) -> Encoding:
    """RFC 6533 4.5: 8bit only where the report itself needs SMTPUTF8 on its way, else 7-bit by `encoded`."""
    if octets.isascii():
        return "7bit"
    return encoded if facts.to.is_ascii else "8bit"
