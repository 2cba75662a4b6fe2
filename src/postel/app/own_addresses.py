"""Which addresses mean this server: for the backup-MX rule and for address literals.

Gives       own_addresses.

Where all listeners name their addresses, only those are ours: several Postels may share one machine. A listener
on the wildcard address takes all that the interfaces have.
"""

from __future__ import annotations

from postel.config import Config
from postel.mail import IPAddress
from postel.net import parse_endpoint


def own_addresses(config: Config, of_interfaces: frozenset[IPAddress]) -> frozenset[IPAddress]:
    """The addresses at which we are reached, as far as configuration and interfaces tell."""
    ours: set[IPAddress] = set()
    for listen in config.listen:
        ip = parse_endpoint(listen.address).ip if listen.address else None
        if ip is None:
            continue
        if ip.is_unspecified:
            ours |= {address for address in of_interfaces if address.version == ip.version}
        else:
            ours.add(ip)
    return frozenset(ours)
