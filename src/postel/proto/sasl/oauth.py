"""OAUTHBEARER and XOAUTH2: an OAuth 2.0 token, issued elsewhere, in place of a password.

Implements  RFC 7628 3 (OAUTHBEARER), RFC 6750 2.1 (bearer tokens), Google's "XOAUTH2 Mechanism", which came before.
Asks        Challenge (an empty one, where no initial response came; the refusal in JSON), CheckToken.
Not here    Whether a token is good: directory.

Both refuse in the same odd way: a challenge that says why, which the client answers with next to nothing, and only then
the protocol's own no.
"""

from __future__ import annotations

import re
from typing import Final

from postel.asks import Asks
from postel.mail import BadSyntax
from postel.proto.sasl.contract import (
    Authenticated,
    Challenge,
    ClientResponses,
    Denial,
    Denied,
    Response,
    Verdict,
)
from postel.proto.sasl.credentials import Credentials
from postel.proto.sasl.prepare import prepare
from postel.proto.sasl.questions import CheckToken
from postel.proto.sasl.scram_messages import parse_name, quote_name

INVALID_TOKEN: Final = b'{"status":"invalid_token"}'  # RFC 7628 3.2.2
XOAUTH2_REFUSED: Final = b'{"status":"401","schemes":"bearer","scope":""}'
_SEPARATOR: Final = "\x01"
_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)  # RFC 6750 2.1, b64token


def oauthbearer_server(initial: bytes | None) -> Asks[Verdict]:
    """RFC 7628 3.1: a GS2 header, then key=value pairs, each ended by 0x01, and one 0x01 more."""
    message: bytes = initial if initial is not None else (yield Challenge(b""))
    try:
        header, *pairs = _pairs(message)
        authzid, token = _header_name(header), _token(pairs)
    except BadSyntax as bad:
        return Denied(str(bad), Denial.MALFORMED)
    return (yield from _judge(token, authzid, INVALID_TOKEN))


def xoauth2_server(initial: bytes | None) -> Asks[Verdict]:
    """`user=` NAME 0x01 `auth=Bearer ` TOKEN 0x01 0x01."""
    message: bytes = initial if initial is not None else (yield Challenge(b""))
    try:
        user, *pairs = _pairs(message)
        if not user.startswith("user="):
            raise BadSyntax("a response to XOAUTH2 begins with user=")
        authzid, token = prepare(user.removeprefix("user=")), _token(pairs)
    except BadSyntax as bad:
        return Denied(str(bad), Denial.MALFORMED)
    return (yield from _judge(token, authzid, XOAUTH2_REFUSED))


def _judge(token: str, authzid: str, refusal: bytes) -> Asks[Verdict]:
    answer: str | Denied = yield CheckToken(token, authzid)
    if isinstance(answer, str):
        return Authenticated(answer, authzid or answer)
    if answer.kind is Denial.CREDENTIALS:
        yield Challenge(refusal)  # whatever the client says to that, it is refused
    return answer


def _pairs(message: bytes) -> list[str]:
    try:
        text = message.decode()
    except UnicodeDecodeError:
        raise BadSyntax("an OAuth response is UTF-8") from None
    if not text.endswith(_SEPARATOR * 2):
        raise BadSyntax("an OAuth response ends with two 0x01")
    return text[:-2].split(_SEPARATOR)


def _header_name(header: str) -> str:
    """RFC 7628 3.1: no channel binding is defined; `y` says that the client would have known some."""
    match header.split(","):
        case [("n" | "y"), "", ""]:
            return ""
        case [("n" | "y"), name, ""] if name.startswith("a="):
            return parse_name(name.removeprefix("a="))
        case _:
            raise BadSyntax("a response to OAUTHBEARER begins with its GS2 header")


def _token(pairs: list[str]) -> str:
    values = [pair.removeprefix("auth=") for pair in pairs if pair.startswith("auth=")]
    found = _BEARER.fullmatch(values[0]) if len(values) == 1 else None
    if found is None:
        raise BadSyntax("an OAuth response has one bearer token")
    return found.group(1)


def oauthbearer_client(credentials: Credentials) -> ClientResponses:
    """RFC 7628 3.1; 3.2.3: a refusal is answered with 0x01."""
    acting_as = f"a={quote_name(name)}" if (name := credentials.authzid or credentials.authcid) else ""
    where = f"\x01host={credentials.host}\x01port={credentials.port}" if credentials.host else ""
    said = f"n,{acting_as},{where}\x01auth=Bearer {credentials.token}\x01\x01"
    yield Response(said.encode(), completes=True)
    yield Response(b"\x01")


def xoauth2_client(credentials: Credentials) -> ClientResponses:
    """A refusal is answered with nothing."""
    name = credentials.authzid or credentials.authcid
    yield Response(f"user={name}\x01auth=Bearer {credentials.token}\x01\x01".encode(), completes=True)
    yield Response(b"")
