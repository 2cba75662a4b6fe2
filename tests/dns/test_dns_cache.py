"""The memory of a resolver."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postel.asks import DnsAnswer, DnsQuestion, DnsStatus, RecordType
from postel.dns import CacheOptions, CachingResolver, TimedAnswer
from postel.testing import FakeClock


class Counting:
    """Answers everything with the same status and TTL, after a while."""

    def __init__(self, status: DnsStatus = DnsStatus.FOUND, ttl_s: float = 300, delay_s: float = 0) -> None:
        self.asked: list[str] = []
        self._status, self._ttl_s, self._delay_s = status, ttl_s, delay_s

    async def ask_with_ttl(self, question: DnsQuestion) -> TimedAnswer:
        self.asked.append(question.name)
        await asyncio.sleep(self._delay_s)
        return TimedAnswer(DnsAnswer(self._status, canonical=question.name), self._ttl_s)


def question(name: str) -> DnsQuestion:
    return DnsQuestion(name, RecordType.MX)


@pytest.mark.parametrize(
    ("status", "ttl_s", "kept_s"),
    [
        (DnsStatus.FOUND, 300, 300),
        (DnsStatus.FOUND, 0, 5),
        (DnsStatus.FOUND, 10**9, 86_400),
        (DnsStatus.NO_DATA, 60, 60),
        (DnsStatus.NO_NAME, 10**6, 3_600),
        (DnsStatus.NO_NAME, 0, 5),
        (DnsStatus.TROUBLE, 0, 5),
        (DnsStatus.TROUBLE, 10**6, 5),
    ],
)
async def test_an_answer_is_kept_for_its_time(status: DnsStatus, ttl_s: float, kept_s: float) -> None:
    inner = Counting(status, ttl_s)
    resolver = CachingResolver(inner, FakeClock())
    first = await resolver.ask(question("a"))
    await asyncio.sleep(kept_s - 1)
    assert await resolver.ask(question("a")) == first and len(inner.asked) == 1
    await asyncio.sleep(2)
    await resolver.ask(question("a"))
    assert len(inner.asked) == 2


async def test_the_least_recently_used_is_forgotten() -> None:
    inner = Counting()
    resolver = CachingResolver(inner, FakeClock(), limit=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        await resolver.ask(question(name))
    assert inner.asked == ["a", "b", "c", "b"]
    resolver.forget()
    await resolver.ask(question("b"))
    assert inner.asked[-1] == "b" and len(inner.asked) == 5


async def test_equal_questions_in_flight_are_asked_once() -> None:
    inner = Counting(delay_s=1)
    resolver = CachingResolver(inner, FakeClock())
    answers = await asyncio.gather(*(resolver.ask(question("a")) for _ in range(50)))
    assert len(set(answers)) == 1 and inner.asked == ["a"]


async def test_one_who_gives_up_does_not_take_the_answer_from_the_others() -> None:
    inner = Counting(delay_s=1)
    resolver = CachingResolver(inner, FakeClock())
    impatient = asyncio.create_task(resolver.ask(question("a")))
    patient = asyncio.create_task(resolver.ask(question("a")))
    await asyncio.sleep(0.5)
    impatient.cancel()
    assert (await patient).status is DnsStatus.FOUND
    assert impatient.cancelled() and inner.asked == ["a"]


async def test_an_answer_that_nobody_waits_for_any_more_is_kept() -> None:
    inner = Counting(delay_s=1)
    resolver = CachingResolver(inner, FakeClock())
    impatient = asyncio.create_task(resolver.ask(question("a")))
    await asyncio.sleep(0.5)
    impatient.cancel()
    await asyncio.sleep(1)
    await resolver.ask(question("a"))
    assert inner.asked == ["a"]


async def test_a_bug_in_the_resolver_below_reaches_every_asker_and_is_not_remembered() -> None:
    class Broken:
        async def ask_with_ttl(self, question: DnsQuestion) -> TimedAnswer:
            await asyncio.sleep(1)
            raise ZeroDivisionError

    resolver = CachingResolver(Broken(), FakeClock())
    for _ in range(2):
        found = await asyncio.gather(*(resolver.ask(question("a")) for _ in range(2)), return_exceptions=True)
        assert [type(fault) for fault in found] == [ZeroDivisionError, ZeroDivisionError]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 400)), max_size=30), st.integers(1, 4))
async def test_memory_is_bounded_and_never_stale(steps: list[tuple[str, int]], limit: int) -> None:
    inner, clock = Counting(ttl_s=100), FakeClock()
    resolver = CachingResolver(inner, clock, options=CacheOptions(answers=limit))
    asked_at: dict[str, float] = {}
    for name, pause_s in steps:
        before = len(inner.asked)
        await resolver.ask(question(name))
        if len(inner.asked) > before:
            asked_at[name] = clock.now()
        assert clock.now() < asked_at[name] + 100
        assert len(resolver._known) <= limit
        await asyncio.sleep(pause_s)
