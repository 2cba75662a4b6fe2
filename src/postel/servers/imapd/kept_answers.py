"""What was worked out of the messages of a mailbox, for the next one who asks while the same messages are there.

Gives       KeptAnswers, Question.
Not here    What is asked: orders.

Nothing in it grows old: a message never changes but for its flags, and who is there is an array that is never
written to (store.Snapshot, MailboxView). So an answer holds for whoever holds the very array it was made for.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Hashable, Sized
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T", bound=Sized)

LIMIT_BYTES: Final = 32_000_000
_ENTRY_BYTES: Final = 500  # what an entry takes besides its octets, roughly


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """What is asked of a mailbox. T: what the answer is."""

    mailbox_id: int
    uid_validity: int
    what: Hashable


@dataclass(frozen=True, slots=True)
class _Kept:
    uids: array[int]
    answer: Any  # what its question says
    size_bytes: int


class KeptAnswers:
    """The latest answer to each question; the one not asked for longest goes first."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[Question[Any], _Kept] = OrderedDict()
        self._size_bytes = 0

    def find(self, question: Question[T], uids: array[int]) -> T | None:
        """The answer for just these messages."""
        found = self.latest(question)
        return found[1] if found is not None and found[0] is uids else None

    def latest(self, question: Question[T]) -> tuple[array[int], T] | None:
        """The last answer, and the messages that it was made for."""
        kept = self._kept.get(question)
        if kept is None:
            return None
        self._kept.move_to_end(question)
        return kept.uids, kept.answer

    def keep(self, question: Question[T], uids: array[int], answer: T, item_bytes: int) -> None:
        """Keep an answer of so many octets an item, in place of the one before."""
        self._drop(question)
        size_bytes = _ENTRY_BYTES + len(uids) * uids.itemsize + len(answer) * item_bytes
        if size_bytes > self._limit_bytes:
            return
        self._kept[question] = _Kept(uids, answer, size_bytes)
        self._size_bytes += size_bytes
        self._keep_within()

    def limit(self, limit_bytes: int) -> None:
        """Take no more memory than this, from now on."""
        self._limit_bytes = limit_bytes
        self._keep_within()

    def _keep_within(self) -> None:
        while self._size_bytes > self._limit_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, question: Question[Any]) -> None:
        kept = self._kept.pop(question, None)
        if kept is not None:
            self._size_bytes -= kept.size_bytes
