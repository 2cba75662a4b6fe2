"""The PLAIN mechanism: one message with identity and password.

Implements  RFC 4616.
Asks        Challenge (an empty one, where no initial response came), CheckPassword.
"""

from __future__ import annotations

from postel.asks import Asks
from postel.mail import BadSyntax
from postel.proto.sasl.contract import Challenge, ClientResponses, Denial, Denied, Response, Verdict
from postel.proto.sasl.credentials import Credentials
from postel.proto.sasl.password import check_password
from postel.proto.sasl.prepare import prepare_octets


def plain_server(initial: bytes | None) -> Asks[Verdict]:
    """RFC 4616 2: `[authzid] NUL authcid NUL password`."""
    # RFC 4422 5 item 2a: where the client begins but sent nothing, an empty challenge asks for it.
    message: bytes = initial if initial is not None else (yield Challenge(b""))
    match message.split(b"\0"):
        case [acting_as, identity, secret]:
            try:
                authzid = prepare_octets(acting_as) if acting_as else ""
                authcid, password = prepare_octets(identity), prepare_octets(secret)
            except BadSyntax as bad:
                return Denied(str(bad))  # RFC 4616 2: preparation fails, so verification fails
            return (yield from check_password(authcid, password, authzid))
        case _:
            return Denied("a PLAIN message has two NULs", Denial.MALFORMED)


def plain_client(credentials: Credentials) -> ClientResponses:
    """The message as initial response."""
    texts = (credentials.authzid, credentials.authcid, credentials.password)
    yield Response(b"\0".join(text.encode() for text in texts), completes=True)
