"""Message disposition notifications: a reader's "I have seen it", and the wish for one.

Implements  RFC 8098 2 (requests), 3 (the notification), 2.1 (when none may be sent by itself), 3.2.6 (dispositions),
            RFC 2298 3.2.6 (what older programs write), RFC 6522 3, RFC 6533 6 (internationalised addresses).
Gives       Notification, Disposed, Modes, NotificationFacts, NotificationRequest, compose_notification,
            parse_notification, notification_request.
Not here    Whether one is sent: that is the reader's own decision, and one answer for each message (RFC 8098 2.1).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from postel.mail import Mailbox, as_ascii, format_unitext
from postel.message.addresses import AddressList, addresses_of
from postel.message.dates import format_date
from postel.message.encoding import Encoding
from postel.message.fields import clean, clean_word, compose_field, make_message_id
from postel.message.header import HeaderBlock
from postel.message.mime_fields import parse_media_type
from postel.message.mime_reader import read_mime
from postel.message.report_facts import message_id_of
from postel.message.report_part import ReportPart, content_type_of, join_parts, thread_of
from postel.message.report_reading import TypedText, field_groups, report_part, returned_header, typed_text

_TYPES: Final = frozenset({"message/disposition-notification", "message/global-disposition-notification"})


class Disposed(enum.StrEnum):
    """What became of a message at its reader: RFC 8098 3.2.6.2."""

    DISPLAYED = "displayed"
    DISPATCHED = "dispatched"
    PROCESSED = "processed"
    DELETED = "deleted"
    DENIED = "denied"  # RFC 2298 3.2.6.2, not written any more
    FAILED = "failed"  # the same


@dataclass(frozen=True, slots=True)
class Modes:
    """RFC 8098 3.2.6.1: whether a person did it, and whether a person had the notification sent."""

    is_action_manual: bool = True
    is_sending_manual: bool = True

    def __str__(self) -> str:
        action = "manual-action" if self.is_action_manual else "automatic-action"
        return f"{action}/MDN-sent-{'manually' if self.is_sending_manual else 'automatically'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFacts:
    """Everything a notification is made of.

    hostname        of the reading system; notification_id   unique text, for the Message-ID.
    composed_at     now, Unix seconds.
    reader          whose mailbox the message came to: From, and Final-Recipient.
    to              who asked for it (NotificationRequest.to).
    head            the header section of the message; nothing else of it is returned.
    disposed        what became of it.
    modes           who did it; the default is for a person who was asked.
    original_recipient  the value of the message's Original-Recipient field, `rfc822; ann@example.org`; None without.
    reporting_ua    name of the reading program; "" names none (RFC 8098 6.2.1: it tells much about a person).
    """

    hostname: str
    notification_id: str
    composed_at: float
    reader: Mailbox
    to: Mailbox
    head: bytes
    disposed: Disposed = Disposed.DISPLAYED
    modes: Modes = Modes()
    original_recipient: str | None = None
    reporting_ua: str = ""

    @property
    def is_internationalised(self) -> bool:
        """Whether it must travel with SMTPUTF8: an address that it is from or for is not ASCII."""
        return not (self.reader.is_ascii and self.to.is_ascii)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRequest:
    """The wish in a message for a notification.

    to              who wants it.
    may_be_automatic    whether one may be sent without asking the reader: RFC 8098 2.1 forbids it where it would go
                    somewhere else than failure reports do, or to several.
    options         whether it has options that somebody declares `required`: then nothing but an error may be
                    sent (RFC 8098 2.2), and we know of none.
    """

    to: tuple[Mailbox, ...]
    may_be_automatic: bool
    requires_options: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What a notification says.

    disposed        None for what is none of the known ones.
    modes           None where they cannot be told.
    modifiers       `error` and the like, in lower case.
    final, original     the reader's address, and as the sender gave it.
    message_id      of the message that it is about.
    reporting_ua    the program that wrote it.
    returned        the header section of the message, where it was returned.
    """

    disposed: Disposed | None
    modes: Modes | None
    modifiers: tuple[str, ...]
    final: TypedText | None
    original: TypedText | None
    message_id: str | None
    reporting_ua: str | None
    returned: HeaderBlock


def notification_request(header: HeaderBlock) -> NotificationRequest | None:
    """The wish in a message as it was delivered, Return-Path on top; None without one.

    Also None for what must never be answered (RFC 8098 2.1): a notification, a report, or a field that nobody can read.
    """
    found = addresses_of(header, "Disposition-Notification-To")
    if not found.mailboxes or not found.is_whole or _is_report(header):
        return None
    return NotificationRequest(
        to=found.mailboxes,
        may_be_automatic=_leads_back(header, found),
        requires_options="required" in (header.get("Disposition-Notification-Options") or "").lower(),
    )


