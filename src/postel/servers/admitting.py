"""Who is admitted as a recipient, decided once for as long as the answers stay the same.

Asks        what routing asks, of whoever knows the accounts.
Gives       Admissions, run.
Not here    The rules: routing.

A question generator says the same whenever its questions are answered the same. So a verdict is kept with the questions
that led to it and their answers. When the same recipient is named again they are asked again, and only where one is
answered otherwise is it decided anew: an account that was made or removed meanwhile counts at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, TypeVar

from postel.asks import Asks
from postel.mail import Mailbox
from postel.routing import Admission, RoutingTable, admit

T = TypeVar("T")

KEPT: Final = 2048  # verdicts; when there are so many, all are forgotten

_Answer: TypeAlias = Callable[[Any], Awaitable[Any]]
_Asked: TypeAlias = tuple[tuple[Any, Any], ...]


class Admissions:
    """What the table says of recipients."""

    def __init__(self, table: RoutingTable, answer: _Answer) -> None:
        self._table = table
        self._answer = answer
        self._kept: dict[tuple[str, bool], tuple[Admission, _Asked]] = {}

    async def admit(self, mailbox: Mailbox, *, may_relay: bool) -> Admission:
        """Whether a client that may relay, or may not, may name this recipient. Raises what the answers raise."""
        key = (str(mailbox), may_relay)
        kept = self._kept.get(key)
        if kept is not None and (not kept[1] or await self._still_holds(kept[1])):
            return kept[0]
        asked: list[tuple[Any, Any]] = []

        async def answer(question: Any) -> Any:
            found = await self._answer(question)
            asked.append((question, found))
            return found

        admission = await run(admit(self._table, mailbox, may_relay=may_relay), answer)
        if len(self._kept) >= KEPT:
            self._kept.clear()
        self._kept[key] = (admission, tuple(asked))
        return admission

    async def _still_holds(self, asked: _Asked) -> bool:
        for question, before in asked:
            if await self._answer(question) != before:
                return False
        return True


async def run(asks: Asks[T], answer: _Answer) -> T:
    """Run a question generator to its verdict."""
    try:
        question = next(asks)
        while True:
            question = asks.send(await answer(question))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
