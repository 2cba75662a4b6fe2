"""What a mechanism is: two question generators, one for each side.

Implements  RFC 4422 3 (the exchange), 3.4.1 (authentication and authorization identity), 3.6 (outcome).
Asks        of the server's shell: Challenge, CheckPassword. Later mechanisms ask further questions
            (a stored secret, a token's validity, the TLS layer's certificate): each is one more frozen
            dataclass whose docstring names the type of its answer, and nothing here changes.
Gives       Mechanism, Challenge, CheckPassword, Authenticated, Denied, Denial, Response, ServerExchange.
Not here    How a protocol carries challenges (proto.sasl.wire, and each protocol's machine); passwords
            themselves (directory).

A server mechanism is a generator function of the initial response (None where there was none). It yields
questions, is sent the answers, and returns Authenticated or Denied. A client mechanism is a generator
function of Credentials; it yields Responses and is sent the server's challenges. Neither waits, nor knows
which protocol carries it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from postel.asks import Asks
from postel.mail import LocalFault
from postel.proto.sasl.credentials import Credentials


@dataclass(frozen=True, slots=True)
class Challenge:
    """Question to the client. The answer is its response: bytes, already decoded from base64.

    The client that cancels sends no answer: the shell drops the exchange (RFC 4954 4: reply 501).
    """

    data: bytes


@dataclass(frozen=True, slots=True)
class CheckPassword:
    """Question: is this the password of `authcid`, and may `authcid` act as `authzid`?

    All three are prepared (proto.sasl.prepare); `authzid` is "" where the client named none, and then
    stands for `authcid` itself. The answer is a bool, or a Denied that says more than no: for example
    Denied("too many guesses", Denial.LATER).
    """

    authcid: str
    password: str
    authzid: str

    def __repr__(self) -> str:
        """Without the password: questions end up in logs."""
        return f"CheckPassword(authcid={self.authcid!r}, authzid={self.authzid!r})"


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The client is `authcid`, and acts as `authzid` (never empty: `authcid` where none was named)."""

    authcid: str
    authzid: str


class Denial(enum.Enum):
    """The kinds of no that a protocol answers differently (RFC 4954 6, RFC 5034 4, RFC 3206)."""

    CREDENTIALS = "credentials"  # 535 5.7.8: unknown, wrong, or not permitted; never said which
    MALFORMED = "malformed"  # 501 5.5.2: a response that does not follow the mechanism's grammar
    LATER = "later"  # 454 4.7.0: the check could not be made, or not now


@dataclass(frozen=True, slots=True)
class Denied:
    """The exchange failed. `because` is for the log alone; `kind` decides what the client is told."""

    because: str
    kind: Denial = Denial.CREDENTIALS


@dataclass(frozen=True, slots=True)
class Response:
    """What a client says next.

    data        None, first of all, where the server begins: no initial response.
    completes   whether the server may say yes to this one: it has heard all, and proven itself where the
                mechanism makes it.
    """

    data: bytes | None
    completes: bool = False


Verdict: TypeAlias = Authenticated | Denied
ServerMechanism: TypeAlias = Callable[[bytes | None], Asks[Verdict]]
ClientResponses: TypeAlias = Generator[Response, bytes, None]
ClientMechanism: TypeAlias = Callable[[Credentials], ClientResponses]


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One row of the table MECHANISMS.

    name                    as registered with IANA, upper case.
    rfc                     where it is defined, for the reference page.
    needs_tls               whether it shows the password to whoever listens: offered, and used, only
                            under TLS unless the configuration trusts the network.
    takes_initial_response  whether the client may begin; if not, an initial response is answered
                            501 5.7.0 (RFC 4954 4).
    server, client          the two sides.
    """

    name: str
    rfc: str
    needs_tls: bool
    takes_initial_response: bool
    server: ServerMechanism
    client: ClientMechanism


UNWANTED_INITIAL: Final = Denied("an initial response to a mechanism without one", Denial.MALFORMED)


class ServerExchange:
    """One exchange in progress, for shells that wait between question and answer.

    next = exchange.start()
    while not isinstance(next, (Authenticated, Denied)):
        next = exchange.answer(await the_answer_to(next))
    """

    __slots__ = ("_asks", "_verdict")

    def __init__(self, mechanism: Mechanism, initial: bytes | None) -> None:
        self._verdict: Verdict | None = None
        if initial is not None and not mechanism.takes_initial_response:
            self._verdict = UNWANTED_INITIAL
        self._asks = mechanism.server(initial)

    def start(self) -> Any:
        """The first question, or the verdict at once."""
        return self._verdict or self.answer(None)

    def answer(self, answer: Any) -> Any:
        """The next question, or the verdict. Raises LocalFault when the verdict was given already."""
        if self._verdict is not None:
            raise LocalFault("the exchange has ended")
        try:
            return self._asks.send(answer)
        except StopIteration as done:
            self._verdict = done.value
            return self._verdict
