"""What a receiving service is told: whom it serves, and what it may be asked.

Gives       Service, ServiceOptions, SmtpParts, machine_options.
Not here    Limits of the protocol itself: proto.smtp.SmtpLimits. Limits of connections: servers.admission.

The three services of RFC 5321 and RFC 6409 are one session class with three sets of options.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Protocol

from postel.checkpoints import Checkpoints
from postel.contents import Contents
from postel.directory import Directory
from postel.dns import Resolver
from postel.hooks import HookFiles, HookOptions, LoopRunner, Runner
from postel.mail import Domain
from postel.net import Clock, Stream
from postel.proto.smtp import EXTENSIONS, ServerOptions, SmtpLimits, WishOptions
from postel.queue import Queue
from postel.routing import IPNetwork, RoutingTable
from postel.servers.admission import Admission
from postel.servers.login import OFFERED_MECHANISMS, offered_mechanisms
from postel.servers.proxied import NOBODY, Trusted
from postel.servers.rates import Rates
from postel.servers.smtpd_access import NO_ACCESS_RULES, AccessOptions
from postel.servers.smtpd_room import FullMailbox, Room
from postel.servers.smtpd_trust import CLOSED, CommandOptions
from postel.servers.smtpd_wishes import GrantOptions
from postel.store import Store
from postel.terminals import Terminals

# RFC 2645 5.4: the port of On-Demand Mail Relay may know these commands alone, and what a session cannot do without.
_SPOKEN: Final = frozenset({"EHLO", "HELO", "STARTTLS", "AUTH", "ATRN", "NOOP", "RSET", "HELP", "QUIT"})
_WITHHELD: Final = frozenset(row.keyword for row in EXTENSIONS) - {
    "STARTTLS",
    "AUTH",
    "ATRN",
    "ENHANCEDSTATUSCODES",
    "HELP",
}


class Service(enum.StrEnum):
    """The ways in for SMTP."""

    SMTP = "smtp"  # port 25: from other servers
    SUBMISSION = "submission"  # port 587: from mail programs, STARTTLS
    SUBMISSIONS = "submissions"  # port 465: the same, TLS from the first octet (RFC 8314 3.3)
    ODMR = "odmr"  # port 366: mail is fetched here, and nothing else (RFC 2645 4)
    LMTP = "lmtp"  # from programs of this machine that deliver into our mailboxes (RFC 2033)
    NO_MAIL = "nomail"  # says 521 to everybody (RFC 7504 3)

    @property
    def is_submission(self) -> bool:
        """Whether RFC 6409 rules here."""
        return self in (Service.SUBMISSION, Service.SUBMISSIONS)

    @property
    def needs_login(self) -> bool:
        """Whether everything waits for a login."""
        return self.is_submission or self is Service.ODMR


class NullMx(enum.StrEnum):
    """Whose null MX record is looked for while the client waits (RFC 7505 4.1)."""

    IGNORED = "nobody"
    RECIPIENTS = (
        "recipients"  # of submissions, where a person who has mistyped a domain is still there to hear it
    )
    ALL = "all"  # recipients that we would relay for anybody, and originators


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """One service. The defaults are those of the service `smtp` on the open Internet.

    hostname            our name, in replies and trace fields; the domain of a bare postmaster.
    service             which of the three.
    limits              limits of the protocol.
    offers_login        whether AUTH is offered at all; submission always does.
    plaintext_login     networks whose clients may log in without TLS. Empty: a password never crosses a wire.
    mechanisms          the SASL mechanisms offered, in any order.
    xclient             hosts that may say who the client is (XCLIENT).
    xforward            hosts that may say where a message came from (XFORWARD).
    commands            who may use commands that tell or do more than taking mail.
    null_mx             whether recipients, and originators, whose domain takes no mail are refused (RFC 7505).
    wishes              what originators may wish of time and rank.
    full_mailbox        what becomes of mail for a mailbox that is full.
    access              rules for strangers.
    hides_client        whether the trace field of a submitted message says nothing of its client (RFC 5321 7.6).
    neighbours          whose connections by TCP are served; None: everybody's. A unix socket is opened by those
                        whom its file lets in.
    keeps_transactions  whether transactions that are interrupted are kept (RFC 1845).
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
    mechanisms: tuple[str, ...] = OFFERED_MECHANISMS
    xclient: Trusted = NOBODY
    xforward: Trusted = NOBODY
    commands: CommandOptions = CLOSED
    null_mx: NullMx = NullMx.IGNORED
    wishes: GrantOptions = field(default_factory=GrantOptions)
    full_mailbox: FullMailbox = FullMailbox.WAIT
    access: AccessOptions = NO_ACCESS_RULES
    hides_client: bool = False
    neighbours: tuple[IPNetwork, ...] | None = None
    keeps_transactions: bool = False
    own_from: bool = True
    hops: int = 100
    greet_delay_s: float = 0.0
    unknown_slow: int = 10
    unknown_wait_s: float = 1.0
    unknown_close: int = 50
    data_s: float = 2 * 3600.0
    session_s: float = 24 * 3600.0
    handshake_s: float = 60.0

    @property
    def is_tls_implicit(self) -> bool:
        """Whether a TLS handshake comes before the greeting."""
        return self.service is Service.SUBMISSIONS

    @property
    def has_login(self) -> bool:
        """Whether clients may log in at all."""
        return self.offers_login or self.service.needs_login


