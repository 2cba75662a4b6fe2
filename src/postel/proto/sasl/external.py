"""EXTERNAL: the TLS session has proven already who the client is.

Implements  RFC 4422 appendix A.
Asks        Challenge (an empty one, where no initial response came), CheckCertificate.
"""

from __future__ import annotations

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
from postel.proto.sasl.prepare import prepare_octets
from postel.proto.sasl.questions import CheckCertificate


def external_server(initial: bytes | None) -> Asks[Verdict]:
    """The response is whom to act as, or nothing."""
    message: bytes = initial if initial is not None else (yield Challenge(b""))
    try:
        authzid = prepare_octets(message) if message else ""
    except BadSyntax as bad:
        return Denied(str(bad), Denial.MALFORMED)
    answer: str | Denied = yield CheckCertificate(authzid)
    return answer if isinstance(answer, Denied) else Authenticated(answer, authzid or answer)


def external_client(credentials: Credentials) -> ClientResponses:
    """Whom to act as; without one, whoever the certificate stands for."""
    yield Response((credentials.authzid or credentials.authcid).encode(), completes=True)
