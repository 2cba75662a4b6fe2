"""What a client proves itself with.

Gives       Credentials, Proof.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace

from postel.proto.sasl.prepare import prepare


class Proof(enum.Enum):
    """What a client proves itself with."""

    PASSWORD = "a password"
    TOKEN = "an OAuth 2.0 token"
    CERTIFICATE = "a TLS client certificate"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client proves itself with. Its text shows no secret.

    authcid         whose password it is; may be empty only where a token or a certificate says it.
    password        the password itself; "" for none.
    authzid         whom to act as; "" for authcid itself.
    token           an OAuth 2.0 bearer token; "" for none.
    has_certificate whether the TLS session has shown a client certificate.

    What the shell adds for one exchange:

    nonce           text that nobody guesses and that never comes again, as for FreshNonce.
    binding         tls-server-end-point of the TLS session; None where no -PLUS mechanism is to be thought of.
    service         "smtp": a GSSAPI service name (RFC 2831 2.1.2).
    host, port      the server as we know it.
    """

    authcid: str
    password: str = field(default="", repr=False)
    authzid: str = ""
    token: str = field(default="", repr=False)
    has_certificate: bool = False
    nonce: str = field(default="", repr=False)
    binding: bytes | None = field(default=None, repr=False)
    service: str = "smtp"
    host: str = ""
    port: int = 0

    @property
    def proofs(self) -> frozenset[Proof]:
        """What they can prove."""
        has = {
            Proof.PASSWORD: bool(self.authcid and self.password),
            Proof.TOKEN: bool(self.token),
            Proof.CERTIFICATE: self.has_certificate,
        }
        return frozenset(proof for proof, is_there in has.items() if is_there)

    def prepared(self) -> Credentials:
        """All texts prepared (RFC 4616 2: the client prepares too). Raises BadSyntax; for there being none as well."""
        is_nameless = bool(self.token or self.has_certificate)
        return replace(
            self,
            authcid=prepare(self.authcid) if self.authcid or not is_nameless else "",
            password=prepare(self.password) if self.password or not is_nameless else "",
            authzid=prepare(self.authzid) if self.authzid else "",
        )
