"""What the relay agent is told.

Gives       RelayOptions.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from postel.mail import IPAddress
from postel.proto.smtp import ClientTimeouts, ReplyLimits
from postel.routing import TlsDemand


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayOptions:
    """How mail is relayed.

    hostname        what we call ourselves in EHLO.
    port            of MX hosts. 25 everywhere but in tests and in the tour.
    tls             what is demanded of MX hosts of which nothing else is said; fixed next hops have their own.
    sources         our addresses to connect from, at most one of each family; empty: the system chooses.
    connect_s       how long one connection attempt may take. Hosts that answer at all do within seconds.
    handshake_s     how long a TLS handshake may take.
    addresses       how many addresses of a destination are tried in one go (RFC 5321 5.1: at least two).
    tunnels_priority  whether hosts without MT-PRIORITY get the priority as a header field (RFC 6758).
    converts_signed  whether a message is converted for a host that takes less though its signature breaks.
    resume_from     octets from which on a message is sent so that it can be resumed (RFC 1845).
    timeouts        of the SMTP session, per command.
    """

    hostname: str
    port: int = 25
    tls: TlsDemand = field(default_factory=TlsDemand)
    sources: tuple[IPAddress, ...] = ()
    connect_s: float = 30.0
    handshake_s: float = 60.0
    addresses: int = 10
    resume_from: int = 1_000_000
    timeouts: ClientTimeouts = field(default_factory=ClientTimeouts)
    limits: ReplyLimits = field(default_factory=ReplyLimits)
    tunnels_priority: bool = False
    converts_signed: bool = True
