"""routing.dangers: what `postel check` warns of."""

from __future__ import annotations

import pytest
from routing_facts import our_domain, table

from postel.routing import RelayDomain, RoutingTable, dangers_of, parse_pattern


def sources(routing: RoutingTable) -> list[str]:
    return [step.source for step in dangers_of(routing)]


def test_an_ordinary_table_has_none() -> None:
    routing = table(
        our_domain(
            "drag.net",
            {
                "sales": ["frito", "kitt@free.org"],
                "root": "abuse",
                "frito": ["frito", "x@free.org"],
                "*": "frito",
            },
        ),
        relay=("free.org", ".free.org"),
        networks=(
            "127.0.0.0/8",
            "10.0.0.0/8",
            "192.0.2.0/24",
            "fd00::/8",
            "2001:db8::/32",
            "fe80::/10",
            "::1/128",
        ),
        routes={"*": "smtp:smart.example.net:587", "ours.org": "mailbox"},
    )
    assert dangers_of(routing) == ()


@pytest.mark.parametrize(
    "network", ["0.0.0.0/0", "::/0", "128.0.0.0/1", "192.0.0.0/8", "10.0.0.0/7", "2000::/3", "2001:d00::/24"]
)
def test_a_network_of_everybody_is_an_open_relay(network: str) -> None:
    (step,) = dangers_of(table(networks=(network,)))
    assert step.source == f"network {network}"
    assert "open relay" in step.text


@pytest.mark.parametrize("pattern", ["org", ".org", "*"])
def test_a_relay_domain_of_everybody_is_an_open_relay(pattern: str) -> None:
    routing = table()
    routing = RoutingTable(
        hostname=routing.hostname, relay_domains=(RelayDomain(parse_pattern(pattern), "x:1"),)
    )
    assert sources(routing) == ["x:1"]


def test_a_relay_domain_that_is_ours_has_no_effect() -> None:
    assert sources(table(our_domain("drag.net"), relay=("drag.net",))) == ["relay drag.net"]


def test_everything_to_mailbox_has_no_effect() -> None:
    assert sources(table(routes={"*": "mailbox"})) == ["route *"]


def test_a_next_hop_that_is_this_server_is_a_circle() -> None:
    routes = {
        "a.org": "smtp:mail.drag.net",
        "b.org": "smtp:[192.0.2.1]:25",
        "c.org": "smtp:[192.0.2.1]:26",
        "d.org": "lmtp:unix:/x",
    }
    assert sources(table(routes=routes)) == ["route a.org", "route b.org"]


def test_aliases_that_lead_nowhere_whatever_accounts_there_are() -> None:
    domain = our_domain("drag.net", {"a": "b", "b": "a", "self": "self", "ok": "whoever"})
    assert sources(table(domain)) == ["alias a", "alias b"]


def test_a_catch_all_that_leads_back_to_itself_is_found() -> None:
    domain = our_domain("drag.net", {"*": "loop", "loop": "loop2", "loop2": "loop"})
    assert sources(table(domain)) == ["alias *", "alias loop", "alias loop2"]


def test_an_alias_of_an_address_that_reaches_somebody_is_fine() -> None:
    routing = table(
        our_domain("drag.net", {"root": "postmaster", "postmaster": "abuse", "abuse": "postmaster"})
    )
    assert dangers_of(table(our_domain("drag.net", {"root": "postmaster"}))) == ()
    assert sources(routing) == ["alias root"]
