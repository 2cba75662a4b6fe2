"""What a receiving service is told: whom it serves, and what it may be asked.

Gives       Service, ServiceOptions, SmtpParts, machine_options.
Not here    Limits of the protocol itself: proto.smtp.SmtpLimits. Limits of connections: servers.admission.

The three services of RFC 5321 and RFC 6409 are one session class with three sets of options.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from postel.contents import Contents
from postel.directory import Directory
from postel.hooks import HookFiles, HookOptions, LoopRunner, Runner
from postel.mail import Domain, IPAddress
from postel.net import Clock
from postel.proto.sasl import MECHANISMS
from postel.proto.smtp import ServerOptions, SmtpLimits
from postel.queue import Queue
from postel.routing import IPNetwork, RoutingTable
from postel.servers.admission import Admission
from postel.servers.proxied import NOBODY, Trusted


class Service(enum.StrEnum):
    """The three ways in for SMTP."""

    SMTP = "smtp"  # port 25: from other servers
    SUBMISSION = "submission"  # port 587: from mail programs, STARTTLS
    SUBMISSIONS = "submissions"  # port 465: the same, TLS from the first octet (RFC 8314 3.3)

    @property
    def is_submission(self) -> bool:
        """Whether RFC 6409 rules here."""
        return self is not Service.SMTP

    @property
    def is_tls_implicit(self) -> bool:
        """Whether a TLS handshake comes before the greeting."""
        return self is Service.SUBMISSIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """One service. The defaults are those of the service `smtp` on the open Internet.

    hostname            our name, in replies and trace fields; the domain of a bare postmaster.
    service             which of the three.
    limits              limits of the protocol.
    offers_login        whether AUTH is offered at all; submission always does.
    plaintext_login     networks whose clients may log in without TLS. Empty: a password never crosses a wire.
    xclient             hosts that may say who the client is (XCLIENT).
    xforward            hosts that may say where a message came from (XFORWARD).
    own_from            whether the From field of submitted mail must name an address of the account.
    hops                Received fields before a message is taken for a loop (RFC 5321 6.3).
    greet_delay_s       how long to wait with the greeting for clients that cannot wait; 0 does not wait.
    unknown_slow        refused recipients after which each further refusal waits for `unknown_wait_s`:
                        who guesses addresses shall not do it fast.
    unknown_close       refused recipients after which the session is closed.
    data_s              how long the content of one message may take in all, however busily it comes.
    session_s           how long a session may take; one mail transaction may still be finished.
    handshake_s         how long a TLS handshake may take.
    """

    hostname: Domain
    service: Service = Service.SMTP
    limits: SmtpLimits = field(default_factory=SmtpLimits)
    offers_login: bool = False
    plaintext_login: tuple[IPNetwork, ...] = ()
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    xclient: Trusted = NOBODY
    xforward: Trusted = NOBODY
    own_from: bool = True
    hops: int = 100
    greet_delay_s: float = 0.0
    unknown_slow: int = 10
    unknown_wait_s: float = 1.0
    unknown_close: int = 50
    data_s: float = 2 * 3600.0
    session_s: float = 24 * 3600.0
    handshake_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpParts:
    """The rooms below that a session works with, joined by the application.

    table           who is ours, and who may relay.
    answer          answers what routing asks: AccountQuestion, FirstAccountQuestion.
    client_name     the name of an address as DNS confirms it, forward and backward; None when unknown.
                    Without it no name is looked up.
    """

    clock: Clock
    queue: Queue
    contents: Contents
    directory: Directory
    admission: Admission
    table: RoutingTable
    answer: Callable[[Any], Awaitable[Any]]
    hooks: HookFiles = field(default_factory=HookFiles)
    hook_options: HookOptions = field(default_factory=HookOptions)
    hook_runner: Runner = field(default_factory=LoopRunner)
    client_name: Callable[[IPAddress], Awaitable[str | None]] | None = None


@lru_cache(maxsize=64)
def machine_options(options: ServiceOptions, *, has_tls: bool, is_private: bool) -> ServerOptions:
    """What the machine is told of a service. `is_private` says that nobody listens to this client.

    A login is offered where nobody listens; elsewhere only by mechanisms that show no password, and where
    there is none, not at all (RFC 8314 3.2, RFC 4954 4).
    """
    offers_login = options.offers_login or options.service.is_submission
    names = tuple(row.name for row in MECHANISMS if is_private and row.name in options.mechanisms)
    return ServerOptions(
        hostname=options.hostname.ascii,
        limits=options.limits,
        has_tls=has_tls,
        mechanisms=names if offers_login else (),
        needs_login=options.service.is_submission,
    )
