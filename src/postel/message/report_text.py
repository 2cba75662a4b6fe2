"""The part of a report that a person reads.

Implements  RFC 3464 2 (the first part explains to people), RFC 6522 3.
Gives       compose_text, subject_of.
Not here    What each kind of failure means and what to do about it: advice.

It is written for somebody who has never heard of SMTP: what happened, to whom, what the other side said in its own
words, and what to do now.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from postel.message.advice import advice_for
from postel.message.dates import format_date
from postel.message.encoded_words import decode_words
from postel.message.fields import clean, clean_word
from postel.message.header import HeaderBlock
from postel.message.report_facts import Action, RecipientReport, ReportFacts

WORDS_LIMIT: Final = 800  # characters of a remote server's words
SUBJECT_LIMIT: Final = 200  # characters of the message's subject
WIDTH: Final = 72

_HEADINGS: Final = {
    Action.FAILED: "Your message could not be delivered to:",
    Action.DELAYED: "Your message has not reached these recipients yet, but we keep trying:",
    Action.DELIVERED: "Your message was delivered to:",
    Action.RELAYED: "Your message was passed on, to a mail system that sends no notes of success, for:",
    Action.EXPANDED: "Your message was passed on to everybody behind this address:",
}
_SUBJECTS: Final = {
    Action.FAILED: "could not be delivered",
    Action.DELAYED: "is delayed",
    Action.DELIVERED: "was delivered",
    Action.RELAYED: "was passed on",
    Action.EXPANDED: "was passed on",
}


def subject_of(facts: ReportFacts) -> str:
    """`Your message to kitt@free.org could not be delivered`; ASCII unless the report's address is not."""
    fate = _SUBJECTS[next(action for action in Action if _with(action, facts))]
    if len(facts.recipients) == 1:
        first = facts.recipients[0]
        address = str(first.original or first.mailbox)
        if len(address) <= 60 and (address.isascii() or not facts.to.is_ascii):
            return f"Your message to {clean(address)} {fate}"
    return f"Your message {fate}"


def compose_text(facts: ReportFacts) -> str:
    """The text, in lines that end in CRLF."""
    paragraphs = [_opening(facts)]
    for action in Action:
        if recipients := _with(action, facts):
            paragraphs.append(_heading(action, facts))
            paragraphs.extend(_about(recipient, facts) for recipient in recipients)
    paragraphs.append(_closing(facts))
    return "\r\n\r\n".join(_wrapped(paragraph) for paragraph in paragraphs) + "\r\n"


def _with(action: Action, facts: ReportFacts) -> tuple[RecipientReport, ...]:
    return tuple(recipient for recipient in facts.recipients if recipient.action is action)


def _heading(action: Action, facts: ReportFacts) -> str:
    if action is Action.RELAYED and facts.deliver_by_at is not None:
        return (
            "Your message was passed on to the next mail server, for:"  # RFC 2852 4.1.4: it may report, too
        )
    return _HEADINGS[action]


def _is_out_of_time(recipient: RecipientReport) -> bool:
    status = recipient.best_status
    return (status.subject, status.detail) == (4, 7)


def _opening(facts: ReportFacts) -> str:
    header = HeaderBlock.parse(facts.head)
    subject = clean(decode_words(header.get("Subject") or ""))[:SUBJECT_LIMIT]
    lines = [f"This is the mail server {clean_word(facts.hostname)}, writing about a message of yours:", ""]
    lines += [f"    Subject: {subject}"] if subject else []
    lines += [f"    Sent:    {format_date(facts.arrived_at)}"]
    return "\n".join(lines)


def _about(recipient: RecipientReport, facts: ReportFacts) -> str:
    return "\n\n".join(_about_paragraphs(recipient, facts))


def _about_paragraphs(recipient: RecipientReport, facts: ReportFacts) -> Iterator[str]:
    yield f"  {clean(str(recipient.original or recipient.mailbox))}{_by_way_of(recipient)}"
    if recipient.action not in (Action.FAILED, Action.DELAYED):
        return
    meaning, remedy = advice_for(recipient.best_status, recipient.action)
    if facts.deliver_by_at is not None and _is_out_of_time(recipient):
        meaning = f"It was not delivered by the time that it asked for, {format_date(facts.deliver_by_at)}."
    yield f"    {meaning}"
    if recipient.remote:
        yield f"    The other mail server, {clean_word(recipient.remote)}, said:\n\n{_quoted(recipient)}"
    elif not recipient.reply.is_positive:
        yield f"    In the words of the server:\n\n{_quoted(recipient)}"
    if recipient.action is Action.FAILED:
        yield f"    What you can do: {remedy}"
    else:
        yield f"    {_patience(recipient)}"


def _by_way_of(recipient: RecipientReport) -> str:
    """Where an alias led, so that `who is that?` has an answer."""
    if recipient.original is None or recipient.original == recipient.mailbox:
        return ""
    return f"\n  (which leads to {clean(str(recipient.mailbox))})"


def _quoted(recipient: RecipientReport) -> str:
    reply = recipient.reply
    words = f"{reply.code} {reply.status or ''} {reply.text}"[:WORDS_LIMIT]
    return "      " + " ".join(clean(word) for word in words.split())


def _patience(recipient: RecipientReport) -> str:
    until = "" if recipient.retry_until_at is None else f" until {format_date(recipient.retry_until_at)}"
    return (
        f"You need not do anything. We go on trying{until}, and tell you only if it cannot be delivered by then. "
        "Please do not send the message again: it would arrive twice."
    )


def _closing(facts: ReportFacts) -> str:
    number = f" Please name the number {clean_word(facts.queue_id)}." if facts.queue_id else ""
    return f"If you need help, answer this message: somebody who looks after this mail server will read it.{number}"


def _wrapped(paragraph: str) -> str:
    return "\r\n".join(line for long in paragraph.split("\n") for line in _wrap_line(long))


def _wrap_line(line: str) -> list[str]:
    indent = line[: len(line) - len(line.lstrip(" "))]
    # Addresses are never broken: they are copied from here.
    return textwrap.wrap(
        line, WIDTH, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    ) or [""]
