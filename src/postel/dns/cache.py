"""A resolver's memory.

Implements  RFC 1035 7.4 (caching), RFC 2308 5 and 7 (negative answers, trouble), RFC 9520 3.2 (trouble is
            remembered too, briefly).
Gives       CachingResolver, CacheOptions.
Not here    Asking (dns.system).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from postel.asks import DnsAnswer, DnsQuestion, DnsStatus
from postel.dns.resolver import TimedAnswer, TimedResolver
from postel.net import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheOptions:
    """Bounds of the memory.

    answers             how many answers are kept; the least recently used is forgotten.
    min_ttl_s           an answer is kept for that long even if it asks for less: one delivery asks the
                        same question several times.
    max_ttl_s           records are not kept for longer.
    max_negative_ttl_s  "there is none" is not believed for longer (RFC 2308 5 says one to three hours).
    trouble_ttl_s       RFC 9520 3.2: between one second and five minutes.
    """

    answers: int = 10_000
    min_ttl_s: float = 5
    max_ttl_s: float = 86_400
    max_negative_ttl_s: float = 3_600
    trouble_ttl_s: float = 5


class CachingResolver:
    """Remembers what another resolver answered; a question already in flight is not asked twice."""

    def __init__(
        self, inner: TimedResolver, clock: Clock, limit: int = 10_000, *, options: CacheOptions | None = None
    ) -> None:
        self._inner = inner
        self._clock = clock
        self._options = options or CacheOptions(answers=limit)
        self._known: OrderedDict[DnsQuestion, tuple[float, DnsAnswer]] = OrderedDict()
        self._in_flight: dict[DnsQuestion, asyncio.Task[DnsAnswer]] = {}

    async def ask(self, question: DnsQuestion) -> DnsAnswer:
        """The answer; see `dns.Resolver`."""
        if (answer := self._recall(question)) is not None:
            return answer
        task = self._in_flight.get(question)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._ask(question))
            self._in_flight[question] = task
            task.add_done_callback(lambda _: self._in_flight.pop(question, None))
        # Shielded: when one of those who wait is cancelled, the others still want the answer.
        return await asyncio.shield(task)

    def _recall(self, question: DnsQuestion) -> DnsAnswer | None:
        known = self._known.get(question)
        if known is None:
            return None
        expires_at, answer = known
        if expires_at <= self._clock.now():
            del self._known[question]
            return None
        self._known.move_to_end(question)
        return answer

    async def _ask(self, question: DnsQuestion) -> DnsAnswer:
        timed = await self._inner.ask_with_ttl(question)
        self._known[question] = (self._clock.now() + self._ttl_s(timed), timed.answer)
        self._known.move_to_end(question)
        while len(self._known) > self._options.answers:
            self._known.popitem(last=False)
        return timed.answer

    def _ttl_s(self, timed: TimedAnswer) -> float:
        options = self._options
        match timed.answer.status:
            case DnsStatus.TROUBLE:
                return options.trouble_ttl_s
            case DnsStatus.FOUND:
                limit_s = options.max_ttl_s
            case _:
                limit_s = options.max_negative_ttl_s
        return min(max(timed.ttl_s, options.min_ttl_s), limit_s)

    def forget(self) -> None:
        """Forget all answers, as an operator may ask after a change in the DNS."""
        self._known.clear()