class HandOver(Protocol):
    """Gives waiting mail to a client whose role was reversed (RFC 2645 5.3). Delivery implements it."""

    def may_begin(self, lanes: Collection[str]) -> bool:
        """Whether nobody else is being given the mail of one of these lanes."""

    async def run(self, stream: Stream, lanes: Collection[str]) -> int:
        """Be the client on the stream until all that waits in the lanes is handed over. How many messages were.

        Raises nothing for what the peer or the network does.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpParts:
    """The rooms below that a session works with, joined by the application.

    table           who is ours, and who may relay.
    answer          answers what routing asks: AccountQuestion, FirstAccountQuestion.
    resolver        answers questions to DNS, where a check needs them.
    rates           messages of one client in an hour; None: no limit.
    terminals       where SEND, SOML and SAML find people.
    checkpoints     keeps transactions that are interrupted; None: none are (RFC 1845).
    hand_over       hands waiting mail over to a client that has said ATRN.
    room            where there is how much room.
    store           where mailboxes are; None: nothing can be submitted that is in one (RFC 4468).
    takes_no_mail   whether a domain says by a null MX record that it takes no mail (RFC 7505).
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
    resolver: Resolver | None = None
    rates: Rates | None = None
    terminals: Terminals | None = None
    checkpoints: Checkpoints | None = None
    hand_over: HandOver | None = None
    room: Room = field(default_factory=Room)
    store: Store | None = None
    takes_no_mail: Callable[[Domain], Awaitable[bool]] | None = None


@lru_cache(maxsize=64)
def machine_options(
    options: ServiceOptions,
    *,
    has_tls: bool,
    is_private: bool,
    is_tls: bool,
    wishes: WishOptions,
    has_certificate: bool = False,
) -> ServerOptions:
    """What the machine is told of a service. `is_private` says that nobody listens to this client.

    has_certificate     whether the client has shown a valid one.

    A login is offered where nobody listens, and not elsewhere (RFC 8314 3.2, RFC 4954 4).
    """
    offers_login = options.has_login
    is_odmr = options.service is Service.ODMR
    names = offered_mechanisms(
        options.mechanisms, is_private=is_private, is_tls=is_tls, has_certificate=has_certificate
    )
    return ServerOptions(
        hostname=options.hostname.ascii,
        limits=options.limits,
        has_tls=has_tls,
        mechanisms=names if offers_login else (),
        needs_login=options.service.needs_login,
        is_lmtp=options.service is Service.LMTP,
        keeps_transactions=options.keeps_transactions,
        wishes=wishes,
        spoken=_SPOKEN if is_odmr else frozenset(),
        withheld=_WITHHELD if is_odmr else frozenset(),
    )
