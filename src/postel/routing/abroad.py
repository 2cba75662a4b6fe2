"""The route for a domain that is not ours.

Implements  RFC 5321 3.6.2 (relaying), 5.1 (whose MX records decide, where nothing is configured).
Gives       route_abroad, target_abroad, name_of.
Not here    Whether the client may have us relay (admission); which hosts the MX records name (mx).
"""

from __future__ import annotations

from typing import TypeAlias

from postel.mail import Host, Mailbox
from postel.routing.route import Discard, OwnMailbox, Refuse, Step, ToHop, ToMx, ToPull, Trail
from postel.routing.table import FixedRoute, RelayDomain, RoutingTable

Abroad: TypeAlias = ToMx | ToHop | ToPull | Discard | Refuse


def route_abroad(table: RoutingTable, mailbox: Mailbox) -> tuple[Abroad, Trail]:
    """The route and its reasons, without a question."""
    domain = mailbox.domain
    trail = [Step(f"{domain} is no domain of ours")]
    relay, fixed = _rows_for(table, domain)
    if relay is not None:
        trail.append(Step(f"{domain} is a relay domain ({relay.pattern})", relay.source))
    if fixed is None or isinstance(fixed.target, OwnMailbox):
        trail.append(Step(f"no fixed route fits: on to the MX hosts of {domain}"))
        return ToMx(domain), tuple(trail)
    trail.append(Step(f'fixed route "{fixed.pattern}": {name_of(fixed.target)}', fixed.source))
    return fixed.target, tuple(trail)


def target_abroad(table: RoutingTable, domain: Host) -> Abroad:
    """The same route, for those who need no reasons."""
    _, fixed = _rows_for(table, domain)
    return ToMx(domain) if fixed is None or isinstance(fixed.target, OwnMailbox) else fixed.target


def _rows_for(table: RoutingTable, domain: Host) -> tuple[RelayDomain | None, FixedRoute | None]:
    relay = table.relay_domain(domain)
    # A relay domain goes to its own better MX hosts, never to the smarthost for the rest of the world.
    return relay, table.fixed_route(domain, or_everything=relay is None)


def name_of(target: ToHop | ToPull | Discard | Refuse) -> str:
    """The target in words for a trail."""
    match target:
        case ToHop():
            return f"on to {target}"
        case ToPull():
            return "kept until it is fetched"
        case Discard():
            return "accepted and discarded"
        case Refuse(reply):
            return f"refused with {reply}"
