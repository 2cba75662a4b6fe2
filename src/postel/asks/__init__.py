"""Question generators: pure rules ask, the edge answers. Floor 0.

A rule that needs a fact from outside is a plain generator. It yields questions and is sent the answers;
its return value is the verdict. Tests answer from a dict, the server from the network, so the rules
hold no await and the tests no mocks.

    def next_hops(domain: Domain) -> Asks[HopPlan]:
        answer = yield DnsQuestion(domain.ascii, RecordType.MX)
        ...
"""

from postel.asks.dns import DnsAnswer, DnsQuestion, DnsStatus, MxRecord, RecordType
from postel.asks.generator import Asks, answer_with

__all__ = ["Asks", "DnsAnswer", "DnsQuestion", "DnsStatus", "MxRecord", "RecordType", "answer_with"]
