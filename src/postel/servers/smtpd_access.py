"""Whom we take mail from: lists, names, domains that exist, and how much in an hour.

Implements  RFC 2505 2.5 to 2.9, 2.13; RFC 5321 7.8, 7.9; RFC 7372 3.3 (5.7.25), RFC 7505 4.2 (5.7.27).
Asks        DNS, where a check needs it.
Gives       AccessOptions, NameCheck, access_policy.
Not here    Relaying and recipients: smtpd_policy.

The lists and the checks of DNS are for strangers on port 25: whoever has logged in, or may relay, is known otherwise.
RFC 2505 2.6: the null reverse path is refused by none of them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

from postel.asks import DnsAnswer, DnsStatus
from postel.dns import Resolver, answer
from postel.hooks import Client, Connect, Defer, HookFunction, Mail, Phase, Refuse
from postel.mail import Domain, Reply, Status
from postel.net import Clock
from postel.routing import (
    Access,
    AccessRule,
    RoutingTable,
    client_access,
    client_name,
    domain_takes_mail,
    may_relay,
    path_access,
)
from postel.servers.rates import Rates

NOT_TAKEN_FROM_YOU: Final = Reply(554, Status(5, 7, 1), "No mail is taken from your host")
NOT_NOW_FROM_YOU: Final = Reply(451, Status(4, 7, 1), "No mail is taken from your host now")
NOT_TAKEN_FROM_THERE: Final = Reply(550, Status(5, 7, 1), "No mail is taken from that address")
NOT_NOW_FROM_THERE: Final = Reply(450, Status(4, 7, 1), "No mail is taken from that address now")
NO_NAME: Final = Reply(550, Status(5, 7, 25), "Your address has no host name that leads back to it")
NO_NAME_NOW: Final = Reply(450, Status(4, 7, 25), "The host name of your address cannot be looked up now")
NO_SUCH_DOMAIN: Final = Reply(450, Status(4, 1, 8), "The domain of that address cannot be found")
TAKES_NO_MAIL: Final = Reply(550, Status(5, 7, 27), "The domain of that address takes no mail (null MX)")
TOO_MUCH: Final = Reply(450, Status(4, 7, 1), "Too many messages in an hour; try again later")

_CLIENT: Final = {Access.REFUSE: NOT_TAKEN_FROM_YOU, Access.LATER: NOT_NOW_FROM_YOU}
_PATH: Final = {Access.REFUSE: NOT_TAKEN_FROM_THERE, Access.LATER: NOT_NOW_FROM_THERE}


class NameCheck(enum.StrEnum):
    """What is done about the host names of clients."""

    NONE = "none"
    LOOK = "look"  # looked up, for the trace field, the lists and hooks
    NEED = "need"  # and no mail is taken from a host without one


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessOptions:
    """Rules for strangers.

    clients             by address or host name; the first that fits decides.
    reverse_paths       by address or domain of the reverse path.
    client_names        what is done about host names.
    checks_domain       whether the domain of a reverse path must exist.
    """

    clients: tuple[AccessRule, ...] = ()
    reverse_paths: tuple[AccessRule, ...] = ()
    client_names: NameCheck = NameCheck.NONE
    checks_domain: bool = False

    @property
    def needs_names(self) -> bool:
        """Whether host names have to be looked up at all."""
        return self.client_names is not NameCheck.NONE or any(rule.needs_name for rule in self.clients)


NO_ACCESS_RULES: Final = AccessOptions()


def access_policy(
    options: AccessOptions,
    table: RoutingTable,
    resolver: Resolver | None,
    rates: Rates | None,
    clock: Clock,
    *,
    is_for_strangers: bool,
) -> tuple[HookFunction, ...]:
    """The functions to ask: none where nothing is configured. Without a resolver nothing is looked up."""
    policy = _Access(options, table, resolver, rates or Rates(0), clock)
    asked = []
    if rates is not None and rates.per_hour:
        asked.append(HookFunction(Phase.MAIL, policy.rate, "postel:rate", is_trusted=True))
    if is_for_strangers and (options.clients or options.client_names is NameCheck.NEED):
        asked.append(HookFunction(Phase.CONNECT, policy.connect, "postel:access", is_trusted=True))
    if is_for_strangers and (options.reverse_paths or options.checks_domain):
        asked.append(HookFunction(Phase.MAIL, policy.mail, "postel:access", is_trusted=True))
    return tuple(asked)


class _Access:
    def __init__(
        self,
        options: AccessOptions,
        table: RoutingTable,
        resolver: Resolver | None,
        rates: Rates,
        clock: Clock,
    ) -> None:
        self._options = options
        self._table = table
        self._resolver = resolver
        self._rates = rates
        self._clock = clock

    async def connect(self, facts: Connect) -> Refuse | Defer | None:
        """RFC 2505 2.5."""
        client = facts.client
        if self._is_known(client):
            return None
        rule = client_access(self._options.clients, client.ip, client.name)
        if rule is not None:
            return _verdict(_CLIENT, rule)
        if self._options.client_names is not NameCheck.NEED or client.ip is None or client.name is not None:
            return None
        if self._resolver is None or (await answer(client_name(client.ip), self._resolver)).is_trouble:
            return Defer(NO_NAME_NOW, because="DNS did not answer for the address")
        return Refuse(NO_NAME, because="no confirmed host name")

    async def mail(self, facts: Mail) -> Refuse | Defer | None:
        """RFC 2505 2.7 and 2.9."""
        mailbox = facts.reverse_path.mailbox
        if mailbox is None or self._is_known(facts.client):
            return None
        rule = path_access(self._options.reverse_paths, mailbox)
        if rule is not None:
            return _verdict(_PATH, rule)
        if not self._options.checks_domain or not isinstance(mailbox.domain, Domain):
            return None
        if self._table.our_domain(mailbox.domain) is not None:
            return None  # RFC 2505 2.6.2: forwarded mail and mail of lists comes under our own names
        if self._resolver is None:
            return None
        return _of_domain(await answer(domain_takes_mail(mailbox.domain.ascii), self._resolver))

    async def rate(self, facts: Mail) -> Defer | None:
        """RFC 2505 2.8: by account, or else by address."""
        client = facts.client
        if client.account is None and (client.ip is None or self._is_known(client)):
            return None
        key = client.account.folded if client.account else _source(client)
        if self._rates.take(key, self._clock.now()):
            return None
        return Defer(TOO_MUCH, because=f"{key} sends more than {self._rates.per_hour} messages in an hour")

    def _is_known(self, client: Client) -> bool:
        return may_relay(self._table, client.ip, is_authenticated=client.account is not None).is_granted


def _verdict(replies: Mapping[Access, Reply], rule: AccessRule) -> Refuse | Defer | None:
    reply = replies.get(rule.access)
    if reply is None:
        return None
    return (Defer if reply.is_transient else Refuse)(reply, because=f"the rule {rule.text}")


def _of_domain(found: DnsAnswer) -> Refuse | Defer | None:
    records = found.records
    if found.status is DnsStatus.FOUND:
        is_null = bool(records) and all(getattr(record, "exchange", None) == "" for record in records)
        return Refuse(TAKES_NO_MAIL, because="null MX") if is_null else None
    # RFC 2505 2.9: 4yz even where the name does not exist: its servers may not agree yet.
    return Defer(NO_SUCH_DOMAIN, because=found.note or found.status.value)


def _source(client: Client) -> str:
    ip = client.ip
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is None:
        return f"{IPv6Address(int(ip) >> 64 << 64)}/64"
    return str(ip)
