"""Rules about whom we take mail from, and the names of clients."""

from __future__ import annotations

import contextlib
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.asks import DnsQuestion, DnsStatus
from postel.mail import BadSyntax, parse_mailbox
from postel.routing import (
    ClientName,
    client_access,
    client_name,
    domain_takes_mail,
    parse_client_rule,
    parse_path_rule,
    path_access,
)
from postel.testing import Zone

# RFC 2505 2.5: the example of the memo itself.
MEMO = [
    parse_client_rule(text)
    for text in (
        "accept host.domain.example",
        "refuse .domain.example",
        "accept 10.11.12.13",
        "accept 192.168.1.0/24",
        "refuse 10.0.0.0/8",
    )
]


@pytest.mark.parametrize(
    ("ip", "name", "rule"),
    [
        ("10.1.1.1", "host.domain.example", "accept host.domain.example"),
        ("192.0.2.1", "other.domain.example", "refuse .domain.example"),
        ("192.0.2.1", "a.b.domain.example", "refuse .domain.example"),
        ("10.11.12.13", None, "accept 10.11.12.13"),
        ("192.168.1.77", None, "accept 192.168.1.0/24"),
        ("10.11.12.14", None, "refuse 10.0.0.0/8"),
        ("::ffff:10.11.12.14", None, "refuse 10.0.0.0/8"),
    ],
)
def test_the_first_rule_that_fits_a_client_decides(ip: str, name: str | None, rule: str) -> None:
    found = client_access(MEMO, ip_address(ip), name)
    assert found is not None and found.text == rule


@pytest.mark.parametrize(
    ("ip", "name"), [("192.0.2.1", None), ("2001:db8::1", "domain.example"), ("192.0.2.1", "x")]
)
def test_no_rule_fits_others(ip: str, name: str | None) -> None:
    assert client_access(MEMO, ip_address(ip), name) is None
    assert client_access(MEMO, None, None) is None, "a unix socket has no address"


def test_a_star_fits_everybody() -> None:
    assert client_access([parse_client_rule("later *")], None, None)
    assert path_access([parse_path_rule("refuse *")], parse_mailbox("a@b.example"))


@pytest.mark.parametrize(
    ("rule", "address", "fits"),
    [
        ("refuse foo@domain.example", "FOO@Domain.Example", True),  # RFC 2505 2: without regard to case
        ("refuse foo@domain.example", "bar@domain.example", False),
        ("later domain.example", "any@domain.example", True),
        ("later domain.example", "any@sub.domain.example", False),
        ("later .domain.example", "any@sub.domain.example", True),
        ("later .domain.example", "any@domain.example", False),
        ("refuse bücher.example", "any@xn--bcher-kva.example", True),
    ],
)
def test_reverse_paths_are_known_by_address_or_domain(rule: str, address: str, fits: bool) -> None:
    assert (path_access([parse_path_rule(rule)], parse_mailbox(address)) is not None) is fits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "refuse",
        "deny 10.0.0.0/8",
        "refuse *.domain.example",
        "refuse a b",
        "accept 10.0.0.1/8",
        "refuse a@",
    ],
)
def test_anything_else_is_no_rule(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_client_rule(text)


@given(st.text(max_size=30))
def test_nothing_else_escapes(text: str) -> None:
    for parse in (parse_client_rule, parse_path_rule):
        with contextlib.suppress(BadSyntax):
            parse("refuse " + text)


def asked(asks: Any, zone: Zone) -> Any:
    try:
        question: DnsQuestion = next(asks)
        while True:
            question = asks.send(zone.look_up(question))
    except StopIteration as done:
        return done.value


ZONE = """
    7.2.0.192.in-addr.arpa.  PTR liar.example.
    7.2.0.192.in-addr.arpa.  PTR mx.example.org.
    mx.example.org.          A 192.0.2.7
    liar.example.            A 192.0.2.99
    8.2.0.192.in-addr.arpa.  PTR liar.example.
    mx.example.org.          AAAA 2001:db8::7
    7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR mx.example.org.
    mail.example.            MX 10 mx.example.org.
    null.example.            MX 0 .
    host.example.            AAAA 2001:db8::9
    text.example.            TXT "no mail here"
"""


@pytest.mark.parametrize("ip", ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7"])
def test_a_name_counts_when_it_leads_back(ip: str) -> None:
    assert asked(client_name(ip_address(ip)), Zone.parse(ZONE)) == ClientName("mx.example.org")


@pytest.mark.parametrize("ip", ["192.0.2.8", "192.0.2.9"])
def test_others_have_none(ip: str) -> None:
    assert asked(client_name(ip_address(ip)), Zone.parse(ZONE)) == ClientName(None)


def test_trouble_is_no_answer() -> None:
    zone = Zone.parse(ZONE)
    zone.trouble("liar.example")
    assert asked(client_name(ip_address("192.0.2.8")), zone) == ClientName(None, is_trouble=True)
    zone.trouble("9.2.0.192.in-addr.arpa")
    assert asked(client_name(ip_address("192.0.2.9")), zone) == ClientName(None, is_trouble=True)


@pytest.mark.parametrize(
    ("domain", "status"),
    [
        ("mail.example", DnsStatus.FOUND),
        ("null.example", DnsStatus.FOUND),
        ("host.example", DnsStatus.FOUND),
        ("text.example", DnsStatus.NO_DATA),
        ("nowhere.example", DnsStatus.NO_NAME),
    ],
)
def test_a_domain_takes_mail_by_its_mx_or_its_address(domain: str, status: DnsStatus) -> None:
    # RFC 2505 2.9
    assert asked(domain_takes_mail(domain), Zone.parse(ZONE)).status is status
