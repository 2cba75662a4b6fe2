"""What a client proves itself with.

Gives       Credentials.
"""

from __future__ import annotations

from dataclasses import dataclass

from postel.proto.sasl.prepare import prepare


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client proves itself with.

    authcid    whose password it is.
    password   the password itself; never shown by repr.
    authzid    whom to act as; "" for authcid itself.

    Mechanisms that need more (a token, a nonce, the TLS channel's binding) add a field with a default.
    """

    authcid: str
    password: str
    authzid: str = ""

    def __repr__(self) -> str:
        return f"Credentials(authcid={self.authcid!r}, authzid={self.authzid!r})"

    def prepared(self) -> Credentials:
        """All texts prepared (RFC 4616 2: the client prepares too). Raises BadSyntax."""
        return Credentials(
            prepare(self.authcid), prepare(self.password), prepare(self.authzid) if self.authzid else ""
        )
