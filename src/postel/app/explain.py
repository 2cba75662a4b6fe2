"""`postel explain`: where mail for an address would go, and why, rule by rule.

Gives       explain(table, facts, question, resolver, account_answers) -> Explanation.
Not here    The rules: routing. Nothing is decided here that the server would decide otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from postel.dns import Resolver, answer
from postel.mail import IPAddress, Mailbox, Reply
from postel.routing import (
    Discard,
    Expand,
    HopFacts,
    HopHost,
    NoRoute,
    Refuse,
    RoutingTable,
    Step,
    TlsPolicy,
    ToHop,
    ToMailbox,
    ToMx,
    admit,
    all_hosts,
    hops_of,
    lane,
    may_relay,
    next_hops,
)


@dataclass(frozen=True, slots=True)
class Destination:
    """What becomes of one address, and the way there."""

    address: str
    route: str
    steps: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    tls: str | None = None


@dataclass(slots=True)
class Explanation:
    """The whole answer.

    replies     what a client would see, command by command.
    """

    address: str
    is_accepted: bool
    replies: list[str] = field(default_factory=list)
    relay: str = ""
    destinations: list[Destination] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The question: an address, and who would send to it."""

    mailbox: Mailbox
    client_ip: IPAddress | None = None
    is_logged_in: bool = False
    reverse_path: Mailbox | None = None


@dataclass(frozen=True, slots=True)
class Explainer:
    """Joins the pure rules with the two that answer their questions."""

    table: RoutingTable
    facts: HopFacts
    resolver: Resolver
    accounts: Callable[[Any], Awaitable[Any]]
    port: int

    async def explain(self, asked: Asked) -> Explanation:
        """Ask everything that delivering to this address would ask."""
        right = may_relay(self.table, asked.client_ip, is_authenticated=asked.is_logged_in)
        admission = await answer(
            admit(self.table, asked.mailbox, may_relay=right.is_granted), self.resolver, self.accounts
        )
        told = Explanation(str(asked.mailbox), admission.is_accepted, relay=_shown(right.step))
        told.replies.append(f"MAIL FROM:<{asked.reverse_path or ''}>  250 2.1.0")
        reply = str(admission.refusal) if admission.refusal else "250 2.1.5"
        told.replies.append(f"RCPT TO:<{asked.mailbox}>  {reply}")
        if admission.because:
            told.replies.append(f"because {admission.because}")
        decision = admission.decision
        steps = tuple(_shown(step) for step in decision.trail)
        told.destinations.append(await self._destination(asked.mailbox, decision.route, steps))
        if isinstance(decision.route, Expand):
            for member in decision.route.members:
                told.destinations.append(await self._member(member))
        return told

    async def _member(self, mailbox: Mailbox) -> Destination:
        admission = await answer(admit(self.table, mailbox, may_relay=True), self.resolver, self.accounts)
        steps = tuple(_shown(step) for step in admission.decision.trail)
        return await self._destination(mailbox, admission.decision.route, steps)

    async def _destination(self, mailbox: Mailbox, route: Any, steps: tuple[str, ...]) -> Destination:
        match route:
            case ToMailbox(account, detail):
                shown = f"mailbox of {account}" + (f", detail {detail}" if detail else "")
                return Destination(str(mailbox), shown, steps)
            case Expand(mailboxes, members):
                to = [box.account for box in mailboxes] + [str(member) for member in members]
                return Destination(str(mailbox), f"alias of {', '.join(to)}", steps)
            case ToMx(domain):
                plan = await answer(next_hops(domain, self.facts), self.resolver)
                return await self._relayed(mailbox, f"MX hosts of {domain}", steps, plan, self.port, "may")
            case ToHop() as hop:
                tls = {TlsPolicy.NEVER: "none", TlsPolicy.WHEN_OFFERED: "may", TlsPolicy.REQUIRED: "must"}
                policy = tls.get(hop.tls, "verified")
                return await self._relayed(mailbox, str(hop), steps, hops_of(hop), hop.port, policy)
            case Discard():
                return Destination(str(mailbox), "discard: accepted and thrown away", steps)
            case Refuse(reply, because):
                return Destination(str(mailbox), f"refused: {reply} ({because})", steps)
        raise TypeError(f"a route of a new kind: {route!r}")

    async def _relayed(
        self, mailbox: Mailbox, shown: str, steps: tuple[str, ...], plan: Any, port: int, tls: str
    ) -> Destination:
        steps = (*steps, f"lane {lane(self.table, mailbox)}")
        if isinstance(plan, NoRoute):
            return self._nowhere(mailbox, shown, steps, plan)
        steps += tuple(_shown(step) for step in plan.trail)
        if isinstance(plan.domain, str) and plan.domain.startswith("/"):
            return Destination(str(mailbox), shown, steps, (plan.domain,), tls)
        found = await answer(all_hosts(plan, self.facts), self.resolver)
        if isinstance(found, NoRoute):
            return self._nowhere(mailbox, shown, steps, found)
        hosts, tiers = found
        steps += tuple(_shown(step) for tier in tiers for step in tier.trail)
        return Destination(str(mailbox), shown, steps, _lines(hosts, port), tls)

    def _nowhere(self, mailbox: Mailbox, shown: str, steps: tuple[str, ...], none: NoRoute) -> Destination:
        steps += tuple(text for step in none.trail if (text := _shown(step)) not in steps)
        return Destination(str(mailbox), f"{shown}: nowhere, {_fate(none.reply)} ({none.because})", steps)


def _fate(reply: Reply) -> str:
    return f"{'tried again later' if reply.is_transient else 'returned'}: {reply}"


def _lines(hosts: tuple[HopHost, ...], port: int) -> tuple[str, ...]:
    return tuple(
        f"{host.name} {f'[{address}]' if address.version == 6 else address}:{port}"
        for host in hosts
        for address in host.addresses
    )


def _shown(step: Step) -> str:
    return str(step)
