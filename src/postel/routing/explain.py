"""Tell a whole decision: every rule and look-up, the route, the hosts, and what a client would be told.

Asks        what `decide` and `next_hops` ask.
Gives       Explanation, Onward, explain, render.
Not here    Anything decided: this only runs what decides elsewhere, and writes down what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from postel.asks import Asks
from postel.mail import ForwardPath, IPAddress, Mailbox
from postel.routing.admission import Admission, RelayRight, admit
from postel.routing.decide import decide
from postel.routing.hops import HopFacts, HopHost, HopPlan, NoRoute
from postel.routing.lanes import lane
from postel.routing.mx import all_hosts, hops_of, next_hops
from postel.routing.route import (
    Decision,
    Discard,
    Expand,
    Refuse,
    Route,
    Step,
    ToHop,
    ToMailbox,
    ToMx,
    ToPull,
    Trail,
)
from postel.routing.table import RoutingTable
from postel.routing.tls_demand import TlsDemand, demand_of_hop

MEMBERS_SHOWN: Final = 20
_OPEN: Final = Step(str(TlsDemand()))


@dataclass(frozen=True, slots=True)
class Onward:
    """Where mail that goes on from here would go on to.

    hosts       in the order to try them; empty when there is none, or for a unix socket.
    no_route    the reason when there is none.
    tls         what the hosts owe us in TLS.
    """

    mailbox: Mailbox
    route: ToMx | ToHop
    trail: Trail
    hosts: tuple[HopHost, ...] = ()
    no_route: NoRoute | None = None
    tls: Step = _OPEN


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything about mail for one address.

    for_stranger    what RCPT answers to a client that may not relay.
    for_client      what it answers to the client that was asked about; `right` says why.
    members         the decisions about the members, when the route expands (the first MEMBERS_SHOWN).
    onward          where the mail itself, and that of those members, goes on to.
    """

    decision: Decision
    lane: str
    for_stranger: Admission
    for_client: Admission
    right: RelayRight
    members: tuple[Decision, ...]
    onward: tuple[Onward, ...]


def explain(
    table: RoutingTable, facts: HopFacts, recipient: ForwardPath | Mailbox, right: RelayRight
) -> Asks[Explanation]:
    """Work out everything about mail for a recipient, for a client with this right to relay."""
    for_client = yield from admit(table, recipient, may_relay=right.is_granted)
    for_stranger = yield from admit(table, recipient, may_relay=False)
    decision = for_client.decision
    members: list[Decision] = []
    for mailbox in decision.route.members[:MEMBERS_SHOWN] if isinstance(decision.route, Expand) else ():
        member = yield from decide(table, mailbox)
        members.append(member)
    onward: list[Onward] = []
    for one in (decision, *members):
        if isinstance(one.route, ToMx | ToHop):
            followed = yield from _follow(one.mailbox, one.route, facts)
            onward.append(replace(followed, tls=_tls(table, one.route)))
    return Explanation(
        decision,
        lane(table, decision.mailbox),
        for_stranger,
        for_client,
        right,
        tuple(members),
        tuple(onward),
    )


def _tls(table: RoutingTable, route: ToMx | ToHop) -> Step:
    """What the destination owes us in TLS, and where that is said."""
    if isinstance(route, ToHop):
        return Step(str(demand_of_hop(route)))
    row = table.tls_of(route.domain)
    return Step(str(row.demand), row.source) if row else _OPEN


def render(explanation: Explanation) -> tuple[str, ...]:
    """The explanation as lines of text."""
    return tuple(_lines(explanation))


def _follow(mailbox: Mailbox, route: ToMx | ToHop, facts: HopFacts) -> Asks[Onward]:
    if isinstance(route, ToHop) and route.is_unix:
        return Onward(mailbox, route, (Step(f"{route} is a socket on this machine"),))
    plan = hops_of(route) if isinstance(route, ToHop) else (yield from next_hops(route.domain, facts))
    if isinstance(plan, NoRoute):
        return Onward(mailbox, route, plan.trail, no_route=plan)
    return (yield from _find_hosts(mailbox, route, plan, facts))


def _find_hosts(mailbox: Mailbox, route: ToMx | ToHop, plan: HopPlan, facts: HopFacts) -> Asks[Onward]:
    found = yield from all_hosts(plan, facts)
    if isinstance(found, NoRoute):
        return Onward(mailbox, route, found.trail, no_route=found)
    hosts, tiers = found
    trail = plan.trail + tuple(step for tier in tiers for step in tier.trail)
    return Onward(mailbox, route, trail, hosts)


def _lines(explanation: Explanation) -> Iterator[str]:
    decision = explanation.decision
    yield f"Mail for {decision.mailbox}"
    yield from _indented(decision.trail)
    yield f"  so: {_named(decision.route)}"
    for member in explanation.members:
        yield f"Member {member.mailbox}"
        yield from _indented(member.trail)
        yield f"  so: {_named(member.route)}"
    for onward in explanation.onward:
        yield from _onward_lines(onward)
    yield "A client that sends RCPT is told"
    yield f"  without a login, from anywhere: {_reply(explanation.for_stranger)}"
    yield f"  this client: {_reply(explanation.for_client)}"
    yield f"    {explanation.right.step}"


def _onward_lines(onward: Onward) -> Iterator[str]:
    yield f"Next hops for {onward.mailbox}"
    yield from _indented(onward.trail)
    if onward.no_route is not None:
        again = "tried again later" if onward.no_route.reply.is_transient else "given up"
        yield f"  so: nobody to try ({onward.no_route.reply}), {again}"
        return
    for number, host in enumerate(onward.hosts, 1):
        yield f"  {number}. {host.name} at {_addresses(host.addresses)}"
    yield f"  {onward.tls}"


def _addresses(addresses: Iterable[IPAddress]) -> str:
    return ", then ".join(str(address) for address in addresses)


def _indented(trail: Trail) -> Iterator[str]:
    for step in trail:
        yield f"  {step}"


def _reply(admission: Admission) -> str:
    return "250, taken" if admission.refusal is None else str(admission.refusal)


def _named(route: Route) -> str:
    match route:
        case ToMailbox(account, detail):
            return f"into the mailbox of {account}" + (f", detail {detail}" if detail else "")
        case Expand(mailboxes, members):
            own = [f"the mailbox of {mailbox.account}" for mailbox in mailboxes]
            return "to " + ", ".join(own + [str(member) for member in members])
        case ToMx(domain):
            return f"on to the MX hosts of {domain}"
        case ToHop():
            return f"on to {route}"
        case ToPull():
            return "kept until the domain's own host fetches it (ATRN)"
        case Discard():
            return "accepted and discarded"
        case Refuse(reply):
            return f"refused with {reply}"
