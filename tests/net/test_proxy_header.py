"""The header of the PROXY protocol: what is read, what is waited for, what is refused."""

from __future__ import annotations

import contextlib
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.net import BadProxyHeader, Endpoint, ProxyHeader, parse_proxy_header
from postel.net.proxy_header import HEADER_LIMIT

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
CLIENT, SERVER = Endpoint("192.0.2.7", 50123), Endpoint("198.51.100.1", 25)
INET = IPv4Address("192.0.2.7").packed + IPv4Address("198.51.100.1").packed + b"\xc3\xcb\x00\x19"


def version_2(body: bytes = INET, *, command: int = 0x21, family: int = 0x11) -> bytes:
    return SIGNATURE + bytes([command, family]) + len(body).to_bytes(2, "big") + body


LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 50123 25\r\n"


@pytest.mark.parametrize("header", [LINE, version_2(), version_2(INET + b"\x03\x00\x04abcd" * 20)])
def test_both_versions_name_the_client_and_leave_alone_what_follows(header: bytes) -> None:
    found = parse_proxy_header(header + b"EHLO client.example\r\n")
    assert found == ProxyHeader(len(header), CLIENT, SERVER)


def test_ipv6_clients_are_named_in_both_versions() -> None:
    ends = Endpoint("2001:db8::7", 1), Endpoint("2001:db8::25", 65535)
    line = b"PROXY TCP6 2001:db8::7 2001:0db8::0025 1 65535\r\n"
    body = IPv6Address("2001:db8::7").packed + IPv6Address("2001:db8::25").packed + b"\x00\x01\xff\xff"
    for header in (line, version_2(body, family=0x21)):
        assert parse_proxy_header(header) == ProxyHeader(len(header), *ends)


def test_an_ipv4_client_of_a_dual_stack_proxy_counts_as_ipv4() -> None:
    found = parse_proxy_header(b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 50123 25\r\n")
    assert found is not None and (found.source, found.destination) == (CLIENT, SERVER)


def test_clients_by_unix_sockets_are_named_by_their_paths() -> None:
    body = b"/run/client".ljust(108, b"\0") + b"/run/mail\n".ljust(108, b"\0")
    found = parse_proxy_header(version_2(body, family=0x31))
    assert found is not None and found.source == Endpoint("/run/client") and found.destination == Endpoint("")


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n",
        version_2(b"", command=0x20, family=0),
        version_2(INET, command=0x20),  # a health check may have addresses; they are not looked at
        version_2(b"", family=0),
        version_2(b"anything", family=0),
    ],
)
def test_a_header_may_name_nobody(header: bytes) -> None:
    assert parse_proxy_header(header + b"QUIT\r\n") == ProxyHeader(len(header))


@pytest.mark.parametrize("header", [LINE, version_2(), version_2(INET + b"\x04" * 4000)])
def test_a_header_is_waited_for_octet_by_octet(header: bytes) -> None:
    for cut in range(len(header)):
        assert parse_proxy_header(header[:cut]) is None


@pytest.mark.parametrize(
    "data",
    [
        b"EHLO client.example\r\n",
        b"\x16\x03\x01\x02\x00",
        b"\r\n\r\n\x00\r\nQUIX",
        b"proxy TCP4 192.0.2.7 198.51.100.1 50123 25\r\n",
        b"PROXY TCP5 192.0.2.7 198.51.100.1 50123 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 50123\r\n",
        b"PROXY TCP4  192.0.2.7 198.51.100.1 50123 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 50123 25 \r\n",
        b"PROXY TCP4 192.0.2.07 198.51.100.1 50123 25\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::25 50123 25\r\n",
        b"PROXY TCP6 192.0.2.7 198.51.100.1 50123 25\r\n",
        b"PROXY TCP6 fe80::1%eth0 fe80::2 50123 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 -1 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 025 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 50123 25\n" + b"x" * 107,
        "PROXY TCP4 192.0.2.7 198.51.100.1 ٥ 25\r\n".encode(),
        b"PROXY UNKNOWN " + b"x" * 100 + b"\r\n",
        version_2(command=0x11),
        version_2(command=0x22),
        version_2(family=0x12),  # datagrams
        version_2(family=0x41),
        version_2(INET[:11]),
        version_2(INET, family=0x21),
        version_2(INET, family=0x31),
        SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
def test_anything_else_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(BadProxyHeader):
        parse_proxy_header(data)


@given(st.ip_addresses(), st.integers(0, 65535))
def test_any_client_survives_version_1(ip: IPv4Address | IPv6Address, port: int) -> None:
    there = IPv4Address("192.0.2.1") if ip.version == 4 else IPv6Address("2001:db8::1")
    found = parse_proxy_header(f"PROXY TCP{ip.version} {ip} {there} {port} 25\r\n".encode())
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    assert found is not None and found.source == Endpoint(str(mapped or ip), port)


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(SIGNATURE.__add__)))
def test_nothing_else_escapes_and_no_more_is_asked_for_than_the_limit(data: bytes) -> None:
    with contextlib.suppress(BadProxyHeader):
        found = parse_proxy_header(data)
        assert found is None or found.size <= len(data)
        for end in (found.source, found.destination) if found else ():
            assert end is None or end.is_unix or ip_address(end.host)
    with contextlib.suppress(BadProxyHeader):
        assert parse_proxy_header(data.ljust(HEADER_LIMIT, b"\0")) is not None
