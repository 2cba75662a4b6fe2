"""Next hops: what a plan of hosts to try is made of.

Gives       HopFacts, HopLimits, HopPlan, Tier, HopHost, TierHosts, NoRoute, CanShuffle.
Not here    Finding them (mx), their addresses (addresses), connecting (delivery).
"""

from __future__ import annotations

from collections.abc import MutableSequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from postel.mail import Host, IPAddress, Reply
from postel.routing.route import Trail


class CanShuffle(Protocol):
    """The part of `random.Random` that is needed here."""

    def shuffle(self, x: MutableSequence[Any]) -> None:
        """Bring the items into random order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HopLimits:
    """How much of what a domain publishes is tried: its owner is a stranger."""

    mx_hosts: int = 16
    addresses_of_host: int = 8  # RFC 5321 5.1: at least two addresses are to be tried


@dataclass(frozen=True, slots=True, kw_only=True)
class HopFacts:
    """What the search for next hops must know about this server.

    own_names       names under which an MX record means us, in A-label form.
    own_addresses   addresses under which it does. Each Postel of several on one machine has only its own.
    random          brings MX hosts of equal preference into random order.
    allow_loopback  whether MX hosts may be at loopback addresses: in tests and in the tour, where the whole
                    Internet is one machine. Elsewhere a stranger's MX record could aim us at our own services.
    prefers_ipv6    whether the first address tried of each host is an IPv6 one, where it has both kinds. They
                    then alternate, so a network without working IPv6 costs one attempt, not many.
    uses_ipv6       whether IPv6 addresses are asked for at all; `uses_ipv4` likewise.
    """

    own_names: frozenset[str]
    own_addresses: frozenset[IPAddress]
    random: CanShuffle
    allow_loopback: bool = False
    prefers_ipv6: bool = True
    uses_ipv6: bool = True
    uses_ipv4: bool = True
    limits: HopLimits = field(default_factory=HopLimits)


@dataclass(frozen=True, slots=True)
class Tier:
    """Exchanges of one preference, in the order to try them."""

    preference: int
    exchanges: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HopPlan:
    """Tiers, the best first. `hosts_of` finds the hosts of one when its turn comes."""

    domain: Host | str
    tiers: tuple[Tier, ...]
    trail: Trail
    is_configured: bool = False  # the operator named this hop: no stranger's MX record did
    is_authentic: bool = False  # nobody on the way could have changed the names (RFC 8689 4.2.1)


@dataclass(frozen=True, slots=True)
class HopHost:
    """A host to try, with its addresses in the order to try them. The name is for TLS and for logs."""

    name: str
    addresses: tuple[IPAddress, ...]


@dataclass(frozen=True, slots=True)
class TierHosts:
    """The hosts of one tier that have addresses.

    is_trouble      DNS did not answer for some: having reached nobody is then transient.
    leads_to_us     one of them is this server: it is left out, and no later tier may be tried.
    """

    hosts: tuple[HopHost, ...]
    trail: Trail
    is_trouble: bool = False
    leads_to_us: bool = False


@dataclass(frozen=True, slots=True)
class NoRoute:
    """There is nobody to try: transient or permanent as `reply` says."""

    reply: Reply
    because: str
    trail: Trail
