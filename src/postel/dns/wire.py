"""DNS messages: building questions, reading replies, none of it believed before it is checked.

Implements  RFC 1035 4 (messages), RFC 6891 (EDNS), RFC 2308 (negative answers), RFC 5452 9 (which replies
            to accept), RFC 6840 5.7 (AD in a question).
Gives       build_query, read_reply, Reply, Finding, BadReply, CHAIN_LIMIT.
Not here    Sending them (dns.transport), whom to ask next (dns.system).

The octets are taken apart by dnspython; anything it raises is a BadReply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from postel.asks import DnsQuestion, DnsStatus
from postel.dns.records import Record, to_name, to_record

CHAIN_LIMIT: Final = 8  # CNAMEs followed for one question
_UDP_PAYLOAD: Final = 1232  # octets: what passes without fragments (DNS flag day 2020)


class BadReply(Exception):
    """Octets that are no reply to our question. Over UDP perhaps a forgery; the true one may yet come."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one reply says about a question.

    status      None: `canonical` is an alias whose own records are not in the reply.
    ttl_s       how long that holds; 0 where the reply does not say.
    steps       CNAMEs followed.
    """

    status: DnsStatus | None
    records: tuple[Record, ...]
    canonical: str
    ttl_s: float
    steps: int
    note: str = ""


def build_query(
    question: DnsQuestion, query_id: int, *, edns: bool = True, validating: bool = False
) -> bytes:
    """The octets of a question. Its name must be askable."""
    query = dns.message.make_query(
        question.name + ".",
        question.type.value,
        use_edns=0 if edns else False,
        payload=_UDP_PAYLOAD,
        id=query_id,
    )
    if validating:
        query.flags |= dns.flags.AD
    return query.to_wire()


class Reply:
    """A reply that belongs to our question."""

    def __init__(self, question: DnsQuestion, message: dns.message.Message) -> None:
        self._question = question
        self._message = message

    @property
    def rcode(self) -> str:
        """How the server says that it went: NOERROR, NXDOMAIN, SERVFAIL..."""
        return dns.rcode.to_text(self._message.rcode())

    @property
    def is_truncated(self) -> bool:
        """Whether the reply did not fit; it is to be asked for over TCP."""
        return bool(self._message.flags & dns.flags.TC)

    @property
    def is_authentic(self) -> bool:
        """The AD bit."""
        return bool(self._message.flags & dns.flags.AD)

    @property
    def is_referral(self) -> bool:
        """Whether the server only tells whom else to ask. We ask resolvers, which must not do that."""
        message = self._message
        has_ns = any(rrset.rdtype == dns.rdatatype.NS for rrset in message.authority)
        return has_ns and not (message.answer or message.flags & dns.flags.AA or self._soa())

    def finding(self) -> Finding:
        """The records at the end of the chain of CNAMEs, or why there are none."""
        name: dns.name.Name = dns.name.from_text(self._question.name)
        wanted = dns.rdatatype.from_text(self._question.type)
        ttl_s = float("inf")
        for steps in range(CHAIN_LIMIT + 1):
            if found := self._rrset(name, wanted):
                return _found(found, name, min(ttl_s, found.ttl), steps)
            alias = self._rrset(name, dns.rdatatype.CNAME)
            if alias is None:
                return self._nothing(name, ttl_s, steps)
            name, ttl_s = alias[0].target, min(ttl_s, alias.ttl)
            if not to_name(name):
                return _trouble(f"an alias of {self._question.name} is not a name we believe", steps)
        return _trouble(f"more than {CHAIN_LIMIT} CNAMEs from {self._question.name}", CHAIN_LIMIT)

    def _nothing(self, name: dns.name.Name, ttl_s: float, steps: int) -> Finding:
        """Why there is nothing at the end of the chain; RFC 2308 2.1 and 2.2."""
        soa = self._soa()
        # RFC 2308 5: the lesser of the SOA's own TTL and its MINIMUM field.
        negative_s = min(soa.ttl, soa[0].minimum) if soa else 0
        canonical = to_name(name) or ""
        if self._message.rcode() == dns.rcode.NXDOMAIN:
            return Finding(DnsStatus.NO_NAME, (), canonical, min(ttl_s, negative_s), steps)
        if steps and not (soa and name.is_subdomain(soa.name)):
            return Finding(None, (), canonical, ttl_s, steps)
        return Finding(DnsStatus.NO_DATA, (), canonical, min(ttl_s, negative_s), steps)

    def _soa(self) -> dns.rrset.RRset | None:
        soas = (
            rrset for rrset in self._message.authority if rrset.rdtype == dns.rdatatype.SOA and len(rrset)
        )
        return next(soas, None)

    def _rrset(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.rrset.RRset | None:
        found = self._message.get_rrset(self._message.answer, name, dns.rdataclass.IN, rdtype)
        return found if found is not None and len(found) else None


def _found(rrset: dns.rrset.RRset, name: dns.name.Name, ttl_s: float, steps: int) -> Finding:
    records = tuple(record for rdata in rrset if (record := to_record(rdata)) is not None)
    if not records:
        return _trouble("the records hold no name that we believe", steps)
    return Finding(DnsStatus.FOUND, records, to_name(name) or "", ttl_s, steps)


def _trouble(note: str, steps: int) -> Finding:
    return Finding(DnsStatus.TROUBLE, (), "", 0, steps, note)


def read_reply(wire: bytes, question: DnsQuestion, query_id: int) -> Reply:
    """Read a reply to `question`. Raises BadReply if it is not one."""
    try:
        message = dns.message.from_wire(wire)
    except Exception as fault:  # hostile octets; dnspython names no bound on what they may raise
        raise BadReply(f"not a DNS message: {type(fault).__name__}") from None
    if message.id != query_id or not message.flags & dns.flags.QR:
        raise BadReply("a reply to something else")
    if not _is_about(message, question):
        raise BadReply("a reply to another question")
    return Reply(question, message)


def _is_about(message: dns.message.Message, question: DnsQuestion) -> bool:
    if not message.question:
        # Some servers leave the question out of a refusal; nothing can be forged with one.
        return message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
    asked = message.question[0]
    return (
        len(message.question) == 1
        and asked.rdclass == dns.rdataclass.IN
        and asked.rdtype == dns.rdatatype.from_text(question.type)
        and to_name(asked.name) == question.name
    )
