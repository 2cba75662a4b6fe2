"""CRAM-MD5: a keyed digest of the server's challenge.

Implements  RFC 2195 2.
Asks        Challenge, FreshNonce, WhoIsServer, CheckSecret.

Obsolete: MD5, no channel binding, and the server must keep the secret readable. For old programs only.
"""

from __future__ import annotations

import hmac

from postel.asks import Asks
from postel.mail import BadSyntax
from postel.proto.sasl.contract import Challenge, ClientResponses, Denial, Denied, Response, Verdict
from postel.proto.sasl.credentials import Credentials
from postel.proto.sasl.password import verdict_of
from postel.proto.sasl.prepare import prepare_octets
from postel.proto.sasl.questions import CheckSecret, FreshNonce, ServerIs, WhoIsServer


def _digest(secret: str, challenge: bytes) -> bytes:
    return hmac.new(secret.encode(), challenge, "md5").hexdigest().encode()


def cram_server(initial: bytes | None) -> Asks[Verdict]:
    """The server begins, so there is no initial response. Its challenge has the form of a message id."""
    nonce: str = yield FreshNonce()
    server: ServerIs = yield WhoIsServer()
    challenge = f"<{nonce}@{server.hostname}>".encode()
    response: bytes = yield Challenge(challenge)
    # RFC 2195 2: a name may hold blanks; the digest does not.
    name, blank, digest = response.rpartition(b" ")
    if not blank or len(digest) != 32:
        return Denied("a response to CRAM-MD5 is a name and 32 digits", Denial.MALFORMED)
    try:
        authcid = prepare_octets(name)
    except BadSyntax as bad:
        return Denied(str(bad))
    digest = digest.lower()
    question = CheckSecret(
        authcid, lambda secret: hmac.compare_digest(_digest(secret, challenge), digest), ""
    )
    return verdict_of((yield question), authcid, "", f"no such digest for {authcid}")


def cram_client(credentials: Credentials) -> ClientResponses:
    """The name, and the digest of the challenge."""
    challenge = yield Response(None)
    digest = _digest(credentials.password, challenge)
    yield Response(credentials.authcid.encode() + b" " + digest, completes=True)
