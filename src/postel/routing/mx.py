"""Decide which hosts to try for a domain, and in what order.

Implements  RFC 5321 5.1 (MX look-up, implicit MX, the rule for backup servers), RFC 7505 3 (null MX).
Asks        MX questions; A and AAAA ones tier by tier (addresses), when a tier's turn comes.
Gives       next_hops, hops_of, all_hosts.
Not here    Whether the domain is ours (decide); connecting (delivery).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import cast

from postel.asks import Asks, DnsAnswer, DnsQuestion, DnsStatus, MxRecord, RecordType
from postel.mail import AddressLiteral, Domain, Host, Reply, replies
from postel.routing.addresses import hosts_of, no_hosts, parse_ip
from postel.routing.hops import HopFacts, HopHost, HopPlan, NoRoute, Tier, TierHosts
from postel.routing.route import Step, ToHop


def next_hops(domain: Host, facts: HopFacts) -> Asks[HopPlan | NoRoute]:
    """The tiers of exchanges of a domain, the best first, without ourselves and what is no better than us."""
    if isinstance(domain, AddressLiteral):
        step = Step(f"{domain} names its host itself")  # RFC 5321 2.3.4: no look-up
        return HopPlan(domain, (Tier(0, (str(domain.address),)),), (step,), is_authentic=True)
    answer: DnsAnswer = yield DnsQuestion(domain.ascii, RecordType.MX)
    trail: list[Step] = []
    records = _usable_records(domain, answer, trail)
    if isinstance(records, Reply):
        return NoRoute(records, trail[-1].text, tuple(trail))
    records, leads_to_us = _without_us(records, facts, trail)
    if not records:
        reply = replies.MX_LEADS_TO_US if leads_to_us else replies.NO_ADDRESS
        return NoRoute(reply, trail[-1].text, tuple(trail))
    return HopPlan(domain, _tiers(records, facts), tuple(trail), is_authentic=_is_authentic(domain, answer))


def hops_of(hop: ToHop) -> HopPlan:
    """The plan for a configured next hop: its one host, whose MX records do not matter."""
    step = Step(f"{hop} is configured")
    return HopPlan(hop.host, (Tier(0, (hop.host,)),), (step,), is_configured=True, is_authentic=True)


def _is_authentic(domain: Domain, answer: DnsAnswer) -> bool:
    """Whether the names of the hosts are signed, or are that of the domain itself."""
    is_own_host = answer.status is DnsStatus.NO_DATA and answer.canonical in ("", domain.ascii)
    return answer.is_authentic or is_own_host


def all_hosts(
    plan: HopPlan, facts: HopFacts
) -> Asks[tuple[tuple[HopHost, ...], tuple[TierHosts, ...]] | NoRoute]:
    """Every host of every tier at once, for those who want to show them; or why there is none."""
    found: list[TierHosts] = []
    for tier in plan.tiers:
        hosts = yield from hosts_of(plan, tier, facts)
        found.append(hosts)
        if hosts.leads_to_us:
            break
    everything = tuple(host for tier_hosts in found for host in tier_hosts.hosts)
    return (everything, tuple(found)) if everything else no_hosts(plan, found)


def _usable_records(domain: Domain, answer: DnsAnswer, trail: list[Step]) -> list[MxRecord] | Reply:
    """The records to work with; or the reply that says why there are none."""
    match answer.status:
        case DnsStatus.TROUBLE:
            # RFC 5321 5.1: trouble is no answer; only a later one counts.
            trail.append(Step(f"MX of {domain}: the look-up failed{_note(answer)}"))
            return replies.DNS_TROUBLE
        case DnsStatus.NO_NAME:
            trail.append(Step(f"{domain} does not exist"))
            return replies.DOMAIN_UNKNOWN
        case DnsStatus.NO_DATA:
            # RFC 5321 5.1: without MX records the domain is its own host, with preference 0.
            trail.append(Step(f"{domain} has no MX records: it is its own host"))
            return [MxRecord(0, answer.canonical or domain.ascii)]
        case DnsStatus.FOUND:
            return _from_answer(domain, cast(Sequence[MxRecord], answer.records), trail)


def _from_answer(domain: Domain, records: Sequence[MxRecord], trail: list[Step]) -> list[MxRecord] | Reply:
    trail.extend(Step(f"MX {record.preference} {record.exchange or '.'}") for record in sorted(records))
    if all(record.exchange == "" for record in records):
        trail.append(Step(f"{domain} accepts no mail: null MX"))  # RFC 7505 3
        return replies.DOMAIN_TAKES_NO_MAIL
    usable = [record for record in records if _is_host_name(record, trail)]
    if not usable:
        # RFC 5321 5.1: where there are MX records, the domain's own address does not stand in for them.
        trail.append(Step(f"no MX record of {domain} names a host"))
        return replies.NO_ADDRESS
    return sorted(usable)


def _is_host_name(record: MxRecord, trail: list[Step]) -> bool:
    if record.exchange == "":
        trail.append(Step("MX . beside others means nothing: ignored"))
        return False
    if parse_ip(record.exchange) is not None:
        # RFC 5321 5.1 and RFC 2181 10.3: an exchange is a name.
        trail.append(Step(f"MX {record.exchange} is an address where a name belongs: ignored"))
        return False
    return True


def _without_us(records: list[MxRecord], facts: HopFacts, trail: list[Step]) -> tuple[list[MxRecord], bool]:
    """RFC 5321 5.1: drop ourselves, and every exchange whose preference is no better than ours."""
    ours = [record.preference for record in records if record.exchange in facts.own_names]
    if not ours:
        return records, False
    better = [record for record in records if record.preference < min(ours)]
    trail.append(Step(f"MX {min(ours)} is this server: only what is better than that remains"))
    if not better:
        trail.append(Step("nothing is better than this server: the mail would come back to us"))
    return better, True


def _tiers(records: list[MxRecord], facts: HopFacts) -> tuple[Tier, ...]:
    tiers: list[Tier] = []
    room = facts.limits.mx_hosts
    for preference, group in groupby(records, key=lambda record: record.preference):
        exchanges = list(dict.fromkeys(record.exchange for record in group))
        facts.random.shuffle(exchanges)  # RFC 5321 5.1: equals share the load
        if taken := exchanges[:room]:
            tiers.append(Tier(preference, tuple(taken)))
        room -= len(taken)
    return tuple(tiers)


def _note(answer: DnsAnswer) -> str:
    return f" ({answer.note})" if answer.note else ""
