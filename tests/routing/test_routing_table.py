"""routing.table and routing.patterns: rows, and which of them fits."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from routing_facts import our_domain, table

from postel.mail import BadSyntax, parse_domain, parse_host, parse_mailbox
from postel.routing import CATCH_ALL, Discard, ToHop, parse_alias, parse_pattern


def fixed(routing_routes: dict[str, str], name: str) -> str | None:
    row = table(routes=routing_routes).fixed_route(parse_host(name))
    return row and row.source


def test_the_exact_name_then_the_longest_parent_then_everything() -> None:
    routes = {"a.example.com": "discard", ".example.com": "discard", ".com": "discard", "*": "discard"}
    assert fixed(routes, "A.example.com") == "route a.example.com"
    assert fixed(routes, "x.y.example.com") == "route .example.com"
    assert fixed(routes, "example.com") == "route .com"
    assert fixed(routes, "example.org") == "route *"
    assert fixed({".example.com": "discard"}, "example.com") is None


def test_an_internationalised_name_is_found_by_either_form() -> None:
    assert fixed({"bücher.example": "discard"}, "xn--bcher-kva.example") == "route bücher.example"


def test_an_address_literal_has_no_parents() -> None:
    assert fixed({"[192.0.2.9]": "discard"}, "[192.0.2.9]") == "route [192.0.2.9]"
    assert fixed({".org": "discard"}, "[192.0.2.9]") is None


def test_patterns_say_themselves_again() -> None:
    assert [str(parse_pattern(text)) for text in ("Example.com", ".example.com", "*")] == [
        "example.com", ".example.com", "*",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"), [("*.example.com", "dot in front"), ("", "labels"), ("a b", "labels")]
)
def test_a_wrong_pattern_is_answered_with_what_to_write(text: str, says: str) -> None:
    with pytest.raises(BadSyntax, match=says):
        parse_pattern(text)


def test_where_names_are_needed_everything_is_refused() -> None:
    with pytest.raises(BadSyntax, match="whole Internet"):
        parse_pattern("*", allows_everything=False)


def test_an_alias_has_one_or_many_members_local_or_remote() -> None:
    domain = parse_domain("drag.net")
    key, alias = parse_alias("Sales", ["frito", "kitt@free.org"], domain, "x:1")
    assert (key, alias.source) == ("sales", "x:1")
    assert alias.members == (parse_mailbox("frito@drag.net"), parse_mailbox("kitt@free.org"))
    assert parse_alias("*", "frito", domain)[0] == CATCH_ALL
    assert parse_alias('"a b"', "frito", domain)[0] == "a b"


@pytest.mark.parametrize(
    ("name", "members"), [("a", []), ("a..b", "x"), ("a", "x y"), ("a", "x@y@z"), ("", "x")]
)
def test_a_wrong_alias_is_refused(name: str, members: str | list[str]) -> None:
    with pytest.raises(BadSyntax):
        parse_alias(name, members, parse_domain("drag.net"))


def is_ours(name: str, **rows: object) -> bool:
    return table(our_domain("drag.net"), **rows).our_domain(parse_host(name)) is not None  # type: ignore[arg-type]


def test_ours_are_our_domains_our_own_name_and_our_own_addresses() -> None:
    assert is_ours("DRAG.net")
    assert is_ours("mail.drag.net")
    assert is_ours("[192.0.2.1]")
    assert not is_ours("[192.0.2.2]")
    assert not is_ours("sub.drag.net")
    assert not is_ours("free.org")


def test_a_domain_routed_to_mailbox_is_ours() -> None:
    assert is_ours("free.org", routes={"free.org": "mailbox"})
    assert not is_ours("free.org", routes={"*": "mailbox"})


def test_a_literal_of_our_address_is_ours_in_ipv6_clothes_too() -> None:
    assert is_ours("[192.0.2.1]")
    assert is_ours("[IPv6:::ffff:192.0.2.1]")
    assert not is_ours("[IPv6:::ffff:192.0.2.2]")


def test_our_own_name_is_not_ours_where_something_else_is_said_of_it() -> None:
    assert not is_ours("mail.drag.net", routes={"mail.drag.net": "smtp:[192.0.2.9]"})
    assert not is_ours("mail.drag.net", relay=("mail.drag.net",))


def test_a_relay_network_is_found_for_mapped_addresses_too() -> None:
    routing = table(networks=("192.0.2.0/24", "2001:db8::/32"))
    for address in ("192.0.2.9", "::ffff:192.0.2.9", "2001:db8::9"):
        assert routing.relay_network(ip_address(address)) is not None
    assert routing.relay_network(ip_address("198.51.100.1")) is None
    assert routing.relay_network(None) is None


def test_configured_hops_are_known_by_their_lanes() -> None:
    routing = table(routes={"a.org": "smtp:[192.0.2.9]:25", "b.org": "discard"})
    assert dict(routing.hops) == {"hop:smtp:[192.0.2.9]:25": ToHop("smtp", "192.0.2.9", 25)}
    assert Discard() not in routing.hops.values()
