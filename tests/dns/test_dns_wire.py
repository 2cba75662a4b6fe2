"""Hostile octets never get past the reader, and cost no more than their length."""

from __future__ import annotations

import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.asks import DnsQuestion, DnsStatus, RecordType
from postel.dns import BadReply
from postel.dns.wire import build_query, read_reply
from postel.testing import Zone
from postel.testing.dns_server import respond

ZONE = Zone.parse("""
www.free.org.    CNAME free.org.
free.org.        MX 10 pluto.free.org.
                 MX 20 mars.free.org.
                 TXT "v=spf1 -all"
                 A 192.0.2.1
                 AAAA 2001:db8::1
""")
QUESTIONS = [DnsQuestion(name, kind) for name in ("www.free.org", "none.org") for kind in RecordType]


def reply_to(question: DnsQuestion) -> bytes:
    return respond(ZONE, build_query(question, 7)) or b""


def read(wire: bytes, question: DnsQuestion) -> None:
    try:
        reply = read_reply(wire, question, 7)
    except BadReply:
        return
    finding = reply.finding()
    assert finding.status is not DnsStatus.FOUND or finding.records
    assert reply.rcode and reply.is_truncated in (True, False) and reply.is_referral in (True, False)


@given(st.binary(max_size=600), st.sampled_from(QUESTIONS))
def test_any_octets_are_read_or_refused(wire: bytes, question: DnsQuestion) -> None:
    read(wire, question)


@given(st.data(), st.sampled_from(QUESTIONS))
def test_damaged_replies_are_read_or_refused(data: st.DataObject, question: DnsQuestion) -> None:
    wire = bytearray(reply_to(question))
    for _ in range(data.draw(st.integers(1, 6))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(wire)))
    read(bytes(wire[:end]), question)
    read(bytes(wire), question)


@given(st.binary(max_size=300))
def test_the_test_server_survives_any_octets(wire: bytes) -> None:
    respond(ZONE, wire)
    respond(ZONE, wire, over_udp=True)


def test_a_whole_reply_is_read() -> None:
    finding = read_reply(reply_to(QUESTIONS[0]), QUESTIONS[0], 7).finding()
    assert (finding.status, finding.canonical, finding.steps) == (DnsStatus.FOUND, "free.org", 1)


def test_a_question_is_what_it_should_be() -> None:
    query = dns.message.from_wire(build_query(DnsQuestion("_25._tcp.free.org", RecordType.TLSA), 99))
    assert query.id == 99 and str(query.question[0]) == "_25._tcp.free.org. IN TLSA"


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_the_largest_reply_is_read_in_reasonable_time() -> None:
    response = dns.message.make_response(dns.message.from_wire(build_query(QUESTIONS[0], 7)))
    header = response.to_wire()
    record = b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x00\x00\x02\xc0\x0c"
    count = (65535 - len(header)) // len(record)
    wire = header[:6] + count.to_bytes(2, "big") + bytes(4) + header[12:] + record * count
    read(wire, QUESTIONS[0])
