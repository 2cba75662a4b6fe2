"""The routing table: what the configuration says about domains, as plain facts with their places.

Implements  RFC 5321 4.1.3 (address literals of ours), 2.3.5 and 4.5.1 (our own name takes mail for postmaster).
Gives       RoutingTable, OurDomain, Alias, RelayDomain, RelayNetwork, FixedRoute, AliasLimits, parse_alias.
Not here    Reading the configuration (config); deciding by the table (decide).

Every row has a `source` such as "postel.toml:12", for `postel explain` and for the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from types import MappingProxyType
from typing import Final, TypeAlias

from postel.mail import (
    AddressLiteral,
    BadSyntax,
    Domain,
    Host,
    IPAddress,
    Mailbox,
    parse_local_part,
    parse_mailbox,
    plain_ip,
)
from postel.routing.patterns import DomainPattern, DomainTable
from postel.routing.pulling import NamedQueue, PullRight
from postel.routing.route import FixedTarget, Login, OwnMailbox, TlsPolicy, ToHop
from postel.routing.tls_demand import DestinationTls

IPNetwork: TypeAlias = IPv4Network | IPv6Network

CATCH_ALL: Final = "*"


@dataclass(frozen=True, slots=True)
class Alias:
    """One alias of a domain of ours: mail for it goes to its members, at our domains or anywhere."""

    members: tuple[Mailbox, ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class OurDomain:
    """A domain that we are the final destination of.

    aliases     keyed by folded local part; "*" is for whatever is neither an alias nor an account.
    """

    domain: Host
    aliases: Mapping[str, Alias] = field(default_factory=lambda: MappingProxyType({}))
    source: str = ""


@dataclass(frozen=True, slots=True)
class RelayDomain:
    """A domain whose mail we pass on for anybody: we are its backup MX, or its gateway."""

    pattern: DomainPattern
    source: str = ""


@dataclass(frozen=True, slots=True)
class RelayNetwork:
    """A network whose hosts may relay anywhere without a login."""

    network: IPNetwork
    source: str = ""


@dataclass(frozen=True, slots=True)
class FixedRoute:
    """Where mail for a domain goes instead of its MX."""

    pattern: DomainPattern
    target: FixedTarget
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasLimits:
    """How far one recipient may expand."""

    members: int = 1000  # leaves of one expansion
    addresses: int = 2000  # visited on the way to them


@dataclass(frozen=True, kw_only=True)
class RoutingTable:
    """All of it. Built anew when the configuration is reloaded, never changed.

    hostname            ours; mail for postmaster and abuse at it is for us.
    own_names           further names under which MX records may name us.
    own_addresses       addresses at which we listen, or are reached behind a translator.
    postmaster          who gets what must reach somebody; None for the account that was made first.
    detail_separator    between a local part and its detail (RFC 5233): `kitt+lists`; "" for none.
    tls                 what the MX hosts of domains owe us.
    pulls               accounts that fetch mail of domains routed to "pull" (RFC 2645).
    queues              queues that ETRN may name (RFC 1985 5.3).
    """

    hostname: Domain
    domains: tuple[OurDomain, ...] = ()
    relay_domains: tuple[RelayDomain, ...] = ()
    relay_networks: tuple[RelayNetwork, ...] = ()
    routes: tuple[FixedRoute, ...] = ()
    own_names: frozenset[str] = frozenset()
    own_addresses: frozenset[IPAddress] = frozenset()
    postmaster: Mailbox | None = None
    postmaster_source: str = ""
    detail_separator: str = "+"
    limits: AliasLimits = AliasLimits()
    tls: tuple[DestinationTls, ...] = ()
    pulls: tuple[PullRight, ...] = ()
    queues: tuple[NamedQueue, ...] = ()

    def our_domain(self, host: Host) -> OurDomain | None:
        """The domain of ours that this is; None when we are not its final destination.

        Ours are those configured, those routed to "mailbox", our own host name where nothing else is said of
        it, and literals of our own addresses.
        """
        if configured := self._domains.get(host.ascii):
            return configured
        fixed = self.fixed_route(host, or_everything=False)
        if fixed is not None:
            return OurDomain(host, source=fixed.source) if isinstance(fixed.target, OwnMailbox) else None
        if self.relay_domain(host) is not None:
            return None
        return OurDomain(host) if self._is_this_server(host) else None

    def relay_domain(self, host: Host) -> RelayDomain | None:
        """The row that lets anybody relay to this domain."""
        return self._relay_domains.find(host, or_everything=False)

    def fixed_route(self, host: Host, *, or_everything: bool = True) -> FixedRoute | None:
        """The fixed route that fits best; `*` only where `or_everything`."""
        return self._routes.find(host, or_everything=or_everything)

    def relay_network(self, client_ip: IPAddress | None) -> RelayNetwork | None:
        """The row that lets this client relay anywhere. None for a client without an address."""
        if client_ip is None:
            return None
        address = plain_ip(client_ip)
        return next((row for row in self.relay_networks if address in row.network), None)

    def tls_of(self, host: Host) -> DestinationTls | None:
        """The row about TLS that fits a destination best."""
        return self._tls.find(host)

    @property
    def all_own_names(self) -> frozenset[str]:
        """Every name under which an MX record may mean us, in A-label form."""
        return self.own_names | {self.hostname.ascii}

    @cached_property
    def hops(self) -> Mapping[str, ToHop]:
        """The configured next hops, keyed by their lane."""
        targets = (row.target for row in self.routes)
        return {lane_of_hop(target): target for target in targets if isinstance(target, ToHop)}

    def _is_this_server(self, host: Host) -> bool:
        if isinstance(host, AddressLiteral):
            return plain_ip(host.address) in self.own_addresses
        return host.ascii == self.hostname.ascii

    @cached_property
    def _domains(self) -> Mapping[str, OurDomain]:
        return {row.domain.ascii: row for row in self.domains}

    @cached_property
    def _relay_domains(self) -> DomainTable[RelayDomain]:
        return DomainTable((row.pattern, row) for row in self.relay_domains)

    @cached_property
    def _tls(self) -> DomainTable[DestinationTls]:
        return DomainTable((row.pattern, row) for row in self.tls)

    @cached_property
    def _routes(self) -> DomainTable[FixedRoute]:
        return DomainTable((row.pattern, row) for row in self.routes)


def lane_of_hop(hop: ToHop) -> str:
    """`hop:smtp:[127.0.0.9]:2525`; the login is part of it, since a session has only one."""
    return f"hop:{hop}" + (f"#{hop.login.name}" if hop.login else "")


def with_login(
    target: FixedTarget,
    login: Login | None,
    tls: TlsPolicy | None = None,
    *,
    names: tuple[str, ...] = (),
    least: str | None = None,
    xforward: bool = False,
) -> FixedTarget:
    """A next hop as `parse_route` gives it, with a login, what TLS it owes us, and what it is told.

    Raises BadSyntax for other targets.
    """
    if login is None and tls is None and not (names or least or xforward):
        return target
    if not isinstance(target, ToHop):
        raise BadSyntax('only a route to "smtp:…" or "lmtp:…" has a login or a TLS policy')
    return replace(
        target,
        login=login,
        tls=tls or target.tls,
        tls_names=names,
        tls_least=least or target.tls_least,
        xforward=xforward,
    )


def parse_alias(name: str, members: str | Iterable[str], domain: Host, source: str = "") -> tuple[str, Alias]:
    """The key and the value of one alias; members without an @ are at the same domain. Raises BadSyntax."""
    texts = (members,) if isinstance(members, str) else tuple(members)
    if not texts:
        raise BadSyntax(
            'an alias has a member at least; to throw mail away, give the domain a route "discard"'
        )
    key = name if name == CATCH_ALL else parse_local_part(name).folded
    return key, Alias(tuple(_parse_member(text, domain) for text in texts), source)


def _parse_member(text: str, domain: Host) -> Mailbox:
    if "@" in text:
        return parse_mailbox(text.strip())
    return Mailbox(parse_local_part(text.strip()), domain)
