"""routing.explain: the whole decision told."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from routing_facts import hop_facts, our_domain, table, zone

from postel.asks import answer_with
from postel.mail import parse_mailbox
from postel.routing import (
    DestinationTls,
    Explanation,
    FixedRoute,
    Login,
    TlsDemand,
    TlsPolicy,
    ToHop,
    explain,
    may_relay,
    parse_pattern,
    parse_route,
    render,
    with_login,
)

TABLE = table(
    our_domain("drag.net", {"sales": ["frito", "kitt@free.org", "x@gone.example"]}),
    relay=("free.org",),
    networks=("198.51.100.0/24",),
    routes={"lmtp.org": "lmtp:unix:/x", "hop.org": "smtp:[127.0.0.9]:2525", "gone.org": "discard"},
)
LINES = """
free.org MX 10 pluto.free.org
pluto.free.org A 203.0.113.7
pluto.free.org AAAA 2001:db8::7
slow.org TROUBLE MX
"""


def explained(address: str, routing: object = TABLE, client: str = "198.51.100.9") -> Explanation:
    assert isinstance(routing, type(TABLE))
    right = may_relay(routing, ip_address(client), is_authenticated=False)
    found = answer_with(explain(routing, hop_facts(), parse_mailbox(address), right), zone(LINES))
    assert isinstance(found, Explanation)
    return found


def test_mail_that_goes_on_is_told_to_its_last_hop() -> None:
    assert render(explained("kitt@free.org")) == (
        "Mail for kitt@free.org",
        "  free.org is no domain of ours",
        "  free.org is a relay domain (free.org)  (relay free.org)",
        "  no fixed route fits: on to the MX hosts of free.org",
        "  so: on to the MX hosts of free.org",
        "Next hops for kitt@free.org",
        "  MX 10 pluto.free.org",
        "  pluto.free.org AAAA 2001:db8::7",
        "  pluto.free.org A 203.0.113.7",
        "  1. pluto.free.org at 2001:db8::7, then 203.0.113.7",
        "  TLS when it is offered, certificates are not judged",
        "A client that sends RCPT is told",
        "  without a login, from anywhere: 250, taken",
        "  this client: 250, taken",
        "    the client is in 198.51.100.0/24: it may relay  (network 198.51.100.0/24)",
    )


def test_an_alias_is_told_with_its_members() -> None:
    lines = render(explained("sales@drag.net"))
    assert "  so: to the mailbox of frito@drag.net, kitt@free.org, x@gone.example" in lines
    assert "Member kitt@free.org" in lines
    assert "  so: nobody to try (550 5.1.2 The domain does not exist), given up" in lines


def test_what_a_stranger_is_told_differs() -> None:
    lines = render(explained("x@slow.org", client="203.0.113.9"))
    assert (
        "  so: nobody to try (451 4.4.3 The domain cannot be looked up at the moment), tried again later"
        in lines
    )
    assert "  without a login, from anywhere: 550 5.7.1 We do not relay for you" in lines
    assert any(line.startswith("  this client: 550 5.7.1 We do not relay for you") for line in lines)


def test_every_kind_of_route_has_words() -> None:
    def route(address: str) -> str:
        return next(line for line in render(explained(address)) if line.startswith("  so:"))

    assert route("frito+x@drag.net") == "  so: into the mailbox of frito@drag.net, detail x"
    assert route("kitt@drag.net") == "  so: into the mailbox of kitt@drag.net"
    assert route("nobody@drag.net") == "  so: refused with 550 5.1.1 No such mailbox here"
    assert route("x@gone.org") == "  so: accepted and discarded"
    assert route("x@lmtp.org") == "  so: on to lmtp:unix:/x"
    assert route("x@hop.org") == "  so: on to smtp:[127.0.0.9]:2525"


def test_a_configured_hop_is_told_with_its_tls_policy_and_without_its_password() -> None:
    rows = tuple(
        replace(row, target=with_login(row.target, Login("frito", "sesame"), TlsPolicy.VERIFIED))
        if isinstance(row.target, ToHop)
        else row
        for row in TABLE.routes
    )
    lines = render(explained("x@hop.org", replace(TABLE, routes=rows)))
    assert "  1. 127.0.0.9 at 127.0.0.9" in lines
    assert "  TLS with a certificate for the host's name, or nothing" in lines
    assert "sesame" not in repr(explained("x@hop.org", replace(TABLE, routes=rows)))


def test_a_hop_without_an_address_is_told() -> None:
    routing = table(routes={"*": "smtp:nowhere.org"})
    assert any("tried again later" in line for line in render(explained("x@other.org", routing)))


def test_a_tls_policy_is_told_with_its_place() -> None:
    demand = TlsDemand(TlsPolicy.VERIFIED, (".hoster.example", "domain"), "TLSv1.3")
    routing = replace(TABLE, tls=(DestinationTls(parse_pattern("free.org"), demand, "postel.toml:7"),))
    lines = render(explained("kitt@free.org", routing))
    wanted = "TLS with a certificate for .hoster.example or the domain, or nothing; TLSv1.3 at the least"
    assert f"  {wanted}  (postel.toml:7)" in lines


def test_a_route_smtps_is_tls_or_nothing() -> None:
    routing = replace(
        TABLE, routes=(FixedRoute(parse_pattern("free.org"), parse_route("smtps:[192.0.2.9]:10465")),)
    )
    assert "  TLS or nothing, certificates are not judged" in render(explained("kitt@free.org", routing))
