"""The addresses of this host's interfaces.

Gives       own_addresses.

Linux tells them through an ioctl (IPv4) and a file (IPv6). Elsewhere, what the host's own name resolves to
has to do, so there `hostname` should be in /etc/hosts or the DNS.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final

from postel.mail import IPAddress

_LOOPBACK: Final = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
_IF_INET6: Final = Path("/proc/net/if_inet6")
_SIOCGIFCONF: Final = 0x8912  # netdevice(7)
_IFREQ_SIZE: Final = 16 + 24  # struct ifreq: a name, and a union as long as struct ifmap
_INTERFACE_LIMIT: Final = 4096  # addresses asked for


def own_addresses(ipv6_table: Path = _IF_INET6) -> frozenset[IPAddress]:
    """All addresses of this host, loopback included. Never raises.

    ipv6_table      the file in which Linux lists IPv6 addresses.
    """
    found: set[IPAddress] = set(_LOOPBACK)
    if ipv6_table.parent.is_dir():
        found.update(_linux_ipv4())
        found.update(_linux_ipv6(ipv6_table))
    else:
        found.update(_by_name())
    return frozenset(found)


def _linux_ipv4() -> Iterator[IPv4Address]:
    room = array.array("B", bytes(_INTERFACE_LIMIT * _IFREQ_SIZE))
    request = struct.pack("iL", len(room), room.buffer_info()[0])
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        filled = struct.unpack("iL", fcntl.ioctl(any_socket.fileno(), _SIOCGIFCONF, request))[0]
        for start in range(0, filled, _IFREQ_SIZE):
            # name[16], then sockaddr_in: family[2] port[2] address[4]
            yield IPv4Address(room[start + 20 : start + 24].tobytes())


def _linux_ipv6(table: Path) -> Iterator[IPv6Address]:
    with contextlib.suppress(OSError):
        for line in table.read_text().splitlines():
            yield IPv6Address(int(line.split()[0], 16))


def _by_name() -> Iterator[IPAddress]:
    with contextlib.suppress(OSError):
        for *_, address in socket.getaddrinfo(socket.gethostname(), None):
            yield ip_address(str(address[0]).partition("%")[0])
