"""ANONYMOUS: no proof at all, for services that want none.

Implements  RFC 4505.
Asks        Challenge (an empty one, where no initial response came).
"""

from __future__ import annotations

from typing import Final

from postel.asks import Asks
from postel.mail import BadSyntax
from postel.proto.sasl.contract import (
    Anonymous,
    Challenge,
    ClientResponses,
    Denial,
    Denied,
    Response,
    Verdict,
)
from postel.proto.sasl.credentials import Credentials
from postel.proto.sasl.prepare import prepare_octets

TRACE_LIMIT: Final = 255  # characters: RFC 4505 2


def anonymous_server(initial: bytes | None) -> Asks[Verdict]:
    """RFC 4505 2: an address or a word, or nothing."""
    message: bytes = initial if initial is not None else (yield Challenge(b""))
    try:
        trace = prepare_octets(message) if message else ""
    except BadSyntax as bad:
        return Denied(str(bad), Denial.MALFORMED)
    if len(trace) > TRACE_LIMIT:
        return Denied("a trace has at most 255 characters", Denial.MALFORMED)
    return Anonymous(trace)


def anonymous_client(credentials: Credentials) -> ClientResponses:
    """The name as trace."""
    yield Response(credentials.authcid.encode(), completes=True)
