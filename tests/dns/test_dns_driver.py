"""Question generators answered from a resolver."""

from __future__ import annotations

import pytest

from postel.asks import Asks, DnsAnswer, DnsQuestion, DnsStatus, RecordType
from postel.dns import answer
from postel.testing import Zone

MX = DnsQuestion("free.org", RecordType.MX)


def rule(*questions: object) -> Asks[list[object]]:
    answers: list[object] = []
    for question in questions:
        try:
            answers.append((yield question))
        except (KeyError, TypeError) as fault:
            answers.append(type(fault).__name__)
    return answers


async def shout(question: object) -> object:
    if question == "bad":
        raise KeyError(question)
    return str(question).upper()


async def test_questions_go_to_whom_they_concern() -> None:
    zone = Zone.parse("free.org. MX 0 .")
    first, second = await answer(rule(MX, "now"), zone, shout)
    assert isinstance(first, DnsAnswer) and first.status is DnsStatus.FOUND and second == "NOW"


async def test_a_rule_without_questions_is_run() -> None:
    assert await answer(rule(), Zone()) == []


async def test_what_an_answerer_raises_is_raised_in_the_rule() -> None:
    assert await answer(rule("bad", "good"), Zone(), shout) == ["KeyError", "GOOD"]


async def test_a_question_that_nobody_answers_is_a_mistake() -> None:
    assert await answer(rule("now"), Zone()) == ["TypeError"]

    def careless() -> Asks[None]:
        yield "now"

    with pytest.raises(TypeError, match="nobody answers a str"):
        await answer(careless(), Zone())
