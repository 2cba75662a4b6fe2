"""Lanes: the names of destinations by which the queue schedules.

Gives       lane, target_of_lane, lane_of_hop.

A lane is told from the mailbox and the table alone, without a question, so that the queue can file a recipient
the moment it is accepted.
"""

from __future__ import annotations

from typing import Final

from postel.mail import BadSyntax, Host, Mailbox, parse_host
from postel.routing.abroad import Abroad, target_abroad
from postel.routing.ours import base_alias, elsewhere, exact_alias, last_alias
from postel.routing.route import Discard, Refuse, ToHop, ToMx, ToPull
from postel.routing.table import RoutingTable, lane_of_hop

LOCAL_LANE: Final = "local"
DISCARD_LANE: Final = "discard"
PULL: Final = "pull:"  # what the lanes of mail begin with that waits to be fetched


def lane(table: RoutingTable, mailbox: Mailbox) -> str:
    """The lane in which a recipient waits.

    `local` for all that is worked out here (aliases, accounts, refusals), else `mx:free.org`,
    `hop:smtp:[127.0.0.9]:2525`, `hop:lmtp:unix:/path`, `pull:free.org` or `discard`.
    """
    ours = table.our_domain(mailbox.domain)
    if ours is None:
        return _lane_of(target_abroad(table, mailbox.domain), mailbox.domain)
    away = elsewhere(table, mailbox)
    if away is None or (
        exact_alias(ours, mailbox) or base_alias(table, ours, mailbox) or last_alias(table, ours, mailbox)
    ):
        return LOCAL_LANE
    return _lane_of(away[0], mailbox.domain)


def target_of_lane(table: RoutingTable, lane: str) -> ToMx | ToHop | None:
    """Where the mail of a lane goes on to; None for lanes that end here and for hops no longer configured."""
    if not lane.startswith("mx:"):
        return table.hops.get(lane)
    try:
        return ToMx(parse_host(lane.removeprefix("mx:")))
    except BadSyntax:
        return None


def _lane_of(route: Abroad, domain: Host) -> str:
    match route:
        case ToHop():
            return lane_of_hop(route)
        case ToMx():
            return f"mx:{domain.ascii}"
        case ToPull():
            return f"{PULL}{domain.ascii}"
        case Discard():
            return DISCARD_LANE
        case Refuse():
            return LOCAL_LANE
