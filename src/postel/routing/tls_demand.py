"""What a destination owes us in TLS, and the names that its hosts' certificates may have.

Implements  RFC 3207 4.1 (each side decides what it needs), RFC 7817 3 and RFC 6125 6.2 (reference names),
            RFC 8689 3 and 4.2 (what one message may want instead).
Gives       TlsDemand, DestinationTls, Care, cared_for.
Not here    Shaking hands, comparing names: tls. Which destination a message has: decide.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Final

from postel.mail import BadSyntax, Host, parse_host
from postel.routing.patterns import DomainPattern
from postel.routing.route import TlsPolicy, ToHop

HOST: Final = "host"
DOMAIN: Final = "domain"
BELOW_DOMAIN: Final = ".domain"


@dataclass(frozen=True, slots=True)
class TlsDemand:
    """What is demanded.

    names   which names a certificate may have, for TlsPolicy.VERIFIED: host names, `.example.org` for every host
            below it, and the words `host` (the host's own name), `domain` (the destination's) and `.domain` (every
            host below that). Empty: the host's own name.
    least   the oldest version of TLS that will do.
    """

    policy: TlsPolicy = TlsPolicy.WHEN_OFFERED
    names: tuple[str, ...] = ()
    least: str = "TLSv1.2"

    @property
    def insists(self) -> bool:
        """Whether there is no mail without TLS."""
        return self.policy in (TlsPolicy.REQUIRED, TlsPolicy.VERIFIED)

    def names_of(self, host: str, domain: str) -> tuple[str, ...]:
        """The names that the certificate of `host` may have; empty for its own name alone."""
        words = {HOST: host, DOMAIN: domain, BELOW_DOMAIN: f".{domain}"}
        return tuple(words.get(name, name) for name in self.names)

    def __str__(self) -> str:
        match self.policy:
            case TlsPolicy.NEVER:
                return "no TLS"
            case TlsPolicy.WHEN_OFFERED:
                return f"TLS when it is offered, certificates are not judged{self._least()}"
            case TlsPolicy.REQUIRED:
                return f"TLS or nothing, certificates are not judged{self._least()}"
            case TlsPolicy.VERIFIED:
                whose = " or ".join(_WORDS.get(name, name) for name in self.names) or _WORDS[HOST]
                return f"TLS with a certificate for {whose}, or nothing{self._least()}"

    def _least(self) -> str:
        return "" if self.least == "TLSv1.2" else f"; {self.least} at the least"


_WORDS: Final = {
    HOST: "the host's name",
    DOMAIN: "the domain",
    BELOW_DOMAIN: "a name below the domain",
}


@dataclass(frozen=True, slots=True)
class DestinationTls:
    """What the MX hosts of a domain owe us."""

    pattern: DomainPattern
    demand: TlsDemand
    source: str = ""


def parse_certificate_name(text: str) -> str:
    """Parse one of `TlsDemand.names`, in A-label form. Raises BadSyntax."""
    if text in (HOST, DOMAIN, BELOW_DOMAIN):
        return text
    try:
        host: Host = parse_host(text.removeprefix("."))
    except BadSyntax:
        raise BadSyntax(
            "a certificate's name is a host name, .example.org for all below it, host, domain or .domain"
        ) from None
    return ("." if text.startswith(".") else "") + host.ascii.strip("[]").removeprefix("IPv6:")


def demand_of_hop(hop: ToHop) -> TlsDemand:
    """What a configured next hop owes us. Where TLS comes first there is nothing but TLS (RFC 8314 3.3)."""
    is_open = hop.tls in (TlsPolicy.NEVER, TlsPolicy.WHEN_OFFERED)
    policy = TlsPolicy.REQUIRED if hop.is_tls_implicit and is_open else hop.tls
    return TlsDemand(policy, hop.tls_names, hop.tls_least)


class Care(enum.Enum):
    """What a message itself says about TLS."""

    BY_POLICY = "as the policy says"
    OPTIONAL = "TLS-Required: No"  # RFC 8689 3
    REQUIRED = "REQUIRETLS"  # RFC 8689 2


def cared_for(demand: TlsDemand, care: Care) -> TlsDemand:
    """The demand for a message with this wish.

    RFC 8689 4.2.1: TLS with a certificate for the host's name, whatever the policy; names that the operator gave for
    a policy `verified` hold. 4.2.2: nothing more than TLS when it is offered.
    """
    match care:
        case Care.REQUIRED if demand.policy is not TlsPolicy.VERIFIED:
            return replace(demand, policy=TlsPolicy.VERIFIED, names=())
        case Care.OPTIONAL if demand.insists:
            return TlsDemand()
        case _:
            return demand
