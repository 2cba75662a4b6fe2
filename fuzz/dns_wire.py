"""Invariant: whatever octets a DNS server sends are a Reply or a BadReply, a Reply gives a Finding, and a Finding
that is FOUND has records; n octets cost O(n) time and memory.

Run by itself: python fuzz/dns_wire.py [SEED [ROUNDS]]. Under atheris: python fuzz/dns_wire.py --atheris.
"""

from __future__ import annotations

import random
from typing import Final

from harness import run

from postel.asks import DnsQuestion, DnsStatus, RecordType
from postel.dns import BadReply
from postel.dns.wire import build_query, read_reply
from postel.testing import Zone
from postel.testing.dns_server import respond

_ID: Final = 7
_ZONE: Final = Zone.parse("""
www.free.org.    CNAME free.org.
free.org.        MX 10 pluto.free.org.
                 MX 20 mars.free.org.
                 TXT "v=spf1 -all"
                 A 192.0.2.1
                 AAAA 2001:db8::1
                 PTR pluto.free.org.
""")
_QUESTIONS: Final = [DnsQuestion(name, kind) for name in ("www.free.org", "none.org") for kind in RecordType]
_REPLIES: Final = [respond(_ZONE, build_query(question, _ID)) or b"" for question in _QUESTIONS]


def one_input(data: bytes) -> None:
    """The first octet chooses the question, the rest is the reply."""
    question = _QUESTIONS[data[0] % len(_QUESTIONS)] if data else _QUESTIONS[0]
    try:
        reply = read_reply(data[1:], question, _ID)
    except BadReply:
        return
    finding = reply.finding()
    assert finding.status is not DnsStatus.FOUND or finding.records
    assert reply.rcode and reply.is_referral in (True, False)


def some_input(chance: random.Random) -> bytes:
    """A reply of a good server, broken in a few places, perhaps cut off."""
    which = chance.randrange(len(_QUESTIONS))
    reply = bytearray(bytes([which]) + _REPLIES[which])
    for _ in range(chance.randrange(6)):
        reply[chance.randrange(1, len(reply))] = chance.randrange(256)
    return bytes(reply[: chance.randrange(len(reply)) if chance.random() < 0.2 else None])


if __name__ == "__main__":
    run(one_input, some_input, rounds=100_000)
