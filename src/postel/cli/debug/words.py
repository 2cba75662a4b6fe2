"""What keywords and replies mean, in words for a person.

Gives       about_keyword, about_reply.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from postel.mail import Status, meaning_of
from postel.proto.smtp import CODES, EXTENSIONS, HELLOS, Heard, keyword_of

_CLASSES: Final = {2: "success", 4: "not now", 5: "never"}
_CLAUSES: Final = {row.keyword: row.rfc for row in EXTENSIONS}
_KEYWORDS: Final = {
    "PIPELINING": "commands may be sent in groups, without waiting for each reply",
    "SIZE": "the largest message it takes, in octets",
    "8BITMIME": "content may have octets above 127",
    "SMTPUTF8": "addresses and header fields may be in UTF-8",
    "ENHANCEDSTATUSCODES": "its replies say more exactly what is the matter",
    "STARTTLS": "the session can go on under TLS",
    "AUTH": "logins by these mechanisms",
    "DSN": "reports can be asked for, and for what",
    "CHUNKING": "content may come in counted pieces, by BDAT",
    "BINARYMIME": "content may be any octets, by BDAT",
    "CHECKPOINT": "an interrupted transaction can be resumed",
    "REQUIRETLS": "a message may demand TLS on all its way",
    "LIMITS": "its limits, before one runs into them",
    "DELIVERBY": "a message may have a time by which it must arrive",
    "FUTURERELEASE": "a message may be held until later",
    "MT-PRIORITY": "messages may have priorities",
    "BURL": "content may be fetched from an IMAP server",
    "NO-SOLICITING": "mail of these kinds is not wanted",
    "PRDR": "each recipient may be answered for after the content",
    "ETRN": "a queue may be started",
    "ATRN": "the sides may be changed, after a login",
    "VERB": "deliveries can be watched",
    "ONEX": "it can be told that only one transaction follows",
    "XCLIENT": "trusted clients may say who somebody is",
    "XFORWARD": "trusted clients may say where mail came from, for the log",
    "HELP": "HELP can be asked for",
}


def about_keyword(line: str) -> tuple[str, str]:
    """What a line of the answer to EHLO offers, and where it is defined; "" twice where nobody here knows."""
    keyword, _ = keyword_of(line)
    return _KEYWORDS.get(keyword, ""), _CLAUSES.get(keyword, "")


def about_reply(verb: str, reply: Heard) -> Iterator[tuple[str, str]]:
    """Sentences about a reply, each with its clause."""
    meaning = CODES.get(reply.code or 0)
    if meaning is not None:
        yield meaning.text, meaning.rfc
    elif reply.code is not None:
        yield _by_first_digit(reply.code), "5321 4.2.1"
    if reply.statuses[0] is not None and verb not in HELLOS:
        yield _about_status(reply.statuses[0])


def _by_first_digit(code: int) -> str:
    meaning = {2: "Done", 3: "Go on", 4: "Not now", 5: "Refused"}.get(code // 100, "No code of SMTP")
    return f"{meaning}; the code itself is in no table"


def _about_status(status: Status) -> tuple[str, str]:
    meaning = meaning_of(status)
    klass = _CLASSES[status.klass]
    if meaning is None:
        return f"{status}: {klass}; the rest is not registered", "5248 2"
    return f"{status}: {klass}: {meaning.text}", meaning.rfc
