"""routing.route: the texts of [route]."""

from __future__ import annotations

import pytest

from postel.mail import BadSyntax, Reply, Status
from postel.routing import (
    Discard,
    Login,
    OwnMailbox,
    Refuse,
    TlsPolicy,
    ToHop,
    parse_route,
    with_login,
)


@pytest.mark.parametrize(
    ("text", "hop"),
    [
        ("smtp:relay.example.net:587", ToHop("smtp", "relay.example.net", 587)),
        ("smtp:Relay.Example.net", ToHop("smtp", "relay.example.net", 25)),
        ("smtp:[127.0.0.9]:2525", ToHop("smtp", "127.0.0.9", 2525)),
        ("smtp:[::1]:25", ToHop("smtp", "::1", 25)),
        ("smtp:[IPv6:2001:DB8::1]", ToHop("smtp", "2001:db8::1", 25)),
        ("lmtp:[127.0.0.1]", ToHop("lmtp", "127.0.0.1", 24)),
        ("lmtp:unix:/run/lmtp.sock", ToHop("lmtp", "/run/lmtp.sock", 0)),
    ],
)
def test_next_hops_are_parsed_and_say_themselves_again(text: str, hop: ToHop) -> None:
    assert parse_route(text) == hop
    assert parse_route(str(hop)) == hop


def test_the_other_targets() -> None:
    assert parse_route("mailbox") == OwnMailbox()
    assert parse_route(" discard ") == Discard()
    refusal = parse_route("error:550 5.7.1 go away")
    assert isinstance(refusal, Refuse)
    assert refusal.reply == Reply(550, Status(5, 7, 1), "go away")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a route is"),
        ("maildrop", "a route is"),
        ("mailbox:x", "a route is"),
        ("smtp:", "host name"),
        ("smtp:127.0.0.1:25", "in brackets"),
        ("smtp:host:0", "1 to 65535"),
        ("smtp:host:65536", "1 to 65535"),
        ("smtp:host:999999999999", "1 to 65535"),
        ("smtp:host:x", "1 to 65535"),
        ("smtp:[host]:25", "an IP address"),
        ("lmtp:unix:lmtp.sock", "whole path"),
        ("error:250 ok", "refuses"),
        ("error:550", "says why"),
        ("error:go away", "three digits"),
    ],
)
def test_a_wrong_route_is_answered_with_what_to_write(text: str, says: str) -> None:
    with pytest.raises(BadSyntax, match=says):
        parse_route(text)


def test_a_login_belongs_to_a_next_hop_only_and_is_not_shown() -> None:
    hop = with_login(parse_route("smtp:x.org:587"), Login("frito", "sesame"), TlsPolicy.VERIFIED)
    assert isinstance(hop, ToHop)
    assert hop.tls is TlsPolicy.VERIFIED
    assert "sesame" not in repr(hop)
    assert with_login(Discard(), None) == Discard()
    with pytest.raises(BadSyntax, match="only a route"):
        with_login(Discard(), Login("frito", "sesame"))
