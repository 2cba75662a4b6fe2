"""The addresses of next hops, and finding ourselves among them.

Implements  RFC 5321 5.1 (several addresses, our own among them, exchanges without one), 5.2 (IPv6),
            RFC 8305 4 (the two families alternate).
Asks        A and AAAA questions.
Gives       hosts_of, no_hosts, parse_ip.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import chain, zip_longest

from postel.asks import Asks, DnsAnswer, DnsQuestion, DnsStatus, RecordType
from postel.mail import IPAddress, plain_ip, replies
from postel.routing.hops import HopFacts, HopHost, HopPlan, NoRoute, Tier, TierHosts
from postel.routing.route import Step


@dataclass
class _Found:
    """What was learnt about one exchange."""

    addresses: list[IPAddress] = field(default_factory=list)
    trail: list[Step] = field(default_factory=list)
    is_trouble: bool = False
    is_us: bool = False


def hosts_of(plan: HopPlan, tier: Tier, facts: HopFacts) -> Asks[TierHosts]:
    """The hosts of a tier, with their addresses, in the order to try them.

    When one of the exchanges turns out to be this server, the others of its tier are no better and go too
    (RFC 5321 5.1), and no later tier may be tried. A hop that the operator configured is believed as it is.
    """
    found: dict[str, _Found] = {}
    for exchange in tier.exchanges:
        found[exchange] = yield from _find(exchange, facts)
        if not plan.is_configured:
            _check(exchange, found[exchange], facts)
    trail = tuple(step for one in found.values() for step in one.trail)
    is_trouble = any(one.is_trouble for one in found.values())
    if any(one.is_us for one in found.values()):
        return TierHosts((), trail, is_trouble, leads_to_us=True)
    hosts = [HopHost(name, _in_order(one.addresses, facts)) for name, one in found.items() if one.addresses]
    return TierHosts(tuple(hosts), trail, is_trouble)


def no_hosts(plan: HopPlan, found: Sequence[TierHosts]) -> NoRoute:
    """Why all those tiers together left nobody to try."""
    trail = plan.trail + tuple(step for tier in found for step in tier.trail)
    if any(tier.is_trouble for tier in found):
        return NoRoute(replies.DNS_TROUBLE, f"the hosts of {plan.domain} cannot be looked up", trail)
    if any(tier.leads_to_us for tier in found):
        return NoRoute(replies.MX_LEADS_TO_US, f"mail for {plan.domain} leads back to this server", trail)
    if plan.is_configured:
        # A slip in our own configuration or its DNS is no reason to give mail back.
        return NoRoute(replies.NO_NEXT_HOP, f"the configured host {plan.domain} has no address", trail)
    return NoRoute(replies.NO_ADDRESS, f"no host of {plan.domain} has an address", trail)


def parse_ip(text: str) -> IPAddress | None:
    """The address that a text is; None when it is a name."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def _find(exchange: str, facts: HopFacts) -> Asks[_Found]:
    found = _Found()
    if (address := parse_ip(exchange)) is not None:
        found.addresses.append(plain_ip(address))
        return found
    for type_ in _types(facts):
        answer: DnsAnswer = yield DnsQuestion(exchange, type_)
        _take(exchange, type_, answer, found)
        # RFC 5321 5.1 wants names in MX records, not aliases; those who publish one still get their mail.
        found.is_us |= answer.canonical in facts.own_names
    return found


def _types(facts: HopFacts) -> Iterable[RecordType]:
    if facts.uses_ipv6:
        yield RecordType.AAAA
    if facts.uses_ipv4:
        yield RecordType.A


def _take(exchange: str, type_: RecordType, answer: DnsAnswer, found: _Found) -> None:
    match answer.status:
        case DnsStatus.TROUBLE:
            found.is_trouble = True
            found.trail.append(Step(f"{exchange} {type_}: the look-up failed"))
        case DnsStatus.FOUND:
            addresses = [plain_ip(a) for a in answer.records if isinstance(a, IPv4Address | IPv6Address)]
            found.addresses.extend(addresses)
            found.trail.append(Step(f"{exchange} {type_} {', '.join(str(a) for a in addresses)}"))
        case _:
            found.trail.append(Step(f"{exchange} {type_}: none"))


def _check(exchange: str, found: _Found, facts: HopFacts) -> None:
    """Find ourselves by address, and drop what a stranger's record may not aim us at."""
    if found.is_us or any(address in facts.own_addresses for address in found.addresses):
        found.is_us = True
        found.trail.append(Step(f"{exchange} is this server"))
        return
    for address in tuple(found.addresses):
        if not _is_fit(address, facts):
            found.addresses.remove(address)
            found.trail.append(Step(f"{exchange} {address}: no address of the Internet, ignored"))


def _is_fit(address: IPAddress, facts: HopFacts) -> bool:
    if address.is_loopback:
        return facts.allow_loopback
    is_reserved = isinstance(address, IPv4Address) and address.is_reserved  # 240.0.0.0/4, broadcast
    return not (address.is_unspecified or address.is_multicast or is_reserved or address.is_link_local)


def _in_order(addresses: Sequence[IPAddress], facts: HopFacts) -> tuple[IPAddress, ...]:
    """The two families in turn, each in the order that DNS gave."""
    unique = list(dict.fromkeys(addresses))
    six: list[IPAddress] = [address for address in unique if address.version == 6]
    four: list[IPAddress] = [address for address in unique if address.version == 4]
    first, second = (six, four) if facts.prefers_ipv6 else (four, six)
    pairs = zip_longest(first, second)
    ordered = [address for address in chain.from_iterable(pairs) if address is not None]
    return tuple(ordered[: facts.limits.addresses_of_host])
