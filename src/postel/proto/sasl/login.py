"""The LOGIN mechanism: identity and password, each asked for by name.

Implements  draft-murchison-sasl-login-00. Obsolete, but the only one that some mail programs know.
Asks        Challenge, CheckPassword.
"""

from __future__ import annotations

from typing import Final

from postel.asks import Asks
from postel.mail import BadSyntax
from postel.proto.sasl.contract import Challenge, ClientResponses, Denied, Response, Verdict
from postel.proto.sasl.credentials import Credentials
from postel.proto.sasl.password import check_password
from postel.proto.sasl.prepare import prepare_octets

# The draft's own words are "User Name" and "Password", but clients were written against these.
USERNAME: Final = b"Username:"
PASSWORD: Final = b"Password:"


def login_server(initial: bytes | None) -> Asks[Verdict]:
    """Ask for both. An initial response is the identity: many clients send one, the draft has none."""
    identity: bytes = initial if initial is not None else (yield Challenge(USERNAME))
    secret: bytes = yield Challenge(PASSWORD)
    try:
        authcid, password = prepare_octets(identity), prepare_octets(secret)
    except BadSyntax as bad:
        return Denied(str(bad))
    return (yield from check_password(authcid, password, ""))


def login_client(credentials: Credentials) -> ClientResponses:
    """Answer the first question with the identity and the second with the password, whatever they say."""
    yield Response(None)
    yield Response(credentials.authcid.encode())
    yield Response(credentials.password.encode(), completes=True)
