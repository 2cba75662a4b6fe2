"""The stub resolver and the test kit's DNS server over real UDP and TCP."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address

import pytest

from postel.asks import DnsQuestion, DnsStatus, RecordType
from postel.dns import BadReply, Forged, Reply, SystemResolver, UdpDatagrams
from postel.net import DialFailed, Endpoint, TcpNetwork, TimedOut
from postel.testing import DnsServer, Zone

pytestmark = [pytest.mark.slow, pytest.mark.real_time]

ZONE = """
free.org.      A 192.0.2.7
www.free.org.  CNAME free.org.
big.org.       TXT "{0}"
               TXT "{0}2"
               TXT "{0}3"
               TXT "{0}4"
               TXT "{0}5"
               TXT "{0}6"
""".format("x" * 250)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_answers_come_over_udp_and_tcp(host: str) -> None:
    network, zone = TcpNetwork(), Zone.parse(ZONE)
    zone.trouble("broken.org")
    server = await DnsServer.start(zone, network, Endpoint(host, 0))
    stub = SystemResolver([server.endpoint], network=network)
    for name, kind, status in [
        ("www.free.org", RecordType.A, DnsStatus.FOUND),
        ("free.org", RecordType.MX, DnsStatus.NO_DATA),
        ("nowhere.org", RecordType.MX, DnsStatus.NO_NAME),
        ("broken.org", RecordType.MX, DnsStatus.TROUBLE),
        ("big.org", RecordType.TXT, DnsStatus.FOUND),
    ]:
        answer = await stub.ask(DnsQuestion(name, kind))
        assert answer.status is status, answer
    assert len(answer.records) == 6
    await server.close()
    answer = await stub.ask(DnsQuestion("free.org", RecordType.A))
    assert answer.status is DnsStatus.TROUBLE and "refused" in answer.note


async def test_a_taken_udp_port_is_an_error() -> None:
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", 0))
    with pytest.raises(OSError, match="in use"):
        await DnsServer.start(Zone(), TcpNetwork(), Endpoint(*taken.getsockname()))
    taken.close()


async def test_many_questions_at_once() -> None:
    network = TcpNetwork()
    server = await DnsServer.start(Zone.parse(ZONE), network, Endpoint("127.0.0.1", 0))
    stub = SystemResolver([server.endpoint], network=network)
    question = DnsQuestion("free.org", RecordType.A)
    answers = await asyncio.gather(*(stub.ask(question) for _ in range(300)))
    assert {answer.records for answer in answers} == {(ip_address("192.0.2.7"),)}
    await server.close()


def never(wire: bytes) -> Reply:
    raise BadReply("not this one")


class Parrot(asyncio.DatagramProtocol):
    """Sends every datagram back many times."""

    def __init__(self, times: int) -> None:
        self._times = times

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        for _ in range(self._times):
            self._transport.sendto(data, addr)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("times", "fault"), [(40, Forged), (3, TimedOut)])
async def test_wrong_replies_are_waited_out_but_not_for_ever(times: int, fault: type[Exception]) -> None:
    loop = asyncio.get_running_loop()
    parrot, _ = await loop.create_datagram_endpoint(lambda: Parrot(times), local_addr=("127.0.0.1", 0))
    at = Endpoint(*parrot.get_extra_info("sockname"))
    with pytest.raises(fault):
        await UdpDatagrams().ask(at, b"hello", never, 0.2)
    parrot.close()


async def test_a_family_that_is_not_there_is_no_crash() -> None:
    with pytest.raises((DialFailed, TimedOut)):
        await UdpDatagrams().ask(Endpoint("255.255.255.255", 53), b"x", never, 0.1)
