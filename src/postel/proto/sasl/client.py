"""The client's side of an exchange, for protocol machines: start, respond, finish.

Implements  RFC 4422 3.
Gives       ClientExchange, ExchangeFault.
Not here    Which mechanism to use (proto.sasl.mechanisms.choose_mechanism).
"""

from __future__ import annotations

from postel.mail import BadSyntax, LocalFault, RemoteFault
from postel.proto.sasl.contract import Mechanism, Response
from postel.proto.sasl.credentials import Credentials


class ExchangeFault(RemoteFault):
    """The server broke the mechanism: cancel the exchange (RFC 4954 4), trust nothing it said."""


class ClientExchange:
    """One exchange in progress. `start` once, `respond` to each challenge, `finish` at the server's yes."""

    __slots__ = ("_last", "_responses", "mechanism")

    def __init__(self, mechanism: Mechanism, credentials: Credentials) -> None:
        """Raises LocalFault for credentials that cannot be prepared."""
        self.mechanism = mechanism
        try:
            self._responses = mechanism.client(credentials.prepared())
        except BadSyntax as bad:
            raise LocalFault(str(bad)) from None
        self._last = Response(None)

    def start(self) -> bytes | None:
        """The initial response, or None where the server begins."""
        self._last = next(self._responses)
        return self._last.data

    def respond(self, challenge: bytes) -> bytes:
        """The response to a challenge. Raises ExchangeFault when nothing is left to say."""
        try:
            self._last = self._responses.send(challenge)
        except StopIteration:
            raise ExchangeFault(f"a challenge after {self.mechanism.name} was complete") from None
        return self._last.data or b""

    def finish(self) -> None:
        """The server said yes. Raises ExchangeFault when it has not heard, or not proven, enough."""
        if not self._last.completes:
            raise ExchangeFault(f"the server ended {self.mechanism.name} too early")
