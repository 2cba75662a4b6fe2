"""What mechanisms ask of their shells: accounts, chance, the TLS session, and work that takes its time.

Gives       the questions; Verifier and ServerIs, answers to some of them.
Not here    Challenge, the question to the peer: proto.sasl.contract.

`authcid` is who the client says it is, `authzid` whom it wants to act as, "" where it named nobody else; both are
prepared (proto.sasl.prepare). Where the answer is "a bool or Denied", False is a plain no, and a Denied says more: for
example Denied("too many guesses", Denial.LATER).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CheckPassword:
    """Question: is this the password of `authcid`, and may `authcid` act as `authzid`? A bool or Denied."""

    authcid: str
    password: str = field(repr=False)  # questions end up in logs
    authzid: str


@dataclass(frozen=True, slots=True)
class CheckSecret:
    """Question: does `proves` take the readable secret of `authcid`? A bool or Denied.

    Of an account without one, and of nobody, `proves` is asked about a made-up secret, and the answer is no.
    """

    authcid: str
    proves: Callable[[str], bool] = field(repr=False)
    authzid: str


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a server keeps of a password for SCRAM (RFC 5802 3): it shows the password only to who guesses it."""

    salt: bytes
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class FindVerifier:
    """Question: the Verifier of `authcid` for a hash ("sha1", "sha256"), or Denied.

    Who has none gets a made-up one, always with the same salt (RFC 5802 9): so asking tells nothing.
    """

    authcid: str
    hash_name: str


@dataclass(frozen=True, slots=True)
class CheckProof:
    """Question: `authcid` has proven itself, or not, by its Verifier; is it let in as `authzid`? A bool or Denied."""

    authcid: str
    is_right: bool
    authzid: str


@dataclass(frozen=True, slots=True)
class CheckToken:
    """Question: whom does this OAuth 2.0 token speak for? A login name, or Denied. `authzid`, if given, must be it."""

    token: str = field(repr=False)
    authzid: str


@dataclass(frozen=True, slots=True)
class CheckCertificate:
    """Question: whom does the TLS client certificate of this session stand for? A login name, or Denied."""

    authzid: str


@dataclass(frozen=True, slots=True)
class FreshNonce:
    """Question: text that nobody guesses and that never comes again. Printable ASCII without blank, comma or quote."""


@dataclass(frozen=True, slots=True)
class ServerIs:
    """Who the server is: `service` is a GSSAPI service name ("smtp", "pop": RFC 2831 2.1.2), `hostname` our name."""

    service: str
    hostname: str


@dataclass(frozen=True, slots=True)
class WhoIsServer:
    """Question: a ServerIs."""


@dataclass(frozen=True, slots=True)
class FindBinding:
    """Question: the tls-server-end-point of the session (RFC 5929 4), or None where no -PLUS mechanism is offered."""


@dataclass(frozen=True, slots=True)
class SaltPassword:
    """Question of a client mechanism: `salted(...)` of these (proto.sasl.scram). It takes its time, so not here."""

    hash_name: str
    password: str = field(repr=False)
    salt: bytes
    iterations: int
