"""What a mechanism is: two question generators, one for each side.

Implements  RFC 4422 3 (the exchange), 3.4.1 (authentication and authorization identity), 3.6 (outcome).
Asks        of the server's shell: Challenge here, and what stands in proto.sasl.questions.
Gives       Mechanism and its columns, Challenge, Authenticated, Anonymous, Denied, Denial, Response, ServerExchange.
Not here    How a protocol carries challenges (proto.sasl.wire, and each protocol's machine); passwords
            themselves (directory).

A server mechanism is a generator function of the initial response (None where there was none). It yields
questions, is sent the answers, and returns Authenticated, Anonymous or Denied. A client mechanism is a generator
function of Credentials; it yields Responses and is sent the server's challenges, or yields SaltPassword and is sent
the key. Neither waits, nor knows which protocol carries it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from postel.asks import Asks
from postel.mail import LocalFault
from postel.proto.sasl.credentials import Credentials, Proof
from postel.proto.sasl.questions import SaltPassword


@dataclass(frozen=True, slots=True)
class Challenge:
    """Question to the client. The answer is its response: bytes, already decoded from base64.

    The client that cancels sends no answer: the shell drops the exchange (RFC 4954 4: reply 501).
    """

    data: bytes


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The client is `authcid`, and acts as `authzid` (never empty: `authcid` where none was named)."""

    authcid: str
    authzid: str


@dataclass(frozen=True, slots=True)
class Anonymous:
    """The client is nobody in particular, and may leave a trace of itself (RFC 4505 2): for the log, never proof."""

    trace: str


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


Verdict: TypeAlias = Authenticated | Anonymous | Denied
ServerMechanism: TypeAlias = Callable[[bytes | None], Asks[Verdict]]
ClientResponses: TypeAlias = Generator[Response | SaltPassword, bytes, None]
ClientMechanism: TypeAlias = Callable[[Credentials], ClientResponses]


class Stored(enum.Enum):
    """What the server must have stored of an account for a mechanism to work, besides the account."""

    NOTHING_MORE = "nothing more"  # a password's hash will do, or nothing
    VERIFIER = "a verifier"  # made when a password is set, or first shown (RFC 5802 2.2)
    SECRET = "a readable secret"  # who reads the database can log in with it


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One row of the table MECHANISMS.

    name                    as registered with IANA, upper case.
    rfc                     where it is defined, for the reference page.
    proof                   what the client proves itself with.
    stored                  what the server has to have.
    needs_tls               whether it shows a password or token to whoever listens, or is about TLS itself: used
                            only under TLS unless the configuration trusts the network.
    takes_initial_response  whether the client may begin; if not, an initial response is answered
                            501 5.7.0 (RFC 4954 4).
    server, client          the two sides.
    binds                   whether it proves to be inside of this TLS session (RFC 5929 4).
    """

    name: str
    rfc: str
    proof: Proof
    stored: Stored
    needs_tls: bool
    takes_initial_response: bool
    server: ServerMechanism
    client: ClientMechanism
    binds: bool = False


UNWANTED_INITIAL: Final = Denied("an initial response to a mechanism without one", Denial.MALFORMED)


class ServerExchange:
    """One exchange in progress, for shells that wait between question and answer.

    next = exchange.start()
    while not isinstance(next, (Authenticated, Anonymous, Denied)):
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
