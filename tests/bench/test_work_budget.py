"""A message costs no more work than was agreed: counts that are the same in each run, on any machine."""

import pytest
from bench.work import KINDS, measure, over_budget, read_budget


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_message_costs_no_more_work_than_its_budget(kind: str) -> None:
    assert list(over_budget(kind, measure(kind))) == []


@pytest.mark.slow
def test_two_measurements_give_the_same() -> None:
    measure("accept")  # what a process does once, the first time
    assert measure("accept") == measure("accept")


def test_what_grew_is_named_with_what_to_do() -> None:
    allowed = read_budget()["accept"]
    assert isinstance(allowed, dict)
    dear = measure("accept")
    dear.statements = allowed["statements"] + 1
    (line,) = over_budget("accept", dear)
    assert "statements" in line
    assert "python -m bench.work --write" in line
