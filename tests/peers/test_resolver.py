"""A real resolver: unbound says what the zone says, and Postel routes by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dns_peers import unbound
from loopback import free_port, own_address
from postel_process import PostelProcess

from postel.asks import DnsQuestion, DnsStatus, MxRecord, RecordType
from postel.dns import CachingResolver, SystemResolver
from postel.net import Endpoint, SystemClock, TcpNetwork
from postel.testing import Zone
from postel.testing.journey import ZONE

pytestmark = [pytest.mark.peer, pytest.mark.slow]

MORE = f"""
pluto.free.org.       A 192.0.2.1
                      A 192.0.2.3
                      AAAA 2001:db8::1
relay.reliable.com.   A 192.0.2.2
alias.net.            CNAME other.net.
other.net.            CNAME free.org.
null.net.             MX 0 .
long.net.             TXT "v=spf1 -all"
{"".join(f"big.net. TXT {number}{'x' * 200}{chr(10)}" for number in range(100))}
_25._tcp.pluto.free.org. TLSA 3 1 1 {"ab" * 32}
2.2.0.192.in-addr.arpa. PTR relay.reliable.com.
"""

QUESTIONS = [
    ("free.org", "MX"),
    ("drag.net", "MX"),
    ("pluto.free.org", "A"),
    ("pluto.free.org", "AAAA"),
    ("relay.reliable.com", "AAAA"),
    ("alias.net", "MX"),
    ("alias.net", "CNAME"),
    ("null.net", "MX"),
    ("long.net", "TXT"),
    ("big.net", "TXT"),
    ("nowhere.net", "MX"),
    ("deeper.nowhere.net", "A"),
    ("_25._tcp.pluto.free.org", "TLSA"),
    ("2.2.0.192.in-addr.arpa", "PTR"),
]


@pytest.fixture(scope="module")
def name_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    address = own_address()
    with unbound(tmp_path_factory.mktemp("unbound"), ZONE + MORE, address, free_port(address)) as endpoint:
        yield endpoint


@pytest.mark.real_time
@pytest.mark.parametrize(("name", "kind"), QUESTIONS)
async def test_unbound_and_the_zone_in_memory_agree(name_server: Endpoint, name: str, kind: str) -> None:
    question = DnsQuestion(name, RecordType(kind))
    found = await SystemResolver([name_server], network=TcpNetwork()).ask(question)
    wanted = await Zone.parse(ZONE + MORE).ask(question)
    assert found.status is wanted.status
    assert sorted(map(repr, found.records)) == sorted(map(repr, wanted.records))
    assert found.canonical == wanted.canonical
    assert not found.is_authentic, "nobody has validated anything"


@pytest.mark.real_time
async def test_the_cache_asks_unbound_once(name_server: Endpoint) -> None:
    resolver = CachingResolver(SystemResolver([name_server], network=TcpNetwork()), SystemClock())
    question = DnsQuestion("free.org", RecordType.MX)
    first, second = await resolver.ask(question), await resolver.ask(question)
    assert first == second
    assert first.status is DnsStatus.FOUND
    assert set(first.records) == {MxRecord(10, "pluto.free.org"), MxRecord(20, "relay.reliable.com")}


@pytest.mark.real_time
async def test_a_name_that_unbound_refuses_to_resolve_is_trouble_not_absence(name_server: Endpoint) -> None:
    answer = await SystemResolver([name_server], network=TcpNetwork()).ask(
        DnsQuestion("refused.invalid", RecordType.MX)
    )
    assert answer.status is DnsStatus.TROUBLE


CONFIG = """
hostname = "mail.drag.net"

[[domain]]
name = "drag.net"

[dns]
servers = ["{name_server}"]
"""


def test_postel_explains_the_way_that_unbound_tells(name_server: Endpoint, tmp_path: Path) -> None:
    postel = PostelProcess(tmp_path, CONFIG.format(name_server=name_server))
    said = postel.command("explain", "kitt@free.org", "--login")
    places = [said.index(hop) for hop in ("pluto.free.org", "relay.reliable.com")]
    assert places == sorted(places)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"):
        assert address in said
    assert "5.1.10" in postel.command("explain", "kitt@null.net", "--login")
    assert "5.1.2" in postel.command("explain", "kitt@nowhere.net", "--login")
