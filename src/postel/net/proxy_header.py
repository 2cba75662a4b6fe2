"""The header of the PROXY protocol: who a connection really comes from, as a trusted proxy says.

Implements  The PROXY protocol, versions 1 and 2 (HAProxy, proxy-protocol.txt 2.1 and 2.2).
Gives       parse_proxy_header, ProxyHeader, BadProxyHeader, HEADER_LIMIT.
Not here    Whom to believe: servers.proxied. Reading it from a stream: net.proxied_stream.

    version 1   PROXY TCP4 192.0.2.7 198.51.100.1 50123 25 CRLF
    version 2   12 octets of signature, version and command, family and transport, length, addresses, TLVs
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from types import MappingProxyType
from typing import Final, TypeAlias

from postel.net.endpoint import Endpoint

_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"  # 2.2: the first twelve octets of version 2
_FIXED: Final = 16  # octets of version 2 before its addresses
_LINE_LIMIT: Final = 107  # 2.1: the longest line of version 1, CRLF included
_BODY_LIMIT: Final = 4096  # ours: addresses and TLVs; 2.2 asks senders to stay below 520 octets
HEADER_LIMIT: Final = _FIXED + _BODY_LIMIT

_PORT: Final = re.compile(r"0|[1-9][0-9]{0,4}")


class BadProxyHeader(Exception):
    """What came is no PROXY header that we take. Its text says why, in a few words."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """A whole header.

    size            its octets: what comes after them is the client's own.
    source          the client; None: the proxy speaks for itself (a health check), or does not know.
    destination     the endpoint that the client had connected to; None likewise.
    """

    size: int
    source: Endpoint | None = None
    destination: Endpoint | None = None


def parse_proxy_header(data: bytes) -> ProxyHeader | None:
    """Parse what a connection begins with; None while it may become a header. Raises BadProxyHeader.

    No more than HEADER_LIMIT octets are ever asked for.
    """
    if _SIGNATURE.startswith(data[: len(_SIGNATURE)]):
        return _version_2(data)
    if b"PROXY ".startswith(data[:6]):
        return _version_1(data)
    raise BadProxyHeader("it does not begin with a PROXY header")


def _version_1(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, _LINE_LIMIT)
    if end < 0:
        if len(data) >= _LINE_LIMIT:
            raise BadProxyHeader("the line of version 1 is too long")
        return None
    try:
        words = data[:end].decode("ascii").split(" ")
    except UnicodeDecodeError:
        raise BadProxyHeader("the line of version 1 is not ASCII") from None
    match words:
        case ["PROXY", "UNKNOWN", *_]:  # 2.1: whatever follows is not looked at
            return ProxyHeader(end + 2)
        case ["PROXY", "TCP4" | "TCP6" as family, source, destination, source_port, destination_port]:
            make = IPv4Address if family == "TCP4" else IPv6Address
            return ProxyHeader(
                end + 2, _text_end(make, source, source_port), _text_end(make, destination, destination_port)
            )
        case _:
            raise BadProxyHeader("the line of version 1 is none that we know")


_MakeAddress: TypeAlias = Callable[[str], IPv4Address] | Callable[[str], IPv6Address]


def _text_end(make: _MakeAddress, address: str, port: str) -> Endpoint:
    if not _PORT.fullmatch(port) or int(port) > 65535:
        raise BadProxyHeader("a port of version 1 is no port")
    try:
        made = make(address)
    except AddressValueError:
        raise BadProxyHeader("an address of version 1 is no address of its family") from None
    if "%" in address:
        raise BadProxyHeader("an address of version 1 has a scope")
    return _endpoint(made, int(port))


def _version_2(data: bytes) -> ProxyHeader | None:
    if len(data) < _FIXED:
        return None
    if data[12] >> 4 != 2:
        raise BadProxyHeader("the version is neither 1 nor 2")
    length = int.from_bytes(data[14:16], "big")
    if length > _BODY_LIMIT:
        raise BadProxyHeader("the header of version 2 is too long")
    if len(data) < _FIXED + length:
        return None
    command, body = data[12] & 0x0F, data[_FIXED : _FIXED + length]
    match command:
        case 0:  # LOCAL, 2.2: a connection of the proxy's own; addresses are not looked at
            return ProxyHeader(_FIXED + length)
        case 1:
            return _proxied(_FIXED + length, data[13], body)
        case _:
            raise BadProxyHeader("the command is neither LOCAL nor PROXY")


def _proxied(size: int, family: int, body: bytes) -> ProxyHeader:
    if family == 0x00:  # UNSPEC, 2.2: the client is not known, and the connection is taken as it is
        return ProxyHeader(size)
    layout = _FAMILIES.get(family)
    if layout is None:
        raise BadProxyHeader("the family is none of a stream's")
    octets, read = layout
    if len(body) < octets:
        raise BadProxyHeader("the addresses are cut off")
    source, destination = read(body[:octets])  # the TLVs behind them tell us nothing that we use
    return ProxyHeader(size, source, destination)


def _inet(body: bytes) -> tuple[Endpoint, Endpoint]:
    ports = int.from_bytes(body[8:10], "big"), int.from_bytes(body[10:12], "big")
    return _endpoint(IPv4Address(body[:4]), ports[0]), _endpoint(IPv4Address(body[4:8]), ports[1])


def _inet6(body: bytes) -> tuple[Endpoint, Endpoint]:
    ports = int.from_bytes(body[32:34], "big"), int.from_bytes(body[34:36], "big")
    return _endpoint(IPv6Address(body[:16]), ports[0]), _endpoint(IPv6Address(body[16:32]), ports[1])


def _unix(body: bytes) -> tuple[Endpoint, Endpoint]:
    return _socket_path(body[:108]), _socket_path(body[108:])


def _endpoint(address: IPv4Address | IPv6Address, port: int) -> Endpoint:
    """An IPv4 client of a dual-stack proxy is given by its IPv4 address, as everywhere here."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return Endpoint(str(mapped or address), port)


def _socket_path(octets: bytes) -> Endpoint:
    """A path that could be taken for an address, or holds what no log should, is no name."""
    path = octets.partition(b"\0")[0].decode("ascii", "replace")
    return Endpoint(path if path.startswith("/") and path.isprintable() and path.isascii() else "")


# Family and transport: how many octets of addresses, and how they are read. Datagrams (0x12, 0x22, 0x32) carry no mail.
_FAMILIES: Final[Mapping[int, tuple[int, Callable[[bytes], tuple[Endpoint, Endpoint]]]]] = MappingProxyType(
    {0x11: (12, _inet), 0x21: (36, _inet6), 0x31: (216, _unix)}
)
