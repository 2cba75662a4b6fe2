"""What pure rules ask of DNS, and what comes back.

Implements  RFC 1035 3.2 (types), RFC 8020 (NXDOMAIN means nothing below), RFC 3596 (AAAA).
Not here    Asking the network, caching: dns.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from postel.mail import IPAddress


class RecordType(enum.StrEnum):
    """The record types that mail asks for."""

    A = "A"
    AAAA = "AAAA"
    MX = "MX"
    TXT = "TXT"
    PTR = "PTR"
    CNAME = "CNAME"
    TLSA = "TLSA"


class DnsStatus(enum.Enum):
    """How a look-up ended."""

    FOUND = "found"
    NO_DATA = "no data"  # the name exists, without records of this type
    NO_NAME = "no such name"  # NXDOMAIN
    TROUBLE = "trouble"  # SERVFAIL, timeout, nonsense: ask again later


@dataclass(frozen=True, slots=True, order=True)
class MxRecord:
    """One MX record. `exchange` is lower-case, without its trailing dot; "" is the null MX's root."""

    preference: int
    exchange: str


@dataclass(frozen=True, slots=True)
class DnsQuestion:
    """A name (A-label form, lower case, no trailing dot) and a type."""

    name: str
    type: RecordType


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """Records in the order the server gave them, CNAMEs already followed.

    records        MxRecord for MX, IPAddress for A and AAAA, bytes for TXT (strings joined),
                   str for PTR and CNAME, bytes (wire form) for TLSA.
    canonical      the name at the end of the CNAME chain; the question's own where there was none.
    is_authentic   the AD bit, believed only from a resolver configured as validating.
    note           why, for logs and `explain`, when status is TROUBLE.
    """

    status: DnsStatus
    records: tuple[MxRecord | IPAddress | bytes | str, ...] = ()
    canonical: str = ""
    is_authentic: bool = False
    note: str = ""
