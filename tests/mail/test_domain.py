from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import AddressLiteral, BadSyntax, Domain, parse_domain, parse_host


def test_domains_are_equal_whatever_their_case_and_script() -> None:
    assert parse_domain("EXAMPLE.org.") == parse_domain("example.ORG")
    assert parse_domain("bücher.example") == parse_domain("XN--BCHER-KVA.example")


def test_a_domain_keeps_the_text_it_was_written_in() -> None:
    assert str(parse_domain("Example.ORG.")) == "Example.ORG"
    assert not parse_domain("bücher.example").is_ascii


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a..b",
        "-a.b",
        "a-.b",
        "a_b.c",
        "a b",
        "a.b\r\n",
        "a" * 64 + ".b",
        "a." * 128 + "b",
        "10.0.0.1",
        "é" * 300,
        "ü..b",
    ],
)
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_domain(text)


@pytest.mark.parametrize("text", ["[192.0.2.1]", "[IPv6:2001:db8::1]", "[ipv6:::1]"])
def test_address_literals_are_hosts(text: str) -> None:
    host = parse_host(text)
    assert isinstance(host, AddressLiteral)
    assert host.ascii.casefold() == text.casefold()


@pytest.mark.parametrize(
    "text",
    ["[]", "[192.0.2.1", "[192.0.2]", "[2001:db8::1]", "[IPv6:1.2.3.4]", "[IPv6:fe80::1%eth0]", "[x:1]"],
)
def test_what_is_no_address_literal_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_host(text)


@given(st.ip_addresses())
def test_a_literal_reads_back_as_itself(address: object) -> None:
    literal = AddressLiteral(ip_address(str(address)))
    if "%" not in str(address):
        assert parse_host(str(literal)) == literal


@given(st.text(max_size=300))
def test_any_text_is_a_domain_or_bad_syntax(text: str) -> None:
    try:
        domain = parse_domain(text)
    except BadSyntax:
        return
    assert isinstance(domain, Domain)
    assert parse_domain(domain.ascii) == domain


@pytest.mark.parametrize(
    "text", ["１２７.０.０.１", "ü.１", "ü.1", "192.0.2.１", "\u2460.\u2461.\u2462.\u2463"]
)
def test_an_address_in_digits_of_another_script_is_no_domain(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_domain(text)


@pytest.mark.parametrize("text", ["bücher.example。", "bücher．example｡", "bücher.example."])
def test_the_last_dot_goes_in_every_script(text: str) -> None:
    domain = parse_domain(text)
    assert domain == parse_domain("bücher.example")
    assert domain.ascii == "xn--bcher-kva.example"
    assert not domain.text.endswith((".", "。", "｡"))
