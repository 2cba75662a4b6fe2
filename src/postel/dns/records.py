"""From dnspython's records to ours, with names checked on the way in.

Implements  RFC 1035 3.3 (MX, PTR, CNAME, TXT), RFC 3596 (AAAA), RFC 6698 2.1 (TLSA), RFC 7505 (null MX).
Gives       Record, to_record, to_name, is_askable.
Not here    The message around the records (dns.wire).
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final, TypeAlias

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from postel.asks import MxRecord, RecordType
from postel.mail import IPAddress

Record: TypeAlias = MxRecord | IPAddress | bytes | str

# dnspython imports the class of a record when it first meets one. By then we may have given up root, or a newer
# dnspython may have been installed; what cannot be imported would be read as a record of an unknown kind.
for _type in (*RecordType, "SOA", "OPT"):
    dns.rdata.get_rdata_class(dns.rdataclass.IN, dns.rdatatype.from_text(_type))  # type: ignore[no-untyped-call]

_NAME_LIMIT: Final = 253  # octets of text: RFC 1035 3.1 allows 255 on the wire

# What we are ready to meet in a name: printable ASCII that needs no escape in text, so that a name is safe
# in a log line, a header field and a further question. RFC 2317's slash and RFC 8552's underscore included.
_LABEL: Final = r"[A-Za-z0-9_/+*=-]{1,63}"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def is_askable(name: str) -> bool:
    """Whether a question may be asked for this name."""
    return len(name) <= _NAME_LIMIT and _NAME.fullmatch(name) is not None


def to_name(name: dns.name.Name) -> str | None:
    """Lower-case text without the trailing dot, "" for the root; None for a name we do not believe."""
    text = name.to_text(omit_final_dot=True).lower()
    if text in ("", "@", "."):
        return ""
    return text if is_askable(text) else None


def to_record(rdata: dns.rdata.Rdata) -> Record | None:
    """One record as `DnsAnswer.records` holds it; None if a name in it is not to be believed."""
    match rdata.rdtype:
        case dns.rdatatype.A | dns.rdatatype.AAAA:
            return ip_address(rdata.address)  # type: ignore[attr-defined]
        case dns.rdatatype.MX:
            exchange = to_name(rdata.exchange)  # type: ignore[attr-defined]
            return None if exchange is None else MxRecord(rdata.preference, exchange)  # type: ignore[attr-defined]
        case dns.rdatatype.TXT:
            # RFC 7208 3.3: the strings of one record are joined without spaces.
            return b"".join(rdata.strings)  # type: ignore[attr-defined]
        case dns.rdatatype.PTR | dns.rdatatype.CNAME:
            return to_name(rdata.target) or None  # type: ignore[attr-defined]
        case _:
            return rdata.to_wire() or b""
