"""The shape of a resolver.

Gives       Resolver, TimedResolver, TimedAnswer.
Not here    Asking the network (dns.system), remembering (dns.cache), zones in memory (testing.zone).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from postel.asks import DnsAnswer, DnsQuestion


@dataclass(frozen=True, slots=True)
class TimedAnswer:
    """An answer and how long it may be remembered, in seconds. 0: not at all."""

    answer: DnsAnswer
    ttl_s: float


class Resolver(Protocol):
    """Answers DNS questions."""

    async def ask(self, question: DnsQuestion) -> DnsAnswer:
        """The answer. Trouble of the network is an answer too: DnsStatus.TROUBLE. Raises nothing."""


class TimedResolver(Protocol):
    """A resolver that knows how long its answers last."""

    async def ask_with_ttl(self, question: DnsQuestion) -> TimedAnswer:
        """The answer and its lifetime. Raises nothing."""
