"""Endpoints as text."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.mail import BadSyntax
from postel.net import Endpoint, parse_endpoint
from postel.net.sockets import endpoint_of


@pytest.mark.parametrize(
    "text", ["127.0.0.1:25", "[::1]:25", "unix:/run/postel/lmtp", "0.0.0.0:0", "[::]:65535"]
)
def test_an_endpoint_reads_as_it_was_written(text: str) -> None:
    assert str(parse_endpoint(text)) == text


def test_an_ipv6_address_is_made_canonical() -> None:
    assert parse_endpoint("[2001:DB8:0::1]:25") == Endpoint("2001:db8::1", 25)


def test_a_unix_endpoint_has_no_address() -> None:
    endpoint = parse_endpoint("unix:/run/x")
    assert endpoint.is_unix and endpoint.ip is None and not Endpoint("::1", 25).is_unix


@pytest.mark.parametrize(
    "text",
    ["", "25", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:٢٥", "::1:25", "[::1]",
     "[::1]25", "[127.0.0.1]:25", "localhost:25", "unix:", "unix:relative", "unix:/a\0b", "127.0.0.1:-1",
     "127.0.0.1:000025"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadSyntax):
        parse_endpoint(text)


@given(st.ip_addresses(), st.integers(0, 65535))
def test_any_endpoint_survives_its_text(ip: object, port: int) -> None:
    endpoint = Endpoint(str(ip), port)
    assert parse_endpoint(str(endpoint)) == endpoint


@given(st.text(max_size=30))
def test_parsing_raises_nothing_else(text: str) -> None:
    with contextlib.suppress(BadSyntax):
        parse_endpoint(text)


def test_the_kernels_addresses_are_read() -> None:
    assert endpoint_of(("::ffff:192.0.2.1", 25, 0, 0)) == Endpoint("192.0.2.1", 25)
    assert endpoint_of(("fe80::1%eth0", 25, 0, 2)).port == 25
    assert endpoint_of(b"\0abstract") == Endpoint("\0abstract")
    assert endpoint_of("") == endpoint_of(None) == Endpoint("")
