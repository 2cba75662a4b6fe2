"""Whether a certificate is for one of the names that a destination may have.

Implements  RFC 6125 6.2 to 6.4 and RFC 7817 3 (which names count, and how they are compared), RFC 8689 4.2.1.
Gives       PeerDemand, certificate_is_for.
Not here    Whether the certificate is valid: OpenSSL. Which names a destination may have: routing.

Only names of the extension subjectAltName count. RFC 7817 3: the common name of the subject is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

OLDEST: Final = "TLSv1.2"  # RFC 8996


@dataclass(frozen=True, slots=True)
class PeerDemand:
    """What a client wants of one server, beside what its ClientTls wants of all.

    names   names or addresses, one of which the certificate must have; `.example.org` stands for every name below
            it. Empty: the name that the server was reached by.
    least   the oldest version of TLS that will do: "TLSv1.2" or "TLSv1.3".
    """

    names: tuple[str, ...] = ()
    least: str = OLDEST


NO_DEMAND: Final = PeerDemand()


def certificate_is_for(certificate: Mapping[str, Any], names: Iterable[str]) -> bool:
    """Whether a certificate, as `ssl.SSLObject.getpeercert` gives it, has one of the names."""
    presented = [(kind, str(value)) for kind, value in certificate.get("subjectAltName", ())]
    hosts = {value.lower() for kind, value in presented if kind == "DNS"}
    addresses = {_address(value) for kind, value in presented if kind == "IP Address"}
    return any(
        _has(hosts, name.lower()) if _address(name) is None else _address(name) in addresses for name in names
    )


def _has(hosts: set[str], wanted: str) -> bool:
    if wanted.startswith("."):
        return any(host.endswith(wanted) for host in hosts)
    # RFC 6125 6.4.3: a wildcard is the whole leftmost label, and stands for one label.
    first, dot, parent = wanted.partition(".")
    return wanted in hosts or bool(first and dot and "." in parent and f"*.{parent}" in hosts)


def _address(text: str) -> str | None:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return None
