"""routing.lanes: the destinations by which the queue schedules."""

from __future__ import annotations

from dataclasses import replace

import pytest
from routing_facts import our_domain, table

from postel.mail import parse_domain, parse_mailbox
from postel.routing import Login, ToHop, ToMx, lane, target_of_lane, with_login

TABLE = table(
    our_domain("drag.net"),
    our_domain("x.org", {"sales": "ann"}),
    our_domain("all.org", {"*": "ann"}),
    relay=("free.org",),
    routes={
        "x.org": "lmtp:unix:/x",
        "all.org": "lmtp:unix:/x",
        "gone.org": "discard",
        "closed.org": "error:550 5.7.1 closed",
        "hop.org": "smtp:[127.0.0.9]:2525",
    },
)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("frito@drag.net", "local"),
        ("kitt@free.org", "mx:free.org"),
        ("kitt@BÜCHER.example", "mx:xn--bcher-kva.example"),
        ("kitt@[198.51.100.1]", "mx:[198.51.100.1]"),
        ("kitt@hop.org", "hop:smtp:[127.0.0.9]:2525"),
        ("kitt@gone.org", "discard"),
        ("kitt@closed.org", "local"),
        ("kitt@x.org", "hop:lmtp:unix:/x"),
        ("sales@x.org", "local"),
        ("Sales+x@x.org", "local"),
        ("kitt@all.org", "local"),
        ("postmaster@x.org", "hop:lmtp:unix:/x"),
    ],
)
def test_the_lane_of_a_recipient(address: str, name: str) -> None:
    assert lane(TABLE, parse_mailbox(address)) == name


def test_where_a_postmaster_is_configured_it_is_found_here() -> None:
    routing = replace(TABLE, postmaster=parse_mailbox("frito@drag.net"))
    assert lane(routing, parse_mailbox("postmaster@x.org")) == "local"


def test_the_target_of_a_lane_is_found_again() -> None:
    assert target_of_lane(TABLE, "mx:free.org") == ToMx(parse_domain("free.org"))
    assert target_of_lane(TABLE, "hop:smtp:[127.0.0.9]:2525") == ToHop("smtp", "127.0.0.9", 2525)


@pytest.mark.parametrize("name", ["local", "discard", "hop:smtp:no-longer.org:25", "mx:", "mx:a b"])
def test_other_lanes_have_none(name: str) -> None:
    assert target_of_lane(TABLE, name) is None


def test_hops_with_different_logins_have_different_lanes() -> None:
    hop = with_login(ToHop("smtp", "x.org", 587), Login("frito", "sesame"))
    plain = table(routes={"a.org": "smtp:x.org:587", "b.org": "smtp:x.org:587"})
    routing = replace(plain, routes=(plain.routes[0], replace(plain.routes[1], target=hop)))
    assert lane(routing, parse_mailbox("k@a.org")) == "hop:smtp:x.org:587"
    assert lane(routing, parse_mailbox("k@b.org")) == "hop:smtp:x.org:587#frito"
    assert target_of_lane(routing, "hop:smtp:x.org:587#frito") == hop
