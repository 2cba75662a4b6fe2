"""A DNS server that serves a Zone over real UDP and TCP, for tests and for trying things out.

Implements  RFC 1035 4, RFC 2308 2 (negative answers with a SOA), RFC 6891 6.2 (payload sizes).
Gives       DnsServer, respond.
Not here    The records (testing.zone).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final, cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from postel.asks import DnsStatus
from postel.dns import to_name
from postel.net import ConnectionLost, Endpoint, Listener, Network, Stream, TimedOut
from postel.testing.zone import Zone

_TTL_S: Final = 60
_CHAIN_LIMIT: Final = 8
_PLAIN_PAYLOAD: Final = 512  # octets: RFC 1035 4.2.1
_TCP_LIMIT: Final = 65535  # octets: RFC 1035 4.2.2
_IDLE_LIMIT_S: Final = 10.0  # a TCP client that asks nothing is closed
_SOA: Final = f"ns.invalid. hostmaster.invalid. 1 3600 600 86400 {_TTL_S}"


def respond(zone: Zone, query: bytes, *, over_udp: bool = False) -> bytes | None:
    """The reply of a server that has `zone` for its whole world; None to octets that are no question."""
    try:
        asked = dns.message.from_wire(query)
        response = dns.message.make_response(asked, recursion_available=True)
    except (dns.exception.DNSException, ValueError):
        return None
    if len(asked.question) != 1 or asked.question[0].rdclass != dns.rdataclass.IN:
        response.set_rcode(dns.rcode.FORMERR)
    else:
        response.set_rcode(_fill(zone, response))
    return _to_wire(response, asked, over_udp=over_udp)


def _fill(zone: Zone, response: dns.message.Message) -> dns.rcode.Rcode:
    """Put the answer into the response, CNAMEs followed."""
    question = response.question[0]
    name, wanted = to_name(question.name) or "", dns.rdatatype.to_text(question.rdtype)
    for _ in range(_CHAIN_LIMIT):
        if zone.is_troubled(name):
            response.answer.clear()
            return dns.rcode.SERVFAIL
        if _add(zone, response, name, wanted):
            return dns.rcode.NOERROR
        if not _add(zone, response, name, "CNAME"):
            break
        name = to_name(response.answer[-1][0].target) or ""
    response.authority.append(dns.rrset.from_text(".", _TTL_S, "IN", "SOA", _SOA))
    return dns.rcode.NXDOMAIN if zone.status_of(name) is DnsStatus.NO_NAME else dns.rcode.NOERROR


def _add(zone: Zone, response: dns.message.Message, name: str, wanted: str) -> bool:
    rdatas = zone.rdatas(name, wanted)
    if rdatas:
        response.answer.append(dns.rrset.from_rdata_list(name + ".", _TTL_S, rdatas))
    return bool(rdatas)


def _to_wire(response: dns.message.Message, asked: dns.message.Message, *, over_udp: bool) -> bytes:
    wire = response.to_wire(max_size=_TCP_LIMIT)
    room = max(asked.payload, _PLAIN_PAYLOAD) if over_udp else _TCP_LIMIT
    if len(wire) <= room:
        return wire
    response.answer.clear()
    response.authority.clear()
    response.flags |= dns.flags.TC
    return response.to_wire()


class DnsServer:
    """Serves a zone until it is closed. The zone may be changed meanwhile.

    endpoint    where it is, for UDP and TCP alike.
    """

    def __init__(self, endpoint: Endpoint, listener: Listener, datagrams: asyncio.DatagramTransport) -> None:
        self.endpoint = endpoint
        self._listener = listener
        self._datagrams = datagrams

    @classmethod
    async def start(cls, zone: Zone, network: Network, at: Endpoint) -> DnsServer:
        """Serve `zone` at an IP endpoint; port 0 is any free one. Raises OSError."""

        async def serve(stream: Stream) -> None:
            await _serve(stream, zone)

        listener = await network.listen(at, serve)
        endpoint = listener.endpoint
        try:
            datagrams, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Datagrams(zone), local_addr=(endpoint.host, endpoint.port)
            )
        except OSError:
            await listener.close()
            raise
        return cls(endpoint, listener, datagrams)

    async def close(self) -> None:
        """Stop serving."""
        self._datagrams.close()
        await self._listener.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        reply = respond(self._zone, data, over_udp=True)
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)


async def _serve(stream: Stream, zone: Zone) -> None:
    """Answer question after question on one TCP connection (RFC 7766 6.2.1)."""
    buffer = b""
    with contextlib.suppress(TimedOut, ConnectionLost):
        while data := await stream.read(_IDLE_LIMIT_S):
            buffer += data
            while len(buffer) >= 2 and len(buffer) >= (end := 2 + int.from_bytes(buffer[:2], "big")):
                reply = respond(zone, buffer[2:end])
                buffer = buffer[end:]
                if reply is None:
                    return
                await stream.write(len(reply).to_bytes(2, "big") + reply)
