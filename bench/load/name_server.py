"""A name server for destinations that live and that do not, by the last two labels of a name. A process of its own.

    living.example    a host that takes mail
    probe.example     another one
    refused.example   a host where nothing listens
    silent.example    a host that never answers

There are no MX records: the host is that of the domain itself (RFC 5321 5.1).
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Final, cast

import dns.exception
import dns.message
import dns.rdatatype
import dns.rrset

ADDRESSES: Final = {
    "living.example": "127.0.0.5",
    "probe.example": "127.0.0.4",
    "refused.example": "127.0.0.2",
    "silent.example": "127.0.0.3",
}
_TTL_S: Final = 3600
_SOA: Final = f"ns.example. hostmaster.example. 1 3600 600 86400 {_TTL_S}"


def answer(query: bytes) -> bytes | None:
    """The reply; None to octets that are no question."""
    try:
        asked = dns.message.from_wire(query)
    except dns.exception.DNSException:
        return None
    response = dns.message.make_response(asked, recursion_available=True)
    name = asked.question[0].name
    address = ADDRESSES.get(".".join(label.decode() for label in name.labels[-3:-1]))
    if address and asked.question[0].rdtype == dns.rdatatype.A:
        response.answer.append(dns.rrset.from_text(name, _TTL_S, "IN", "A", address))
    else:
        response.authority.append(dns.rrset.from_text(".", _TTL_S, "IN", "SOA", _SOA))
    return response.to_wire()


class _Server(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if reply := answer(data):
            self._transport.sendto(reply, addr)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(_Server, ("127.0.0.1", 0))
    print(transport.get_extra_info("sockname")[1], flush=True)
    ended = asyncio.Event()
    loop.add_reader(0, ended.set)
    await ended.wait()


class NameServer:
    """The process; a context manager."""

    def __enter__(self) -> NameServer:
        command = [sys.executable, "-m", "bench.load.name_server"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


if __name__ == "__main__":
    asyncio.run(_serve())
