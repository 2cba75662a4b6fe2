"""The host name of a client: what DNS says of its address, confirmed by what it says of the name.

Implements  RFC 1035 3.5 and RFC 3596 2.5 (names for addresses), RFC 8601 2.7.3 (iprev: confirmed forward).
Asks        PTR of the address, then A or AAAA of the names.
Gives       client_name, ClientName, domain_takes_mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from postel.asks import Asks, DnsAnswer, DnsQuestion, DnsStatus, RecordType
from postel.mail import IPAddress, plain_ip

NAMES_LIMIT: Final = 5  # that one address may have before the rest is passed over


@dataclass(frozen=True, slots=True)
class ClientName:
    """The name, None where there is none; `is_trouble`: DNS did not answer, so there may be one."""

    name: str | None
    is_trouble: bool = False


def client_name(ip: IPAddress) -> Asks[ClientName]:
    """The first confirmed name of an address."""
    address = plain_ip(ip)
    answer: DnsAnswer = yield DnsQuestion(address.reverse_pointer, RecordType.PTR)
    if answer.status is DnsStatus.TROUBLE:
        return ClientName(None, is_trouble=True)
    is_trouble = False
    kind = RecordType.A if address.version == 4 else RecordType.AAAA
    for name in [str(record) for record in answer.records][:NAMES_LIMIT]:
        forward: DnsAnswer = yield DnsQuestion(name, kind)
        if address in forward.records:
            return ClientName(name)
        is_trouble |= forward.status is DnsStatus.TROUBLE
    return ClientName(None, is_trouble)


def domain_takes_mail(domain: str) -> Asks[DnsAnswer]:
    """RFC 2505 2.9: the answer that tells whether there is such a domain: its MX, or else its addresses."""
    answer: DnsAnswer = yield DnsQuestion(domain, RecordType.MX)
    if answer.status is not DnsStatus.NO_DATA:
        return answer
    for kind in (RecordType.A, RecordType.AAAA):
        answer = yield DnsQuestion(domain, kind)
        if answer.status is not DnsStatus.NO_DATA:
            return answer
    return answer
