"""Which waiting mail a client means: nodes of ETRN, domains of ATRN."""

import pytest

from postel.mail import parse_domain, parse_mailbox
from postel.routing import (
    FixedRoute,
    Node,
    NotYours,
    OurDomain,
    PullRight,
    RelayDomain,
    RoutingTable,
    ToPull,
    is_fetched,
    is_known_node,
    lane,
    lanes_of_node,
    lanes_to_pull,
    node_of,
    parse_pattern,
    parse_route,
    target_of_lane,
)

OFFICE = parse_mailbox("Office@example.net")
TABLE = RoutingTable(
    hostname=parse_domain("mx.example.net"),
    domains=(OurDomain(parse_domain("example.net")),),
    relay_domains=(RelayDomain(parse_pattern("ship.example")), RelayDomain(parse_pattern(".fleet.example"))),
    routes=(
        FixedRoute(parse_pattern("office.example"), parse_route("pull")),
        FixedRoute(parse_pattern(".office.example"), parse_route("pull")),
        FixedRoute(parse_pattern("buoy.example"), parse_route("smtp:gate.example:2525")),
        FixedRoute(parse_pattern("*"), parse_route("smtp:smart.example:25")),
    ),
    pulls=(
        PullRight(
            parse_mailbox("office@example.net"),
            (parse_pattern("office.example"), parse_pattern(".office.example")),
        ),
        PullRight(parse_mailbox("branch@example.net"), (parse_pattern("a.office.example"),)),
    ),
)
LANES = [
    "hop:smtp:gate.example:2525",
    "hop:smtp:smart.example:25",
    "local",
    "mx:a.fleet.example",
    "mx:b.a.fleet.example",
    "mx:otherfleet.example",
    "mx:ship.example",
    "pull:a.office.example",
    "pull:office.example",
]


def node(text: str) -> Node:
    return Node(parse_domain(text.removeprefix("@")), text.startswith("@"))


@pytest.mark.parametrize(
    ("text", "lanes"),
    {
        "ship.example": ["mx:ship.example"],
        "SHIP.example": ["mx:ship.example"],
        "fleet.example": [],
        "@fleet.example": ["mx:a.fleet.example", "mx:b.a.fleet.example"],
        "a.fleet.example": ["mx:a.fleet.example"],
        "buoy.example": ["hop:smtp:gate.example:2525"],
        "gate.example": ["hop:smtp:gate.example:2525"],
        "@gate.example": ["hop:smtp:gate.example:2525"],
        "office.example": [],
        "@office.example": [],
        "example.net": [],
        "@example": ["hop:smtp:gate.example:2525", "hop:smtp:smart.example:25", "mx:a.fleet.example",
                     "mx:b.a.fleet.example", "mx:otherfleet.example", "mx:ship.example"],
    }.items(),
)  # fmt: skip
def test_a_node_means_its_own_lanes(text: str, lanes: list[str]) -> None:
    assert lanes_of_node(TABLE, node(text), LANES) == lanes


@pytest.mark.parametrize(
    "text", ["ship.example", "a.fleet.example", "@fleet.example", "buoy.example", "gate.example"]
)
def test_nodes_that_the_configuration_names_are_known(text: str) -> None:
    assert is_known_node(TABLE, node(text))


@pytest.mark.parametrize(
    "text", ["example.net", "gmail.example", "fleet.example", "example.com", "@nowhere.example"]
)
def test_other_nodes_are_nobodys_business(text: str) -> None:
    assert not is_known_node(TABLE, node(text))


def test_mail_that_is_fetched_waits_in_a_lane_for_each_domain_and_leads_nowhere() -> None:
    assert lane(TABLE, parse_mailbox("bob@A.office.example")) == "pull:a.office.example"
    assert isinstance(parse_route("pull"), ToPull)
    assert is_fetched(TABLE, parse_domain("a.office.example")) and not is_fetched(
        TABLE, parse_domain("ship.example")
    )
    assert target_of_lane(TABLE, "pull:office.example") is None


def test_an_account_fetches_what_it_has_a_right_to() -> None:
    office, sub = parse_domain("office.example"), parse_domain("a.office.example")
    assert lanes_to_pull(TABLE, OFFICE, (), LANES) == ["pull:a.office.example", "pull:office.example"]
    assert lanes_to_pull(TABLE, OFFICE, (office,), LANES) == ["pull:office.example"]
    branch = parse_mailbox("branch@example.net")
    assert lanes_to_pull(TABLE, branch, (), LANES) == ["pull:a.office.example"]
    assert lanes_to_pull(TABLE, parse_mailbox("eve@example.net"), (), LANES) == []
    for domains in ((office,), (sub, office)):
        with pytest.raises(NotYours):
            lanes_to_pull(TABLE, branch, domains, LANES)


def test_a_right_to_what_is_below_a_domain_is_none_to_what_only_ends_so() -> None:
    right = PullRight(OFFICE, (parse_pattern(".office.example"),))
    assert right.covers("a.office.example")
    assert not right.covers("office.example") and not right.covers("backoffice.example")


def test_a_named_queue_means_the_domain_and_all_below_it() -> None:
    assert node_of(parse_pattern(".fleet.example")) == node("@fleet.example")
    assert node_of(parse_pattern("fleet.example")) == node("fleet.example")
