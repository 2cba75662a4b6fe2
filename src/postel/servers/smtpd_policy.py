"""Postel's own policy for mail that comes in, as functions of the same phases that hooks have.

Implements  RFC 5321 3.6.2 (relaying), 7.9 (whom we serve), 6.3 (loops), RFC 6409 6.1 (submission rights),
            RFC 2505 2.1 (no relaying for strangers), RFC 1870 6 (room for a message), RFC 3865 2.3 (solicitation).
Asks        Routing; the accounts through it.
Gives       own_policy.
Not here    The order of commands, login before mail, sizes and numbers: proto.smtp. Connections: admission.

There is one path by which mail is turned away: a verdict at a phase. These functions are asked before any
hook file, and no hook can overrule them.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from postel.hooks import Connect, Content, Defer, HookFunction, Mail, Phase, Rcpt, Refuse
from postel.mail import BadSyntax, Mailbox, Reply, Status, parse_mailbox
from postel.mail.replies import LOOP_DETECTED
from postel.message import DELIVERED_TO_LIMIT, HEADER_LIMIT
from postel.routing import Expand, Route, ToMailbox, decide
from postel.servers.admission import is_within
from postel.servers.admitting import Admissions, run
from postel.servers.smtpd_access import access_policy
from postel.servers.smtpd_null_mx import null_mx_policy
from postel.servers.smtpd_options import Service, ServiceOptions, SmtpParts
from postel.servers.smtpd_room import no_quota, no_space
from postel.servers.smtpd_wishes import refuse_solicitation, refuse_wishes, solicitation_of
from postel.servers.submission import check_author

NOT_YOUR_ADDRESS: Final = Reply(553, Status(5, 7, 1), "That sender address is not yours")
NOT_FOR_YOU: Final = Reply(554, Status(5, 7, 1), "This service is not for you")
HEADER_TOO_BIG: Final = Reply(552, Status(5, 3, 4), "The header section is larger than we accept")


def own_policy(options: ServiceOptions, parts: SmtpParts) -> tuple[HookFunction, ...]:
    """The functions to ask for one service."""
    policy = _Policy(options, parts)
    asked = [
        HookFunction(Phase.MAIL, policy.mail, "postel:sender", is_trusted=True),
        HookFunction(Phase.RCPT, policy.rcpt, "postel:recipient", is_trusted=True),
        HookFunction(Phase.CONTENT, policy.header, "postel:header", is_trusted=True),
    ]
    if options.neighbours is not None:
        asked.append(HookFunction(Phase.CONNECT, policy.neighbour, "postel:neighbour", is_trusted=True))
    if parts.room.fill is not None:
        asked.append(HookFunction(Phase.CONTENT, policy.room, "postel:room", is_trusted=True))
    if options.wishes.refused or options.wishes.refused_at:
        asked.append(HookFunction(Phase.CONTENT, policy.soliciting, "postel:soliciting", is_trusted=True))
    asked += access_policy(
        options.access,
        parts.table,
        parts.resolver,
        parts.rates,
        parts.clock,
        is_for_strangers=options.service is Service.SMTP,
    )
    if options.service.is_submission and options.own_from:
        asked.append(HookFunction(Phase.CONTENT, policy.author, "postel:author", is_trusted=True))
    asked += null_mx_policy(options, parts)
    return tuple(asked)


class _Policy:
    def __init__(self, options: ServiceOptions, parts: SmtpParts) -> None:
        self._options = options
        self._parts = parts
        self._table = parts.table
        self._answer = parts.answer
        self._admissions = Admissions(parts.table, parts.answer)
        self._knows_quotas = (
            False  # no recipient with a quota was met yet: then content need not be asked about
        )

    async def neighbour(self, facts: Connect) -> Refuse | None:
        """RFC 2033 5: what is not for wide area networks is for those who are named."""
        ip, networks = facts.client.ip, self._options.neighbours or ()
        if ip is None or is_within(ip, networks):
            return None
        return Refuse(
            NOT_FOR_YOU, because=f"{ip} is in none of {', '.join(map(str, networks)) or 'no networks'}"
        )

    async def mail(self, facts: Mail) -> Refuse | Defer | None:
        """There is room, and nothing speaks against what is wished; and whoever is logged in sends under an address
        of the account, or the null reverse path.
        """
        room = self._parts.room
        if room.free_bytes is not None and (deferred := await no_space(room, facts.parameters)):
            return deferred
        if facts.parameters and (refused := await self._refuse_parameters(facts)):
            return refused
        account, mailbox = facts.client.account, facts.reverse_path.mailbox
        if account is None or mailbox is None or await self._owns(account, mailbox):
            return None
        return Refuse(NOT_YOUR_ADDRESS, because=f"{mailbox} is no address of {account}")

    async def _refuse_parameters(self, facts: Mail) -> Refuse | Defer | None:
        parts, policy = self._parts, self._options.wishes
        return await refuse_wishes(policy, facts.parameters, facts.client, parts.queue, parts.clock.now())

    async def rcpt(self, facts: Rcpt) -> Refuse | Defer | None:
        """Ours and known, or of a domain we relay for, or from someone who may relay anywhere."""
        client = facts.client
        is_known = client.account is not None or self._table.relay_network(client.ip) is not None
        admission = await self._admissions.admit(facts.mailbox, may_relay=is_known)
        reply = admission.refusal
        if reply is None:
            return await self._unwelcome(facts, admission.decision.route)
        return (Defer if reply.is_transient else Refuse)(reply, admission.because)

    async def _unwelcome(self, facts: Rcpt, route: Route) -> Refuse | Defer | None:
        """RFC 1870 6.4, RFC 3865 2.3: an account without room, and a domain that wants no such solicitation."""
        if "SOLICIT" in facts.mail:
            classes = self._options.wishes.refused_at.get(facts.mailbox.domain.ascii, frozenset())
            if refused := refuse_solicitation(facts.mail, classes):
                return refused
        if not isinstance(route, ToMailbox) or self._parts.room.fill is None:
            return None
        found = await self._parts.room.fill(route.account)
        if found is None:
            return None
        self._knows_quotas = True
        return no_quota(found, self._options.full_mailbox, route.account, int(facts.mail.get("SIZE") or 0))

    async def room(self, facts: Content) -> Refuse | Defer | None:
        """RFC 1870 6.3: content larger than was declared. Refused when nobody has room for it; where some have, the
        others' copies wait in the queue, or come back from there.
        """
        refused: Refuse | Defer | None = None
        if not self._knows_quotas:
            return None
        for mailbox in facts.recipients:
            refused = await self._no_room_for(mailbox, facts.size_bytes)
            if refused is None:
                return None
        return refused

    async def _no_room_for(self, mailbox: Mailbox, size_bytes: int) -> Refuse | Defer | None:
        route = (await run(decide(self._table, mailbox), self._answer)).route
        if not isinstance(route, ToMailbox) or self._parts.room.fill is None:
            return None
        fill = await self._parts.room.fill(route.account)
        return None if fill is None else no_quota(fill, self._options.full_mailbox, route.account, size_bytes)

    async def soliciting(self, facts: Content) -> Refuse | None:
        """RFC 3865 2.3: what the field Solicitation says counts, whatever was said at MAIL.

        Where it is unwelcome to one of several recipients it is refused to all: it cannot be refused to one any more,
        and a report would go to whoever was named as the sender.
        """
        if b"solicitation:" not in facts.head.lower():
            return None
        value = solicitation_of(facts.header)
        wishes = self._options.wishes
        classes = wishes.refused.union(
            *(wishes.refused_at.get(mailbox.domain.ascii, frozenset()) for mailbox in facts.recipients)
        )
        return refuse_solicitation({"SOLICIT": value}, classes) if value else None

    async def header(self, facts: Content) -> Refuse | None:
        """RFC 5321 6.3: a message that passed too many servers, or came here too often, goes round in circles.

        Delivery finds such a loop too, but then it is late: its report would go to a reverse path that a
        stranger has named.
        """
        if len(facts.head) >= HEADER_LIMIT:
            return Refuse(HEADER_TOO_BIG, because=f"more than {HEADER_LIMIT} octets")
        # Cheap upper bounds first: they count every field whose name merely begins so.
        lower = facts.head.lower()
        if lower.count(b"received") > self._options.hops:
            hops = facts.header.count("Received")
            if hops > self._options.hops:
                return Refuse(LOOP_DETECTED, because=f"{hops} Received fields")
        if lower.count(b"delivered-to") >= DELIVERED_TO_LIMIT:
            for address, times in Counter(map(str.casefold, facts.header.all("Delivered-To"))).items():
                if times >= DELIVERED_TO_LIMIT and self._is_at_ours(address):
                    return Refuse(LOOP_DETECTED, because=f"delivered to {address} {times} times")
        return None

    def _is_at_ours(self, address: str) -> bool:
        try:
            return self._table.our_domain(parse_mailbox(address).domain) is not None
        except BadSyntax:
            return False

    async def author(self, facts: Content) -> Refuse | None:
        """RFC 6409 6.1: who answers for the message is the account."""
        account = facts.client.account
        return await check_author(facts.header, account, self._owns) if account else None

    async def _owns(self, account: Mailbox, mailbox: Mailbox) -> bool:
        """Whether an address is the account's own, or an alias that leads to it alone."""
        if mailbox.folded == account.folded:
            return True
        decision = await run(decide(self._table, mailbox), self._answer)
        return _leads_only_to(decision.route, account.folded)


def _leads_only_to(route: Route, account: str) -> bool:
    match route:
        case ToMailbox(found):
            return found == account
        case Expand(mailboxes, ()):
            return all(box.account == account for box in mailboxes)
        case _:
            return False
