"""Find what is dangerous or without effect in a routing table, for `postel check`.

Implements  RFC 2505 2.1 (no open relays), RFC 5321 3.9 (aliases).
Gives       dangers_of.
Not here    Mistakes of form: the parsers raise BadSyntax for those.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final

from postel.asks import answer_with
from postel.mail import LocalPart, Mailbox
from postel.routing.decide import decide
from postel.routing.questions import AccountQuestion
from postel.routing.route import OwnMailbox, Refuse, Step, ToHop
from postel.routing.table import CATCH_ALL, IPNetwork, OurDomain, RoutingTable

# A network with more hosts than these, outside of private address space, is no one organisation's.
_WIDEST_PREFIX: Final = {4: 16, 6: 32}

# RFC 1918 3, RFC 1122 3.2.1.3, RFC 3927 2.1, RFC 6598 7; RFC 4193 3.1, RFC 4291 2.5.6.
_PRIVATE_4: Final = tuple(
    IPv4Network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "100.64.0.0/10",
    )
)
_PRIVATE_6: Final = tuple(IPv6Network(text) for text in ("fc00::/7", "fe80::/10"))


def dangers_of(table: RoutingTable) -> tuple[Step, ...]:
    """One step for each thing that the operator should look at again, with its source."""
    return tuple(
        step
        for find in (_wide_networks, _wide_relay_domains, _doubly_named, _useless_routes, _bad_aliases)
        for step in find(table)
    )


def _wide_networks(table: RoutingTable) -> Iterator[Step]:
    for row in table.relay_networks:
        if row.network.prefixlen < _WIDEST_PREFIX[row.network.version] and not _is_private(row.network):
            yield Step(
                f"an open relay: everybody in {row.network} may send mail to anywhere through us", row.source
            )


def _is_private(network: IPNetwork) -> bool:
    if isinstance(network, IPv4Network):
        return any(network.subnet_of(block) for block in _PRIVATE_4)
    return any(network.subnet_of(block) for block in _PRIVATE_6)


def _wide_relay_domains(table: RoutingTable) -> Iterator[Step]:
    for row in table.relay_domains:
        if row.pattern.is_everything or "." not in row.pattern.name:
            yield Step(f"an open relay: anybody may send mail to {row.pattern} through us", row.source)


def _doubly_named(table: RoutingTable) -> Iterator[Step]:
    ours = {row.domain.ascii for row in table.domains}
    for row in table.relay_domains:
        if not row.pattern.is_subdomains and row.pattern.name in ours:
            yield Step(
                f"{row.pattern} is a domain of ours: naming it as a relay domain has no effect", row.source
            )


def _useless_routes(table: RoutingTable) -> Iterator[Step]:
    for row in table.routes:
        if isinstance(row.target, OwnMailbox) and row.pattern.is_everything:
            yield Step('a route "*" to "mailbox" has no effect: name the domains that are ours', row.source)
        if isinstance(row.target, ToHop) and _is_this_server(table, row.target):
            yield Step(f"{row.target} is this server: mail would go round in a circle", row.source)


def _is_this_server(table: RoutingTable, hop: ToHop) -> bool:
    if hop.protocol != "smtp" or hop.port != 25 or hop.is_unix:
        return False
    return hop.host in table.all_own_names or hop.ip in table.own_addresses


def _bad_aliases(table: RoutingTable) -> Iterator[Step]:
    for ours in table.domains:
        for name, alias in ours.aliases.items():
            route = answer_with(decide(table, _tried(ours, name)), _as_if_accounts_existed)
            if isinstance(route.route, Refuse):
                yield Step(f"alias {name} of {ours.domain}: {route.route.because}", alias.source)


def _tried(ours: OurDomain, name: str) -> Mailbox:
    """An address that the alias is for."""
    return Mailbox(LocalPart("nobody-has-this-name" if name == CATCH_ALL else name), ours.domain)


def _as_if_accounts_existed(question: Any) -> bool | str:
    """Accounts come and go without the table, so only what no account could mend is a danger."""
    if isinstance(question, AccountQuestion):
        return not question.address.startswith("nobody-has-this-name@")
    return "somebody@example.org"
