"""What the tests of next hops hold of their certificate authority."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from postel.tls import ClientTls, ServerTls


@dataclass(frozen=True)
class HopCertificates:
    """`server(name)` has a certificate for that name; `verifying` is a client that trusts their issuer."""

    server: Callable[[str], ServerTls]
    verifying: ClientTls
