"""How many may come in: connections in all, and from one address.

Implements  RFC 5321 3.8 (421: the service is not available, and the connection closes), 7.8 (flooding).
Gives       Admission, AdmissionOptions, Away.
Not here    Whether a peer may relay or log in: servers.smtpd_policy. Guessing passwords: directory.

One Admission is shared by all listeners of a process, so that a flood on one port counts on all.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

from postel.mail import IPAddress
from postel.net import Endpoint
from postel.routing import IPNetwork

# An IPv6 customer is given a /64 at the least (RFC 6177 2), so one machine may have 2^64 addresses.
_IPV6_PREFIX_SHIFT: Final = 64


class Away(enum.StrEnum):
    """Why a connection is turned away at the door."""

    SHUTTING_DOWN = "shutting down"
    TOO_BUSY = "too many connections"
    TOO_MANY_FROM_YOU = "too many connections from this address"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionOptions:
    """Limits of connections.

    connections               open at a time, over all listeners.
    connections_per_address   open at a time from one IPv4 address or one IPv6 /64.
    exempt                    networks that the limit for one address does not hold for; loopback is not
                              one of them unless named.
    partings                  turned away at a time with a word; who comes beyond that is cut off without one,
                              or a flood of those who are turned away would take what the others were spared.
    """

    connections: int = 10_000
    connections_per_address: int = 100
    exempt: Collection[IPNetwork] = ()
    partings: int = 100


class Admission:
    """Counts the connections that are open."""

    def __init__(self, options: AdmissionOptions) -> None:
        self.options = options
        self._total = 0
        self._by_source: dict[IPAddress | int | None, int] = {}
        self._partings = 0

    @property
    def total(self) -> int:
        """Connections open now."""
        return self._total

    def enter(self, peer: Endpoint) -> Away | None:
        """Count a connection in. Why it is turned away, when there are too many: then it is not counted, and `leave`
        is not called for it.
        """
        if self._total >= self.options.connections:
            return Away.TOO_BUSY
        source = _source(peer)
        here = self._by_source.get(source, 0)
        if here >= self.options.connections_per_address and not self._is_exempt(peer):
            return Away.TOO_MANY_FROM_YOU
        self._total += 1
        self._by_source[source] = here + 1
        return None

    def leave(self, peer: Endpoint) -> None:
        """Count a connection out."""
        source = _source(peer)
        self._total -= 1
        here = self._by_source.pop(source) - 1
        if here:
            self._by_source[source] = here

    @contextmanager
    def parting(self) -> Iterator[bool]:
        """While a connection is turned away: whether there is room to say why."""
        has_room = self._partings < self.options.partings
        self._partings += has_room
        try:
            yield has_room
        finally:
            self._partings -= has_room

    def _is_exempt(self, peer: Endpoint) -> bool:
        # A unix socket has no address that could be told from another.
        return peer.ip is None or is_within(peer.ip, self.options.exempt)


def is_within(ip: IPAddress | None, networks: Collection[IPNetwork]) -> bool:
    """Whether an address lies in one of the networks; an IPv4-mapped IPv6 address counts as IPv4."""
    if ip is None or not networks:
        return False
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return any(ip in network for network in networks)


def _source(peer: Endpoint) -> IPAddress | int | None:
    """What connections are counted by."""
    ip = peer.ip
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is None:
        return int(ip) >> _IPV6_PREFIX_SHIFT
    if isinstance(ip, IPv6Address):
        return ip.ipv4_mapped
    return ip
