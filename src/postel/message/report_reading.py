"""Reading the reports that others send: what became of a message.

Implements  RFC 3464 2.1 to 2.3 (delivery status), RFC 6522 3 (multipart/report), RFC 6533 3 and 4 (internationalised
            addresses), RFC 3463 2 (statuses).
Gives       DeliveryReport, ReportedRecipient, TypedText, parse_report.
Not here    Reports in prose alone, as some old systems write them: there is nothing to go by. Notifications of readers:
            notification. Composing reports: report.

A report is a stranger's word: anybody can write one, and what it says is text, not truth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from postel.mail import BadSyntax, Mailbox, Status, parse_mailbox, parse_unitext
from postel.message.dates import parse_date
from postel.message.decoders import decode_content
from postel.message.header import HeaderBlock
from postel.message.mime_index import MimeIndex, Part
from postel.message.mime_reader import read_mime
from postel.message.report_facts import Action

RECIPIENTS_LIMIT: Final = 10_000  # of one report; more are not looked at

_STATUS: Final = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})(?!\d)")
_STATUS_TYPES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RETURNED_TYPES: Final = frozenset(
    {
        "message/rfc822",
        "message/global",
        "text/rfc822-headers",
        "message/rfc822-headers",
        "message/global-headers",
    }
)


@dataclass(frozen=True, slots=True)
class TypedText:
    """A value with the type of what it is: `rfc822; ann@example.org`, `smtp; 550 no such user`, `dns; mx.a.org`."""

    type: str
    text: str

    @property
    def mailbox(self) -> Mailbox | None:
        """The address it names; None where it names none (RFC 6533 3: type utf-8 has a form of its own)."""
        try:
            text = parse_unitext(self.text) if self.type == "utf-8" else self.text
            return parse_mailbox(text.strip().removeprefix("<").removesuffix(">"))
        except BadSyntax:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedRecipient:
    """What became of one recipient.

    final           the address that the last attempt was for.
    original        the address as the sender gave it (ORCPT).
    action          None where it is none of RFC 3464's.
    status          the enhanced status; None where there is none.
    diagnostic      the words of whoever refused.
    remote          the server that said them.
    log_id          the id of the message in the log of the reporting server.
    last_attempt_at, retry_until_at     Unix seconds.
    """

    final: TypedText | None
    original: TypedText | None
    action: Action | None
    status: Status | None
    diagnostic: TypedText | None
    remote: TypedText | None
    log_id: str | None
    last_attempt_at: float | None
    retry_until_at: float | None

    @property
    def mailbox(self) -> Mailbox | None:
        """The address as the sender knows it, as far as that can be told."""
        return next((one.mailbox for one in (self.original, self.final) if one and one.mailbox), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """A delivery status notification.

    recipients      what became of each.
    reporting       the server that reports.
    envelope_id     the ENVID that the sender gave.
    arrived_at      when the message came to that server, Unix seconds.
    returned        the header section of the message it is about; empty without.
    """

    recipients: tuple[ReportedRecipient, ...]
    reporting: TypedText | None
    envelope_id: str | None
    arrived_at: float | None
    returned: HeaderBlock

    @property
    def message_id(self) -> str | None:
        """The Message-ID of the message that it is about."""
        return self.returned.get("Message-ID")


def parse_report(content: bytes) -> DeliveryReport | None:
    """The report that a message is; None when it is none. Costs O(n). Raises nothing."""
    index = read_mime(content)
    status = report_part(content, index, "delivery-status", _STATUS_TYPES)
    if status is None:
        return None
    message, *recipients = field_groups(status)
    return DeliveryReport(
        recipients=tuple(_recipient(fields) for fields in recipients[:RECIPIENTS_LIMIT]),
        reporting=typed_text(message, "Reporting-MTA"),
        envelope_id=message.get("Original-Envelope-Id"),
        arrived_at=_instant(message, "Arrival-Date"),
        returned=returned_header(content, index),
    )


def report_part(content: bytes, index: MimeIndex, kind: str, types: frozenset[str]) -> bytes | None:
    """The part for machines of a report of this kind, decoded; None when the message is no such report."""
    root = index.root
    said = root.media_type.parameters.get("report-type", "").lower().removeprefix("global-")
    # RFC 6522 3 demands the parameter; where it is missing, the part itself says enough.
    if root.media_type.name != "multipart/report" or said not in ("", kind):
        return None
    part = next((part for part in root.children if part.media_type.name in types), None)
    return None if part is None else _decoded(content, part)


def returned_header(content: bytes, index: MimeIndex) -> HeaderBlock:
    """The header section of the message that a report is about."""
    parts = (part for part in index.root.children[1:] if part.media_type.name in _RETURNED_TYPES)
    part = next(parts, None)
    return HeaderBlock.parse(_decoded(content, part) if part else b"")


def field_groups(octets: bytes) -> list[HeaderBlock]:
    """Groups of fields with empty lines between them: at least one, which may be empty."""
    groups = list(_groups(octets))
    return groups or [HeaderBlock(())]


def _groups(octets: bytes) -> Iterator[HeaderBlock]:
    for raw in re.split(rb"(?:\r?\n){2,}", octets.strip(b"\r\n")):
        block = HeaderBlock.parse(raw)
        if block.fields:
            yield block


def typed_text(fields: HeaderBlock, name: str) -> TypedText | None:
    """The value of a field with a type; the type is in lower case, "" when it is missing."""
    value = fields.get(name)
    if value is None:
        return None
    kind, semicolon, text = value.partition(";")
    return TypedText(kind.strip().lower(), text.strip()) if semicolon else TypedText("", value.strip())


def _recipient(fields: HeaderBlock) -> ReportedRecipient:
    return ReportedRecipient(
        final=typed_text(fields, "Final-Recipient"),
        original=typed_text(fields, "Original-Recipient"),
        action=_action(fields.get("Action")),
        status=_status(fields.get("Status")),
        diagnostic=typed_text(fields, "Diagnostic-Code"),
        remote=typed_text(fields, "Remote-MTA"),
        log_id=fields.get("Final-Log-ID"),
        last_attempt_at=_instant(fields, "Last-Attempt-Date"),
        retry_until_at=_instant(fields, "Will-Retry-Until"),
    )


def _action(value: str | None) -> Action | None:
    word = (value or "").partition("(")[0].strip().lower()
    return Action(word) if word in list(Action) else None


def _status(value: str | None) -> Status | None:
    match = _STATUS.match(value or "")
    return Status(*map(int, match.groups())) if match else None


def _instant(fields: HeaderBlock, name: str) -> float | None:
    value = fields.get(name)
    return None if value is None else parse_date(value)


def _decoded(content: bytes, part: Part) -> bytes:
    return decode_content(content[part.body_start : part.end], part.encoding)
