"""Facts that the tests of routing share: a table, accounts and a zone, all as plain text."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any

from postel.asks import Asks, DnsAnswer, DnsQuestion, DnsStatus, MxRecord, answer_with
from postel.mail import parse_domain, parse_host, parse_mailbox
from postel.routing import (
    AccountQuestion,
    Decision,
    FirstAccountQuestion,
    FixedRoute,
    HopFacts,
    OurDomain,
    RelayDomain,
    RelayNetwork,
    RoutingTable,
    decide,
    parse_alias,
    parse_pattern,
    parse_route,
)

ACCOUNTS = ("frito@drag.net", "kitt@drag.net", "joe@nice.org")


def our_domain(name: str, aliases: Mapping[str, str | list[str]] | None = None) -> OurDomain:
    domain = parse_host(name)
    rows = [parse_alias(key, members, domain, f"alias {key}") for key, members in (aliases or {}).items()]
    return OurDomain(domain, dict(rows), f"domain {name}")


def table(
    *domains: OurDomain,
    relay: tuple[str, ...] = (),
    networks: tuple[str, ...] = (),
    routes: Mapping[str, str] | None = None,
    **more: Any,
) -> RoutingTable:
    """A table of mail.drag.net; each row's source is its own text."""
    return RoutingTable(
        hostname=parse_domain("mail.drag.net"),
        domains=domains,
        relay_domains=tuple(RelayDomain(parse_pattern(text), f"relay {text}") for text in relay),
        relay_networks=tuple(RelayNetwork(ip_network(text), f"network {text}") for text in networks),
        routes=tuple(
            FixedRoute(parse_pattern(key), parse_route(text), f"route {key}")
            for key, text in (routes or {}).items()
        ),
        own_addresses=frozenset({ip_address("192.0.2.1")}),
        **more,
    )


def accounts(*addresses: str) -> Callable[[Any], Any]:
    """Answers what routing asks of the directory."""

    def answer(question: Any) -> Any:
        match question:
            case AccountQuestion(address):
                return address in addresses
            case FirstAccountQuestion(domain):
                at_domain = [address for address in addresses if address.endswith(f"@{domain}")]
                return next(iter(at_domain or addresses), None)
        raise AssertionError(question)

    return answer


def ask(asks: Asks[Any], *addresses: str) -> Any:
    return answer_with(asks, accounts(*(addresses or ACCOUNTS)))


def decided(routing: RoutingTable, address: str, *addresses: str) -> Decision:
    decision = ask(decide(routing, parse_mailbox(address)), *addresses)
    assert isinstance(decision, Decision)
    return decision


def zone(text: str) -> Callable[[Any], Any]:
    """Answers DNS questions from lines `name TYPE values`; TYPE may be TROUBLE, for every type of a name."""
    records: dict[tuple[str, str], list[Any]] = {}
    trouble: set[tuple[str, str]] = set()
    for line in filter(str.strip, text.splitlines()):
        name, type_, *values = line.split()
        match type_, values:
            case "TROUBLE", types:
                trouble.update((name, one) for one in types)
            case "MX", [preference, *exchange]:
                records.setdefault((name, "MX"), []).append(MxRecord(int(preference), "".join(exchange)))
            case _, [address]:
                records.setdefault((name, type_), []).append(ip_address(address))
    names = {name for name, _ in records} | {name for name, _ in trouble}

    def answer(question: Any) -> Any:
        if not isinstance(question, DnsQuestion):
            return accounts(*ACCOUNTS)(question)
        key = (question.name, str(question.type))
        if key in trouble:
            return DnsAnswer(DnsStatus.TROUBLE, note="SERVFAIL")
        if key in records:
            return DnsAnswer(DnsStatus.FOUND, tuple(records[key]), question.name)
        return DnsAnswer(
            DnsStatus.NO_DATA if question.name in names else DnsStatus.NO_NAME, (), question.name
        )

    return answer


def hop_facts(seed: int = 1, **more: Any) -> HopFacts:
    given = {"own_names": frozenset({"mail.drag.net"}), "own_addresses": frozenset({ip_address("192.0.2.1")})}
    return HopFacts(**(given | more), random=random.Random(seed))