def _is_report(header: HeaderBlock) -> bool:
    return parse_media_type(header.get("Content-Type")).name == "multipart/report"


def _leads_back(header: HeaderBlock, to: AddressList) -> bool:
    """RFC 8098 2.1: the one address, and Return-Path says the same."""
    returns = addresses_of(header, "Return-Path")
    return {one.folded for one in to.mailboxes} == {one.folded for one in returns.mailboxes[:1]}


def compose_notification(facts: NotificationFacts) -> bytes:
    """The whole notification. Its envelope: null reverse path (RFC 8098 3), BODY=8BITMIME where it is not ASCII."""
    boundary, body = join_parts(_parts(facts))
    prefix = "global-" if facts.is_internationalised else ""
    fields = [
        compose_field("From", [f"<{facts.reader}>"]),
        compose_field("To", [f"<{facts.to}>"]),
        compose_field("Subject", ["Disposition", "notification"]),
        compose_field("Date", [format_date(facts.composed_at)]),
        compose_field("Message-ID", [make_message_id(facts.notification_id, facts.hostname)]),
        *thread_of(facts.head),
        compose_field("Auto-Submitted", ["auto-replied"]),  # RFC 3834 5
        compose_field("MIME-Version", ["1.0"]),
        content_type_of(f"{prefix}disposition-notification", boundary),
    ]
    return b"".join(fields) + b"\r\n" + body


def _parts(facts: NotificationFacts) -> Iterator[ReportPart]:
    text = f"The message that you sent to {clean(str(facts.reader))} was {facts.disposed}.\r\n"
    if facts.disposed is Disposed.DISPLAYED:
        text += "That does not say that anybody has read or understood it.\r\n"
    yield _part("text/plain; charset=utf-8", "For people", text.encode())
    kind = "global-disposition-notification" if facts.is_internationalised else "disposition-notification"
    yield _part(f"message/{kind}", "For machines", b"".join(_fields(facts)))
    head = HeaderBlock.parse(facts.head).raw
    yield _part("text/rfc822-headers" if head.isascii() else "message/global-headers", "Your message", head)


def _part(kind: str, description: str, octets: bytes) -> ReportPart:
    encoding: Encoding = "7bit" if octets.isascii() else "quoted-printable"
    return ReportPart(kind, description, encoding, octets)


def _fields(facts: NotificationFacts) -> Iterator[bytes]:
    if facts.reporting_ua:
        yield compose_field("Reporting-UA", [f"{clean_word(facts.hostname)};", clean(facts.reporting_ua)])
    if facts.original_recipient:
        yield compose_field("Original-Recipient", [clean(facts.original_recipient)])
    yield compose_field("Final-Recipient", [_typed(facts.reader, facts)])
    if message_id := message_id_of(facts.head):
        yield compose_field("Original-Message-ID", [message_id])
    yield compose_field("Disposition", [f"{facts.modes};", facts.disposed])


def _typed(mailbox: Mailbox, facts: NotificationFacts) -> str:
    if mailbox.is_ascii:
        return f"rfc822;{mailbox}"
    return f"utf-8;{mailbox if facts.is_internationalised else as_ascii(format_unitext(str(mailbox)))}"


def parse_notification(content: bytes) -> Notification | None:
    """The notification that a message is; None when it is none. Costs O(n). Raises nothing."""
    index = read_mime(content)
    octets = report_part(content, index, "disposition-notification", _TYPES)
    if octets is None:
        return None
    fields = field_groups(octets)[0]
    modes, disposed, modifiers = _disposition(fields.get("Disposition") or "")
    return Notification(
        disposed=disposed,
        modes=modes,
        modifiers=modifiers,
        final=typed_text(fields, "Final-Recipient"),
        original=typed_text(fields, "Original-Recipient"),
        message_id=fields.get("Original-Message-ID"),
        reporting_ua=fields.get("Reporting-UA"),
        returned=returned_header(content, index),
    )


def _disposition(value: str) -> tuple[Modes | None, Disposed | None, tuple[str, ...]]:
    """RFC 8098 3.2.6: `manual-action/MDN-sent-manually; displayed/error`, in any case."""
    mode, _, rest = value.lower().partition(";")
    action, _, sending = (word.strip() for word in mode.partition("/"))
    kind, _, modifiers = rest.partition("/")
    word = kind.strip()
    known = action in ("manual-action", "automatic-action") and sending.startswith("mdn-sent-")
    return (
        Modes(action == "manual-action", sending == "mdn-sent-manually") if known else None,
        Disposed(word) if word in list(Disposed) else None,
        tuple(one.strip() for one in modifiers.split(",") if one.strip()),
    )
