"""Which replies can answer which event, which one does by itself, and how each must look.

Implements  RFC 5321 4.3.2 (replies to each command), 4.2.3 and 3.8 (421), 4.1.1.1 (the answer to EHLO),
            RFC 2034 4 (where an enhanced status belongs, and where not).
Gives       checked_answer, default_answer, hello_answer, prdr_answer.
Not here    What an answer changes: server. The replies themselves: replies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from postel.mail import LocalFault, Reply
from postel.proto.smtp import replies
from postel.proto.smtp.events import (
    Atrn,
    Auth,
    AuthResponse,
    Burl,
    ChunkEnd,
    Connected,
    DataEnd,
    DataStart,
    Etrn,
    Event,
    Expn,
    Hello,
    Help,
    Mail,
    Rcpt,
    StartTls,
    Turn,
    Vrfy,
    Xclient,
    Xforward,
)
from postel.proto.smtp.extensions import Offers
from postel.proto.smtp.helping import help_on

_DEFAULTS: Final[Mapping[type[Event], Reply]] = MappingProxyType(
    {
        Hello: replies.HELLO,
        StartTls: replies.START_TLS,
        Mail: replies.REVERSE_PATH_OK,
        Rcpt: replies.RECIPIENT_OK,
        DataStart: replies.START_DATA,
        Burl: replies.URL_TAKEN,
        DataEnd: replies.MESSAGE_OK,
        Vrfy: replies.NOT_VERIFIED,
        Expn: replies.NOT_VERIFIED,
        Etrn: replies.NODE_NOT_QUEUED,
        Atrn: replies.NO_MAIL_FOR_YOU,
        Turn: replies.COMMAND_NOT_IMPLEMENTED,
        Xforward: replies.NOTHING_DONE,
    }
)
# RFC 5321 4.3.2: which codes say yes to which command; a no is any 4yz or 5yz.
_YES: Final[Mapping[type[Event], frozenset[int]]] = MappingProxyType(
    {
        Connected: frozenset({220}),
        Hello: frozenset({250}),
        StartTls: frozenset({220}),
        Auth: frozenset({235}),
        AuthResponse: frozenset({235}),
        Mail: frozenset({250}),
        Rcpt: frozenset({250, 251}),
        DataStart: frozenset({354}),
        Burl: frozenset({250}),
        ChunkEnd: frozenset({250}),
        DataEnd: frozenset({250}),
        Vrfy: frozenset({250, 251, 252}),
        Expn: frozenset({250, 252}),
        Help: frozenset({211, 214}),
        Etrn: frozenset({250, 251, 252, 253}),
        Atrn: frozenset({250}),
        Turn: frozenset({250}),
        Xclient: frozenset({220}),
        Xforward: frozenset({250}),
    }
)

_GREETINGS: Final[frozenset[type[Event]]] = frozenset({Connected, Hello, Xclient})


def default_answer(event: Event, offers: Offers) -> Reply:
    """What an event is answered with when the shell has nothing to say. Raises LocalFault where it must."""
    reply = _DEFAULTS.get(type(event))
    if reply is not None:
        return reply
    options = offers.standing.options
    match event:
        case Connected() | Xclient():
            return replies.greeting(options.hostname, options.product, is_lmtp=options.is_lmtp)
        case ChunkEnd(size_bytes):
            return replies.chunk_ok(size_bytes)
        case Help(topic):
            return help_on(topic, offers)
        case _:
            raise LocalFault(f"{type(event).__name__} has no default answer")


def checked_answer(event: Event, reply: Reply, hostname: str) -> Reply:
    """The reply as it must look: with a status or without, 421 with our name.

    Raises LocalFault for a positive code that the standard does not know as an answer to this event.
    """
    if reply.code < 400 and reply.code not in _YES[type(event)]:
        raise LocalFault(f"{reply.code} does not answer {type(event).__name__}")
    if reply.code == 421 and not reply.text.startswith(hostname):
        reply = replies.closing(hostname, reply.best_status, reply.text)
    if type(event) in _GREETINGS and (type(event) is not Xclient or reply.code in (220, 554)):
        # RFC 2034 4: no status in the greeting, nor in any answer to EHLO and HELO.
        return reply if reply.status is None else replace(reply, status=None)
    if reply.status is None and not 300 <= reply.code < 400:
        return replace(reply, status=reply.best_status)
    return reply


def prdr_answer(each: Sequence[Reply]) -> Iterable[Reply]:
    """PRDR: a 353, a reply for each recipient, and one for the message as a whole.

    Where all are refused with the same words there is nothing to tell apart, and one refusal says it.
    """
    first = each[0]
    if len(each) == 1 or (not first.is_positive and all(reply == first for reply in each)):
        return (first,)
    return (replies.EACH_FOLLOWS, *each, min(each, key=lambda reply: reply.code))


@lru_cache(maxsize=64)
def hello_answer(offers: Offers, reply: Reply, *, is_extended: bool) -> bytes:
    """RFC 5321 4.1.1.1: our name, a greeting if the shell gave one, and for EHLO the extensions."""
    first = f"{offers.standing.options.hostname} {reply.text}".rstrip()
    lines = offers.lines() if is_extended else []
    return Reply(reply.code, None, "\n".join([first, *lines])).format()
