"""Which waiting mail is meant when a client asks for it: nodes of ETRN, domains of ATRN and TURN.

Implements  RFC 1985 5 and 5.3 (hosts, domains, `@` and `#`), RFC 2645 5.2.1 (whose domains they are).
Gives       Node, node_of, is_known_node, is_fetched, lanes_of_node, lanes_to_pull, NotYours.
Not here    Who may ask at all (servers); waking a lane (queue).

All is told from the table and the names of lanes that have mail: no question, and no look at a message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from postel.mail import Domain, Host, Mailbox
from postel.routing.lanes import PULL
from postel.routing.patterns import DomainPattern
from postel.routing.route import ToHop, ToPull
from postel.routing.table import RoutingTable, lane_of_hop

_MX = "mx:"


class NotYours(Exception):
    """A client asks for the mail of a domain that it has no right to, or that nobody fetches."""


@dataclass(frozen=True, slots=True)
class Node:
    """What ETRN names: a host or domain, or that with everything below it (`@`)."""

    domain: Domain
    with_below: bool = False

    @property
    def name(self) -> str:
        """The A-label form."""
        return self.domain.ascii

    def covers(self, name: str) -> bool:
        """Whether a domain or host is meant."""
        return name == self.name or (self.with_below and name.endswith(f".{self.name}"))


def node_of(pattern: DomainPattern) -> Node:
    """A row of a named queue as a node: `.example.com` means the domain too, as `@example.com` does."""
    return Node(Domain(pattern.name, pattern.name), with_below=pattern.is_subdomains)


def is_known_node(table: RoutingTable, node: Node) -> bool:
    """Whether mail is kept here for the node by arrangement: a relay domain, a route of its own, or a next hop.

    For anybody else mail waits only while it cannot be delivered, and that is no stranger's business.
    """
    domain = node.domain
    if table.relay_domain(domain) is not None or table.fixed_route(domain, or_everything=False) is not None:
        return True
    patterns = [row.pattern for row in table.relay_domains] + [row.pattern for row in table.routes]
    is_above = node.with_below and any(node.covers(pattern.name) for pattern in patterns if pattern.name)
    return is_above or any(_hops(table, node))


def lanes_of_node(table: RoutingTable, node: Node, lanes: Iterable[str]) -> list[str]:
    """Those of `lanes` in which mail waits for the node. Mail that must be fetched is not among them."""
    wanted = set(_hops(table, node))
    return [
        name
        for name in lanes
        if (name.startswith(_MX) and node.covers(name.removeprefix(_MX))) or name in wanted
    ]


def is_fetched(table: RoutingTable, domain: Domain) -> bool:
    """Whether mail for the domain waits until it is fetched."""
    fixed = table.fixed_route(domain)
    return fixed is not None and isinstance(fixed.target, ToPull)


def lanes_to_pull(
    table: RoutingTable, account: Mailbox, domains: Sequence[Host], lanes: Iterable[str]
) -> list[str]:
    """Those of `lanes` that an account fetches: of the named domains, or of all it has a right to.

    Raises NotYours when it has no right to one of them (RFC 2645 5.2.1: then it gets nothing at all).
    """
    rights = [row for row in table.pulls if row.account.folded == account.folded]
    for domain in domains:
        if not any(row.covers(domain.ascii) for row in rights):
            raise NotYours(f"{account} has no right to the mail for {domain}")
    named = {f"{PULL}{domain.ascii}" for domain in domains}
    waiting = [name for name in lanes if name.startswith(PULL)]
    if named:
        return [name for name in waiting if name in named]
    return [name for name in waiting if any(row.covers(name.removeprefix(PULL)) for row in rights)]


def _hops(table: RoutingTable, node: Node) -> Iterator[str]:
    """The lanes of configured hops that are the node, or that its domains are routed to; a smarthost for all is not."""
    fixed = table.fixed_route(node.domain, or_everything=False)
    if fixed is not None and isinstance(fixed.target, ToHop):
        yield lane_of_hop(fixed.target)
    for row in table.routes:
        if isinstance(row.target, ToHop) and (node.covers(row.target.host) or node.covers(row.pattern.name)):
            yield lane_of_hop(row.target)
