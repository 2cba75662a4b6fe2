"""What a hook may answer.

Implements  RFC 5321 4.2.1 (5yz for a refusal, 4yz for a deferral), RFC 5322 2.2 (what a header field is).
Gives       the verdicts, each with its constructor: accept, refuse, defer, discard, add_header,
            change_recipients.
Not here    Which phase allows which verdict: hooks.phases.

A verdict is decisive (Accept, Refuse, Defer, Discard: no further hook is asked) or an amendment
(AddHeader, ChangeRecipients: noted down, and the next hook is asked).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.header import Header
from typing import Final, TypeAlias

from postel.mail import BadSyntax, Mailbox, Reply, Status, parse_mailbox
from postel.mail.replies import POLICY_TROUBLE

FIELD_NAME_LIMIT: Final = 77  # characters: a name and its colon fit a line of RFC 5322 2.1.1
FIELD_VALUE_LIMIT: Final = 8192  # characters
_FIELD_NAME: Final = re.compile(r"[!-9;-~]+")  # RFC 5322 3.6.8: ftext
_CODED: Final = re.compile(r"[2-5][0-9][0-9]( |$)")
_LINE_LENGTH: Final = 78  # RFC 5322 2.1.1: should

DEFAULT_REFUSAL: Final = Reply(550, Status(5, 7, 1), "Refused by local policy")


@dataclass(frozen=True, slots=True)
class Accept:
    """Nothing against it, and no later hook file is asked. Postel's own policy is never overruled."""

    because: str = ""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Refuse for good. The peer reads `reply` (5yz), the log reads `because`."""

    reply: Reply
    because: str = ""


@dataclass(frozen=True, slots=True)
class Defer:
    """Refuse for now: the peer tries again later. The peer reads `reply` (4yz), the log `because`."""

    reply: Reply
    because: str = ""


@dataclass(frozen=True, slots=True)
class Discard:
    """Say yes and keep nothing. Only the log will ever know, so `because` is worth writing."""

    because: str = ""


@dataclass(frozen=True, slots=True)
class AddHeader:
    """Put a header field at the top of the content, under our trace field."""

    name: str
    value: str

    def format(self) -> bytes:
        """The field in wire form, folded (RFC 5322 2.2.3), with encoded words where it is not ASCII."""
        if not self.value.isascii():
            coded = Header(self.value, "utf-8", header_name=self.name).encode(linesep="\r\n")
            return f"{self.name}: {coded}\r\n".encode("ascii")
        return _fold(self.name, self.value).encode("ascii")


@dataclass(frozen=True, slots=True)
class ChangeRecipients:
    """Take recipients out of the envelope and put others in; those put in are not checked again."""

    add: tuple[Mailbox, ...] = ()
    remove: tuple[Mailbox, ...] = ()


Verdict: TypeAlias = Accept | Refuse | Defer | Discard | AddHeader | ChangeRecipients
Decisive: TypeAlias = Accept | Refuse | Defer | Discard


def accept(because: str = "") -> Accept:
    """Ask no further hook file."""
    return Accept(because)


def refuse(reply: str | Reply = DEFAULT_REFUSAL, because: str = "") -> Refuse:
    """Refuse for good: `refuse("550 5.7.1 Not today")`; a text without a code gets 550 5.7.1.

    Raises ValueError when the reply is not 5yz.
    """
    reply = _reply(reply, DEFAULT_REFUSAL)
    if not reply.is_permanent:
        raise ValueError(f"refuse() takes a reply of 500 to 599, not {reply.code}; for 4yz use defer()")
    return Refuse(reply, because)


def defer(reply: str | Reply = POLICY_TROUBLE, because: str = "") -> Defer:
    """Refuse for now: `defer("451 4.7.1 Come back in five minutes")`; a text without a code gets 451 4.7.1.

    Raises ValueError when the reply is not 4yz.
    """
    reply = _reply(reply, POLICY_TROUBLE)
    if not reply.is_transient:
        raise ValueError(f"defer() takes a reply of 400 to 499, not {reply.code}; for 5yz use refuse()")
    return Defer(reply, because)


def discard(because: str = "") -> Discard:
    """Say yes to the peer, and drop the message (or, in `rcpt`, this recipient)."""
    return Discard(because)


def add_header(name: str, value: str) -> AddHeader:
    """Add a header field. Raises ValueError for a name or value that would break the header."""
    if wrong := _wrong_field(name, value):
        raise ValueError(wrong)
    return AddHeader(name, value)


def change_recipients(
    *, add: Iterable[str | Mailbox] = (), remove: Iterable[str | Mailbox] = ()
) -> ChangeRecipients:
    """Change who gets the message. Raises ValueError for text that is no address."""
    return ChangeRecipients(_mailboxes(add), _mailboxes(remove))


def what_is_wrong(verdict: Verdict) -> str:
    """Why a verdict that was made by hand, past the functions above, cannot be used; "" when it can."""
    match verdict:
        case Refuse(reply) | Defer(reply) if not _is_reply(reply):
            return "its reply is none that SMTP has"
        case Refuse(reply) if not reply.is_permanent:
            return f"a refusal is 5yz, not {reply.code}"
        case Defer(reply) if not reply.is_transient:
            return f"a deferral is 4yz, not {reply.code}"
        case AddHeader(name, value):
            return _wrong_field(name, value)
        case ChangeRecipients(add, remove) if not all(_is_address(one) for one in (*add, *remove)):
            return "recipients are addresses: use change_recipients()"
        case _:
            return ""


def _is_reply(reply: object) -> bool:
    return (
        isinstance(reply, Reply)
        and isinstance(reply.code, int)
        and 400 <= reply.code < 600
        and isinstance(reply.text, str)
        and (
            reply.status is None
            or (isinstance(reply.status, Status) and reply.status.klass == reply.code // 100)
        )
    )


def _is_address(one: object) -> bool:
    try:
        return isinstance(one, Mailbox) and parse_mailbox(str(one)) == one
    except BadSyntax:
        return False


def _wrong_field(name: object, value: object) -> str:
    if not isinstance(name, str) or not _FIELD_NAME.fullmatch(name) or len(name) > FIELD_NAME_LIMIT:
        return "a field name is printable ASCII without blanks and colons, of at most 77 characters"
    if not isinstance(value, str) or not value.isprintable():
        return "a field value is one line without control characters; Postel folds it"
    if len(value) > FIELD_VALUE_LIMIT:
        return f"a field value has at most {FIELD_VALUE_LIMIT} characters"
    return ""


def _mailboxes(given: Iterable[str | Mailbox]) -> tuple[Mailbox, ...]:
    if isinstance(given, str):
        raise ValueError("change_recipients() takes lists of addresses, not one text")
    return tuple(parse_mailbox(one) if isinstance(one, str) else one for one in given)


def _reply(given: str | Reply, default: Reply) -> Reply:
    if isinstance(given, Reply):
        return given
    if not _CODED.match(given):
        return Reply(default.code, default.status, given)
    try:
        return Reply.parse(given)
    except BadSyntax as fault:
        raise ValueError(f"{given!r} is no reply: {fault}") from None


def _fold(name: str, value: str) -> str:
    """Break at blanks where lines get long; a word longer than a line stays whole."""
    lines: list[str] = []
    line = f"{name}:"
    for word in value.split():
        # The first word stays beside the name: RFC 5322 4.2 calls a line of blanks alone obsolete.
        if len(line) + 1 + len(word) > _LINE_LENGTH and (lines or line != f"{name}:"):
            lines.append(line)
            line = ""
        line += f" {word}"
    return "\r\n".join((*lines, line)) + "\r\n"
