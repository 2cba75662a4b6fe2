"""Walk over the addresses of a destination, best first, until one gives a session.

Implements  RFC 5321 5.1 (hosts by preference, each with its addresses in order), 5.2 (IPv6 and IPv4).
Asks        A and AAAA questions, tier by tier, through routing.
Gives       HopWalk, NobodyThere, Surroundings.
Not here    The order: routing. What opening means: delivery.opening.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from postel.delivery.opening import Opening, Target, open_session
from postel.delivery.smtp_session import SmtpSession
from postel.delivery.trouble import HopTrouble
from postel.dns import Resolver, answer
from postel.mail import Reply, replies
from postel.net import Endpoint, Network
from postel.observe import logger
from postel.routing import HopFacts, HopPlan, Tier, TierHosts, hosts_of, no_hosts

log = logger("delivery")


@dataclass(frozen=True, slots=True)
class NobodyThere:
    """Every address was tried, or there is none. `reply` is permanent only when it cannot be otherwise."""

    reply: Reply
    because: str
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a walk is made through."""

    network: Network
    resolver: Resolver
    facts: HopFacts


class HopWalk:
    """One walk. `next` may be called again when a session proved to be of no use: it goes on from there.

    where   a plan of hosts to look up, or the one target that there is.
    port    of every host of a plan.
    limit   addresses tried in all.
    """

    def __init__(
        self, around: Surroundings, where: HopPlan | Target, opening: Opening, *, port: int, limit: int
    ) -> None:
        self._around = around
        self._where = where
        self._opening = opening
        self._port = port
        self._left = limit
        self._tiers = deque(() if isinstance(where, Target) else where.tiers)
        self._targets = deque((where,) if isinstance(where, Target) else ())
        self._found: list[TierHosts] = []
        self._troubles: list[HopTrouble] = []
        self._preferred: Endpoint | None = None

    def prefer(self, endpoint: Endpoint | None) -> None:
        """Of equals try this one first: it has the beginning of a message (RFC 1845 3)."""
        self._preferred = endpoint

    async def next(self) -> tuple[Target, SmtpSession] | NobodyThere:
        """The next host that is ready for mail."""
        while (target := await self._next_target()) is not None:
            try:
                session = await open_session(self._around.network, target, self._opening)
            except HopTrouble as trouble:
                self.note(target, trouble)
            else:
                tls = session.stream.tls.version if session.stream.tls else None
                log.detail("hop_ready", remote=target.remote, address=target.endpoint, tls=tls)
                return target, session
        return self._nobody()

    @property
    def troubles(self) -> tuple[HopTrouble, ...]:
        """Why the hosts tried so far were of no use."""
        return tuple(self._troubles)

    def note(self, target: Target, trouble: HopTrouble) -> None:
        """Remember, and log, that a host was of no use."""
        log.event("hop_failed", remote=target.remote, address=target.endpoint, because=trouble.because)
        self._troubles.append(trouble)

    async def _next_target(self) -> Target | None:
        while not self._targets and self._tiers:
            await self._look_up(self._tiers.popleft())
        if not self._targets or self._left <= 0:
            return None
        self._left -= 1
        return self._targets.popleft()

    async def _look_up(self, tier: Tier) -> None:
        """A tier is looked up when its turn comes: mostly the first host answers."""
        assert isinstance(self._where, HopPlan)
        found = await answer(hosts_of(self._where, tier, self._around.facts), self._around.resolver)
        self._found.append(found)
        for host in found.hosts:
            self._targets.extend(
                Target(host.name, Endpoint(str(address), self._port)) for address in host.addresses
            )
        if self._preferred is not None:
            self._targets = deque(sorted(self._targets, key=lambda each: each.endpoint != self._preferred))
        if found.leads_to_us:
            self._tiers.clear()  # RFC 5321 5.1: what is no better than us is not tried

    def _nobody(self) -> NobodyThere:
        if not self._troubles and isinstance(self._where, HopPlan):
            none = no_hosts(self._where, self._found)
            return NobodyThere(none.reply, none.because)
        # A host that may answer later outweighs one that says it never will.
        transient = [trouble for trouble in self._troubles if trouble.reply.is_transient]
        if not transient and any(tier.is_trouble for tier in self._found):
            return NobodyThere(replies.DNS_TROUBLE, "some of its hosts cannot be looked up")
        telling = (transient or self._troubles)[-1]
        return NobodyThere(telling.reply, str(telling), telling.remote)
