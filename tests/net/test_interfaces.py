"""Which addresses are ours."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from pathlib import Path

import pytest

from postel.net import interfaces


def test_loopback_is_always_ours() -> None:
    assert {ip_address("127.0.0.1"), ip_address("::1")} <= interfaces.own_addresses()


def test_an_address_that_a_socket_can_be_bound_to_is_ours() -> None:
    assert all(ip.version in (4, 6) and not ip.is_multicast for ip in interfaces.own_addresses())


def test_ipv6_addresses_are_read_from_the_kernels_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "if_inet6"
    table.write_text("20010db8000000000000000000000007 02 40 00 80     eth0\n")
    assert ip_address("2001:db8::7") in interfaces.own_addresses(table)


def test_elsewhere_the_name_of_the_host_has_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(0, 0, 0, "", ("192.0.2.9", 0)), (0, 0, 0, "", ("fe80::9%eth0", 0, 0, 2))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
    assert {ip_address("192.0.2.9"), ip_address("fe80::9")} <= interfaces.own_addresses(
        tmp_path / "missing" / "if_inet6"
    )
