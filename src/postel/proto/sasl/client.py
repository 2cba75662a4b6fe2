"""The client's side of an exchange, for protocol machines: start, respond, finish.

Implements  RFC 4422 3.
Gives       ClientExchange, ExchangeFault.
Not here    Which mechanism to use (proto.sasl.mechanisms.choose_mechanism).
"""

from __future__ import annotations

from postel.mail import BadSyntax, LocalFault, RemoteFault
from postel.proto.sasl.contract import Mechanism, Response
from postel.proto.sasl.credentials import Credentials
from postel.proto.sasl.questions import SaltPassword


class ExchangeFault(RemoteFault):
    """The server broke the mechanism: cancel the exchange (RFC 4954 4), trust nothing it said."""


class ClientExchange:
    """One exchange in progress. `start` once, `respond` to each challenge, `finish` at the server's yes.

    Where `respond` gives SaltPassword, have that done (it takes its time) and go on with `take_key`.
    """

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
        """The initial response, or None where the server begins. Raises LocalFault as the constructor does."""
        try:
            first = next(self._responses)
        except BadSyntax as bad:
            raise LocalFault(str(bad)) from None
        if isinstance(first, SaltPassword):
            raise LocalFault(f"{self.mechanism.name} asks before it has heard anything")
        self._last = first
        return first.data

    def respond(self, challenge: bytes) -> bytes | SaltPassword:
        """The response to a challenge. Raises ExchangeFault when there is none that fits."""
        try:
            step = self._responses.send(challenge)
        except StopIteration:
            raise ExchangeFault(f"a challenge after {self.mechanism.name} was complete") from None
        except BadSyntax as bad:
            raise ExchangeFault(str(bad)) from None
        if isinstance(step, SaltPassword):
            return step
        self._last = step
        return step.data or b""

    def take_key(self, key: bytes) -> bytes | SaltPassword:
        """The response, once the key is there."""
        return self.respond(key)

    def finish(self) -> None:
        """The server said yes. Raises ExchangeFault when it has not heard, or not proven, enough."""
        if not self._last.completes:
            raise ExchangeFault(f"the server ended {self.mechanism.name} too early")
