"""Which replies can answer which event, which one does by itself, and how each must look.

Implements  RFC 5321 4.3.2 (replies to each command), 4.2.3 and 3.8 (421), 4.1.1.1 (the answer to EHLO),
            RFC 2034 4 (where an enhanced status belongs, and where not).
Gives       checked_answer, default_answer, hello_answer.
Not here    What an answer changes: server. The replies themselves: replies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from postel.mail import LocalFault, Reply
from postel.proto.smtp import replies
from postel.proto.smtp.events import (
    Auth,
    AuthResponse,
    Connected,
    DataEnd,
    DataStart,
    Event,
    Expn,
    Hello,
    Help,
    Mail,
    Rcpt,
    StartTls,
    Vrfy,
)
from postel.proto.smtp.extensions import Offers
from postel.proto.smtp.helping import help_on
from postel.proto.smtp.options import ServerOptions

_DEFAULTS: Final[Mapping[type[Event], Reply]] = MappingProxyType(
    {
        Hello: replies.HELLO,
        StartTls: replies.START_TLS,
        Mail: replies.REVERSE_PATH_OK,
        Rcpt: replies.RECIPIENT_OK,
        DataStart: replies.START_DATA,
        DataEnd: replies.MESSAGE_OK,
        Vrfy: replies.NOT_VERIFIED,
        Expn: replies.NOT_VERIFIED,
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
        DataEnd: frozenset({250}),
        Vrfy: frozenset({250, 251, 252}),
        Expn: frozenset({250, 252}),
        Help: frozenset({211, 214}),
    }
)


def default_answer(event: Event, options: ServerOptions) -> Reply:
    """What an event is answered with when the shell has nothing to say. Raises LocalFault where it must."""
    match event:
        case Connected():
            return replies.greeting(options.hostname, options.product)
        case Help(topic):
            return help_on(topic)
        case Auth() | AuthResponse():
            raise LocalFault("a SASL exchange has no default answer")
        case _:
            return _DEFAULTS[type(event)]


def checked_answer(event: Event, reply: Reply, hostname: str) -> Reply:
    """The reply as it must look: with a status or without, 421 with our name.

    Raises LocalFault for a positive code that the standard does not know as an answer to this event.
    """
    if reply.code < 400 and reply.code not in _YES[type(event)]:
        raise LocalFault(f"{reply.code} does not answer {type(event).__name__}")
    if reply.code == 421 and not reply.text.startswith(hostname):
        reply = replies.closing(hostname, reply.best_status, reply.text)
    if isinstance(event, Connected | Hello):
        # RFC 2034 4: no status in the greeting, nor in any answer to EHLO and HELO.
        return reply if reply.status is None else replace(reply, status=None)
    if reply.status is None and not 300 <= reply.code < 400:
        return replace(reply, status=reply.best_status)
    return reply


def hello_answer(event: Hello, reply: Reply, offers: Offers) -> Reply:
    """RFC 5321 4.1.1.1: our name, a greeting if the shell gave one, and for EHLO the extensions."""
    first = f"{offers.standing.options.hostname} {reply.text}".rstrip()
    lines = offers.lines() if event.is_extended else []
    return Reply(reply.code, None, "\n".join([first, *lines]))
