"""The route for a domain that is not ours.

Implements  RFC 5321 3.6.2 (relaying), 5.1 (whose MX records decide, where nothing is configured).
Gives       route_abroad, name_of.
Not here    Whether the client may have us relay (admission); which hosts the MX records name (mx).
"""

from __future__ import annotations

from postel.mail import Mailbox
from postel.routing.route import Discard, OwnMailbox, Refuse, Step, ToHop, ToMx, Trail
from postel.routing.table import RoutingTable


def route_abroad(table: RoutingTable, mailbox: Mailbox) -> tuple[ToMx | ToHop | Discard | Refuse, Trail]:
    """The route and its reasons, without a question."""
    domain = mailbox.domain
    trail = [Step(f"{domain} is no domain of ours")]
    relay = table.relay_domain(domain)
    if relay is not None:
        trail.append(Step(f"{domain} is a relay domain ({relay.pattern})", relay.source))
    # A relay domain goes to its own better MX hosts, never to the smarthost for the rest of the world.
    fixed = table.fixed_route(domain, or_everything=relay is None)
    if fixed is None or isinstance(fixed.target, OwnMailbox):
        trail.append(Step(f"no fixed route fits: on to the MX hosts of {domain}"))
        return ToMx(domain), tuple(trail)
    trail.append(Step(f'fixed route "{fixed.pattern}": {name_of(fixed.target)}', fixed.source))
    return fixed.target, tuple(trail)


def name_of(target: ToHop | Discard | Refuse) -> str:
    """The target in words for a trail."""
    match target:
        case ToHop():
            return f"on to {target}"
        case Discard():
            return "accepted and discarded"
        case Refuse(reply):
            return f"refused with {reply}"
