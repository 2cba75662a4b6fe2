"""routing.mx and routing.addresses: which hosts to try."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from routing_facts import hop_facts, zone

from postel.asks import DnsAnswer, DnsStatus, MxRecord, RecordType, answer_with
from postel.mail import Reply, parse_domain, parse_host, replies
from postel.routing import (
    HopFacts,
    HopLimits,
    HopPlan,
    NoRoute,
    ToHop,
    all_hosts,
    hops_of,
    hosts_of,
    next_hops,
)

FREE = """
free.org MX 20 relay.reliable.com
free.org MX 10 pluto.free.org
pluto.free.org A 198.51.100.7
pluto.free.org AAAA 2001:db8::7
relay.reliable.com A 203.0.113.1
"""


def plan_of(lines: str, facts: HopFacts | None = None, domain: str = "free.org") -> HopPlan | NoRoute:
    found: HopPlan | NoRoute = answer_with(next_hops(parse_host(domain), facts or hop_facts()), zone(lines))
    return found


def tiers(lines: str, facts: HopFacts | None = None, domain: str = "free.org") -> list[tuple[int, list[str]]]:
    plan = plan_of(lines, facts, domain)
    assert isinstance(plan, HopPlan)
    return [(tier.preference, list(tier.exchanges)) for tier in plan.tiers]


def hosts(lines: str, facts: HopFacts | None = None, domain: str = "free.org") -> Any:
    """Names with their addresses, or the reply when there are none."""
    plan = plan_of(lines, facts, domain)
    if isinstance(plan, NoRoute):
        return plan.reply
    found = answer_with(all_hosts(plan, facts or hop_facts()), zone(lines))
    if isinstance(found, NoRoute):
        return found.reply
    return [(host.name, [str(address) for address in host.addresses]) for host in found[0]]


def test_exchanges_come_by_preference() -> None:
    assert tiers(FREE) == [(10, ["pluto.free.org"]), (20, ["relay.reliable.com"])]


def test_each_host_comes_with_its_addresses_of_both_kinds() -> None:
    assert hosts(FREE) == [
        ("pluto.free.org", ["2001:db8::7", "198.51.100.7"]),
        ("relay.reliable.com", ["203.0.113.1"]),
    ]


def test_addresses_of_the_two_kinds_alternate() -> None:
    lines = "x.org A 198.51.100.1\nx.org A 198.51.100.2\nx.org AAAA 2001:db8::1\n"
    assert hosts(lines, domain="x.org") == [("x.org", ["2001:db8::1", "198.51.100.1", "198.51.100.2"])]
    four_first = hop_facts(prefers_ipv6=False)
    assert hosts(lines, four_first, "x.org") == [("x.org", ["198.51.100.1", "2001:db8::1", "198.51.100.2"])]


def test_a_kind_that_is_not_used_is_not_asked_for() -> None:
    assert hosts(FREE, hop_facts(uses_ipv6=False))[0] == ("pluto.free.org", ["198.51.100.7"])
    assert hosts(FREE, hop_facts(uses_ipv4=False)) == [("pluto.free.org", ["2001:db8::7"])]


def test_equals_come_in_random_order() -> None:
    lines = "".join(f"free.org MX 10 m{n}.free.org\n" for n in range(5))
    orders = {tuple(tiers(lines, hop_facts(seed))[0][1]) for seed in range(20)}
    assert len(orders) > 10
    assert all(sorted(order) == [f"m{n}.free.org" for n in range(5)] for order in orders)


def test_without_mx_records_the_domain_is_its_own_host() -> None:
    assert hosts("free.org A 198.51.100.7") == [("free.org", ["198.51.100.7"])]


def test_a_null_mx_means_that_no_mail_is_taken() -> None:
    assert hosts("free.org MX 0") == replies.DOMAIN_TAKES_NO_MAIL


def test_a_null_mx_beside_others_is_ignored() -> None:
    assert tiers("free.org MX 0\n" + FREE)[0] == (10, ["pluto.free.org"])


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        ("other.org A 198.51.100.1", replies.DOMAIN_UNKNOWN),
        ("free.org TROUBLE MX\nfree.org A 198.51.100.7", replies.DNS_TROUBLE),
        ("free.org TROUBLE A", replies.DNS_TROUBLE),
        ("free.org MX 10 pluto.free.org", replies.NO_ADDRESS),
        ("free.org MX 10 pluto.free.org\npluto.free.org TROUBLE AAAA", replies.DNS_TROUBLE),
        ("free.org MX 10 198.51.100.7\nfree.org A 198.51.100.7", replies.NO_ADDRESS),
        ("free.org MX 10 mail.drag.net", replies.MX_LEADS_TO_US),
        ("free.org MX 10 alias.org\nalias.org A 192.0.2.1", replies.MX_LEADS_TO_US),
        ("free.org A 192.0.2.1", replies.MX_LEADS_TO_US),
        ("free.org MX 10 m.org\nm.org A 127.0.0.1", replies.NO_ADDRESS),
    ],
)
def test_why_there_is_nobody_to_try(lines: str, reply: Reply) -> None:
    assert hosts(lines) == reply


def test_trouble_with_one_exchange_does_not_keep_us_from_the_others() -> None:
    assert hosts(FREE + "free.org MX 5 slow.org\nslow.org TROUBLE A AAAA")[0][0] == "pluto.free.org"


def test_an_exchange_without_an_address_is_skipped() -> None:
    assert hosts(FREE + "free.org MX 5 gone.org")[0][0] == "pluto.free.org"


def test_an_exchange_that_is_an_address_is_ignored() -> None:
    assert tiers(FREE + "free.org MX 5 198.51.100.9\nfree.org MX 5 2001:db8::9")[0][1] == ["pluto.free.org"]


BACKUP = (
    FREE
    + "free.org MX 20 equal.org\nfree.org MX 30 worse.org\nequal.org A 203.0.113.2\nworse.org A 203.0.113.3\n"
)


def test_a_backup_found_by_name_leaves_only_what_is_better() -> None:
    facts = hop_facts(own_names=frozenset({"relay.reliable.com"}), own_addresses=frozenset())
    assert tiers(BACKUP, facts) == [(10, ["pluto.free.org"])]


def test_a_backup_found_by_address_leaves_only_what_is_better() -> None:
    facts = hop_facts(own_addresses=frozenset({ip_address("203.0.113.1")}))
    assert [name for name, _ in hosts(BACKUP, facts)] == ["pluto.free.org"]


def test_a_backup_found_behind_a_cname_leaves_only_what_is_better() -> None:
    def answer(question: Any) -> Any:
        found = zone(BACKUP)(question)
        if question.name == "relay.reliable.com":
            return DnsAnswer(DnsStatus.FOUND, (ip_address("203.0.113.77"),), "mail.drag.net")
        return found

    facts = hop_facts()
    plan = answer_with(next_hops(parse_domain("free.org"), facts), answer)
    found = answer_with(all_hosts(plan, facts), answer)
    assert [host.name for host in found[0]] == ["pluto.free.org"]


def test_the_tiers_after_ourselves_are_never_asked_about() -> None:
    facts = hop_facts(own_addresses=frozenset({ip_address("198.51.100.7")}))
    plan = plan_of(BACKUP, facts)
    assert isinstance(plan, HopPlan)
    first = answer_with(hosts_of(plan, plan.tiers[0], facts), zone(BACKUP))
    assert (first.hosts, first.leads_to_us) == ((), True)
    assert hosts(BACKUP, facts) == replies.MX_LEADS_TO_US


def test_addresses_are_asked_for_only_when_their_tier_comes() -> None:
    asked: list[tuple[str, RecordType]] = []

    def answer(question: Any) -> Any:
        asked.append((question.name, question.type))
        return zone(FREE)(question)

    facts = hop_facts()
    plan = answer_with(next_hops(parse_domain("free.org"), facts), answer)
    assert asked == [("free.org", RecordType.MX)]
    answer_with(hosts_of(plan, plan.tiers[0], facts), answer)
    assert {name for name, _ in asked[1:]} == {"pluto.free.org"}


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "169.254.169.254",
        "::ffff:0.0.0.0",
    ],
)
def test_a_strangers_mx_record_cannot_aim_us_at_ourselves(address: str) -> None:
    kind = "AAAA" if ":" in address else "A"
    assert hosts(f"free.org MX 10 m.org\nm.org {kind} {address}") == replies.NO_ADDRESS


def test_ourselves_are_found_behind_an_ipv6_address_that_stands_for_ours() -> None:
    assert hosts("free.org MX 10 m.org\nm.org AAAA ::ffff:192.0.2.1") == replies.MX_LEADS_TO_US
    assert hosts("", domain="[IPv6:::ffff:192.0.2.1]") == replies.MX_LEADS_TO_US


def test_loopback_is_the_internet_where_it_is_so_said() -> None:
    facts = hop_facts(allow_loopback=True)
    assert hosts("free.org MX 10 m.org\nm.org A 127.0.0.3", facts) == [("m.org", ["127.0.0.3"])]


def test_private_networks_have_mail_too() -> None:
    assert hosts("free.org MX 10 m.org\nm.org A 10.0.0.3") == [("m.org", ["10.0.0.3"])]


def test_only_so_many_exchanges_and_addresses_are_tried() -> None:
    lines = "".join(
        f"free.org MX {n} m{n}.org\nm{n}.org A 198.51.100.1\nm{n}.org A 198.51.100.2\n" for n in range(9)
    )
    facts = hop_facts(limits=HopLimits(mx_hosts=3, addresses_of_host=1))
    assert hosts(lines, facts) == [(f"m{n}.org", ["198.51.100.1"]) for n in range(3)]
    crowd = "".join(f"free.org MX 1 m{n}.org\n" for n in range(9))
    assert len(tiers(crowd, facts)[0][1]) == 3


def test_ourselves_are_found_beyond_the_limit() -> None:
    lines = "".join(f"free.org MX {n} m{n}.org\n" for n in range(1, 9)) + "free.org MX 0 mail.drag.net"
    assert hosts(lines, hop_facts(limits=HopLimits(mx_hosts=1))) == replies.MX_LEADS_TO_US


def test_an_address_literal_is_its_own_host() -> None:
    assert hosts("", domain="[198.51.100.9]") == [("198.51.100.9", ["198.51.100.9"])]
    assert hosts("", domain="[IPv6:2001:db8::9]") == [("2001:db8::9", ["2001:db8::9"])]
    assert hosts("", domain="[127.0.0.1]") == replies.NO_ADDRESS
    assert hosts("", domain="[192.0.2.1]") == replies.MX_LEADS_TO_US


def configured(hop: ToHop, lines: str = "") -> Any:
    facts = hop_facts()
    found = answer_with(all_hosts(hops_of(hop), facts), zone(lines))
    return (
        found.reply if isinstance(found, NoRoute) else [str(a) for host in found[0] for a in host.addresses]
    )


def test_a_configured_hop_is_tried_as_it_is() -> None:
    assert configured(ToHop("smtp", "127.0.0.9", 2525)) == ["127.0.0.9"]
    assert configured(ToHop("smtp", "192.0.2.1", 2525)) == ["192.0.2.1"]
    assert configured(ToHop("smtp", "smart.org", 587), "smart.org A 127.0.0.1") == ["127.0.0.1"]


def test_a_configured_hop_without_an_address_is_no_reason_to_give_mail_back() -> None:
    for lines in ("", "smart.org TROUBLE A"):
        assert configured(ToHop("smtp", "smart.org", 587), lines).is_transient


def test_the_reasons_are_told() -> None:
    plan = plan_of(BACKUP, hop_facts(own_names=frozenset({"relay.reliable.com"})))
    assert [str(step) for step in plan.trail] == [
        "MX 10 pluto.free.org",
        "MX 20 equal.org",
        "MX 20 relay.reliable.com",
        "MX 30 worse.org",
        "MX 20 is this server: only what is better than that remains",
    ]


records = st.lists(
    st.builds(
        MxRecord, st.integers(0, 5), st.sampled_from(["", "a.org", "b.org", "c.org", "me.org", "1.2.3.4"])
    ),
    min_size=1,
    max_size=8,
)


@given(records, st.randoms(use_true_random=False))
def test_no_plan_has_ourselves_or_what_is_no_better(mx: list[MxRecord], random: Any) -> None:
    facts = HopFacts(own_names=frozenset({"me.org"}), own_addresses=frozenset(), random=random)
    answer = DnsAnswer(DnsStatus.FOUND, tuple(mx), "free.org")
    plan = answer_with(next_hops(parse_domain("free.org"), facts), lambda _: answer)
    ours = [record.preference for record in mx if record.exchange == "me.org"]
    if isinstance(plan, HopPlan):
        preferences = [tier.preference for tier in plan.tiers]
        assert preferences == sorted(set(preferences))
        assert all(not ours or preference < min(ours) for preference in preferences)
        assert not {"me.org", "", "1.2.3.4"} & {name for tier in plan.tiers for name in tier.exchanges}
    else:
        assert plan.reply in (replies.DOMAIN_TAKES_NO_MAIL, replies.NO_ADDRESS, replies.MX_LEADS_TO_US)
