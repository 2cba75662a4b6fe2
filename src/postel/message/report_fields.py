"""The part of a report that programs read.

Implements  RFC 3464 2.1 to 2.3 (fields, per message and per recipient), RFC 3461 4 and 5 (xtext, ENVID, ORCPT),
            RFC 2852 5 (Deliver-By-Date), RFC 4865 5.1.2 (Future-Release-Request), RFC 6533 3 and 4.1 (addresses).
Gives       compose_status_fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from postel.mail import BadSyntax, Mailbox, as_ascii, format_unitext, parse_unitext, parse_xtext
from postel.message.dates import format_date
from postel.message.fields import clean, clean_word, compose_field
from postel.message.report_facts import Action, RecipientReport, ReportFacts

DIAGNOSTIC_LIMIT: Final = 2000  # characters of a remote server's words

_ADDRESS_TYPE: Final = re.compile(r"[A-Za-z0-9!#$%&'*/?^_`{|}~-]+")  # an atom: RFC 3461 4.2


def compose_status_fields(facts: ReportFacts) -> bytes:
    """The per-message fields, then those of each recipient, each group after an empty line."""
    groups = [_message_fields(facts), *(_recipient_fields(r, facts) for r in facts.recipients)]
    return b"\r\n".join(b"".join(fields) for fields in groups)


def _message_fields(facts: ReportFacts) -> Iterator[bytes]:
    if facts.envelope_id:
        yield compose_field("Original-Envelope-Id", [_shown(_decoded(parse_xtext, facts.envelope_id), facts)])
    yield compose_field("Reporting-MTA", ["dns;", clean_word(facts.hostname)])
    yield compose_field("Arrival-Date", [format_date(facts.arrived_at)])
    if facts.deliver_by_at is not None:
        yield compose_field("Deliver-By-Date", [format_date(facts.deliver_by_at)])  # RFC 2852 5
    if facts.release_request is not None:
        yield compose_field("Future-Release-Request", [facts.release_request])  # RFC 4865 5.1.2


def _recipient_fields(recipient: RecipientReport, facts: ReportFacts) -> Iterator[bytes]:
    if recipient.original_recipient:
        # RFC 3464 2.3.1: only what the sender said, so nothing without ORCPT.
        yield compose_field("Original-Recipient", [_original_recipient(recipient.original_recipient, facts)])
    yield compose_field("Final-Recipient", [_typed_address(recipient.mailbox, facts)])
    yield compose_field("Action", [recipient.action])
    yield compose_field("Status", [str(recipient.best_status)])
    if recipient.remote:
        yield compose_field("Remote-MTA", ["dns;", clean_word(recipient.remote)])
    yield compose_field("Diagnostic-Code", _diagnostic(recipient, facts))
    if recipient.last_attempt_at is not None:
        yield compose_field("Last-Attempt-Date", [format_date(recipient.last_attempt_at)])
    if facts.queue_id:
        yield compose_field("Final-Log-ID", [clean_word(facts.queue_id)])
    if recipient.retry_until_at is not None and recipient.action is Action.DELAYED:
        yield compose_field("Will-Retry-Until", [format_date(recipient.retry_until_at)])


def _diagnostic(recipient: RecipientReport, facts: ReportFacts) -> Iterator[str]:
    # RFC 3464 2.3.6: `smtp` is for the words of an SMTP server, not for what we found out ourselves.
    yield "smtp;" if recipient.remote else "x-postel;"
    reply = recipient.reply
    status = f"{reply.status} " if reply.status else ""
    yield from _shown(f"{reply.code} {status}{reply.text}"[:DIAGNOSTIC_LIMIT], facts).split()


def _original_recipient(value: str, facts: ReportFacts) -> str:
    """RFC 6533 4.1: `utf-8` addresses up-converted where UTF-8 may stand, else 7-bit as they came."""
    kind, semicolon, address = value.partition(";")
    if not (semicolon and _ADDRESS_TYPE.fullmatch(kind)):
        kind, address = "rfc822", value
    if kind.lower() != "utf-8":
        text = _decoded(parse_xtext, address)
        if text.isascii() or kind.lower() != "rfc822":
            return f"{kind};{_shown(text, facts)}"
        kind, address = "utf-8", format_unitext(text)  # RFC 6533 3: the type for what rfc822 cannot say
    if facts.is_smtputf8:
        return f"{kind};{clean(_decoded(parse_unitext, address))}"
    return f"{kind};{as_ascii(clean(address))}"


def _typed_address(mailbox: Mailbox, facts: ReportFacts) -> str:
    if mailbox.is_ascii:
        return f"rfc822;{mailbox}"
    return f"utf-8;{mailbox if facts.is_smtputf8 else as_ascii(format_unitext(str(mailbox)))}"


def _decoded(parse: Callable[[str], str], text: str) -> str:
    """RFC 6533 3: what does not follow its syntax is repeated as it came."""
    try:
        return parse(text)
    except BadSyntax:
        return text


def _shown(text: str, facts: ReportFacts) -> str:
    """Controls never, UTF-8 only in the part that is declared to hold it."""
    return clean(text.replace("\n", " ").replace("\r", " "), ascii_only=not facts.is_smtputf8)
