"""The shape of a question generator, and the plainest way to answer one."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

# What is yielded and what is sent back differ by question, so both are Any here; each room says in its
# docstrings which questions it asks and which answer type each wants.
Asks: TypeAlias = Generator[Any, Any, T]


def answer_with(asks: Asks[T], answer: Callable[[Any], Any]) -> T:
    """Run a question generator to its verdict, each question answered by a plain function."""
    try:
        question = next(asks)
        while True:
            question = asks.send(answer(question))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
