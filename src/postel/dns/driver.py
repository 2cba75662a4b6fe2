"""Answers question generators from the network: the edge of the rules that ask.

Gives       answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from postel.asks import Asks, DnsQuestion
from postel.dns.resolver import Resolver

T = TypeVar("T")


async def answer(
    asks: Asks[T], resolver: Resolver, other: Callable[[Any], Awaitable[Any]] | None = None
) -> T:
    """Run a question generator to its verdict.

    other   answers what is not a DnsQuestion; without it such a question raises TypeError, in the
            generator, where the traceback is of use. What `other` raises is raised there too.
    """
    try:
        question = next(asks)
        while True:
            try:
                reply = await _reply(question, resolver, other)
            except Exception as fault:
                question = asks.throw(fault)
            else:
                question = asks.send(reply)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    finally:
        asks.close()


async def _reply(question: Any, resolver: Resolver, other: Callable[[Any], Awaitable[Any]] | None) -> Any:
    if isinstance(question, DnsQuestion):
        return await resolver.ask(question)
    if other is None:
        raise TypeError(f"nobody answers a {type(question).__name__} here")
    return await other(question)
