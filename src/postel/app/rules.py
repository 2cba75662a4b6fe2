"""What a configuration means for mail on its way: the routing table, the facts for next hops, the resolver.

Gives       Rules, read_rules, make_resolver, fingerprint.
Used by     the server, and the commands that work beside it: both decide by the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from postel import __version__
from postel.app.edges import Edges
from postel.app.own_addresses import own_addresses
from postel.app.table import routing_table
from postel.config import Loaded
from postel.dns import CachingResolver, Resolver, SystemResolver
from postel.mail import IPAddress
from postel.net import parse_endpoint
from postel.routing import HopFacts, RoutingTable


@dataclass(frozen=True, slots=True)
class Rules:
    """A configuration without mistakes, and what routing makes of it.

    routes      a fingerprint of all that decides in which lane a recipient waits.
    """

    loaded: Loaded
    table: RoutingTable
    facts: HopFacts
    routes: str


def read_rules(loaded: Loaded, edges: Edges) -> Rules:
    """The rules as this host has to read them: its interfaces say which addresses are ours."""
    ours = own_addresses(loaded.config, edges.network.own_addresses())
    table = routing_table(loaded, ours)
    facts = HopFacts(
        own_names=table.all_own_names,
        own_addresses=ours,
        random=edges.random,
        allow_loopback=loaded.config.delivery.allow_loopback,
    )
    return Rules(loaded, table, facts, fingerprint(loaded, ours))


def fingerprint(loaded: Loaded, own_addresses: frozenset[IPAddress]) -> str:
    """The same text as long as every recipient belongs into the same lane: by this version, and these settings."""
    config = loaded.config
    decides = (
        __version__,
        config.hostname,
        config.detail_separator,
        config.domain,
        config.relay,
        config.route,
        config.pull,
        sorted(map(str, own_addresses)),
    )
    return blake2b(msgspec.json.encode(decides), digest_size=16).hexdigest()


def make_resolver(loaded: Loaded, edges: Edges) -> Resolver:
    """Who answers questions to DNS: the configured name servers, behind a cache."""
    if edges.resolver is not None:
        return edges.resolver
    dns = loaded.config.dns
    servers = [parse_endpoint(text) for text in dns.servers] or None
    system = SystemResolver(servers, validating=dns.validating, network=edges.network)
    return CachingResolver(system, edges.clock)
