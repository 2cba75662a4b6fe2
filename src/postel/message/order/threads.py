"""Threads: which messages answer which.

Implements  RFC 5256 3 (THREAD=ORDEREDSUBJECT, THREAD=REFERENCES), 5 (thread-data).
Gives       ThreadRow, Thread, thread_by_subject, thread_by_references, format_threads.

Nothing here calls itself: threads may be as deep as strangers like. References that would make a letter its own
ancestor are not followed. Costs O(n log n) for n messages and references: looking for loops is given STEPS a link at
most on average, after which whatever looks like a loop is taken for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from postel.message.order.sorting_apart import sort_apart

STEPS: Final = 50


class ThreadRow(NamedTuple):
    """One message. The texts are as `Keys` has them; `sent_at` is the internal date where no Date was understood."""

    number: int
    message_id: str
    references: Sequence[str]
    base_subject: str
    is_reply: bool
    sent_at: float


@dataclass(slots=True)
class Thread:
    """A message and those that answer it; `number` is 0 for one that is not there."""

    number: int
    children: list[Thread] = field(default_factory=list)


def thread_by_subject(rows: Iterable[ThreadRow]) -> list[Thread]:
    """ORDEREDSUBJECT: all of one base subject, the first one on top."""
    threads: dict[str, Thread] = {}
    for row in sort_apart(list(rows), lambda row: (row.sent_at, row.number)):
        if first := threads.get(row.base_subject):
            first.children.append(Thread(row.number))
        else:
            threads[row.base_subject] = Thread(row.number)
    return list(threads.values())


def thread_by_references(rows: Iterable[ThreadRow]) -> list[Thread]:
    """REFERENCES."""
    forest = _Forest()
    for row in rows:
        forest.add(row)
    return forest.threads()


def format_threads(threads: Iterable[Thread]) -> bytes:
    """`(2)(3 6 (4 23)(44 7 96))`: thread-list after thread-list."""
    out: list[str] = []
    waiting: list[Thread | None] = []
    waiting += reversed(list(threads))
    while waiting:
        thread = waiting.pop()
        if thread is None:
            out.append(")")
            continue
        out.append("(")
        while thread.number and len(thread.children) == 1:
            out.append(f"{thread.number} ")
            thread = thread.children[0]
        if thread.number:
            out.append(f"{thread.number} " if thread.children else str(thread.number))
        waiting.append(None)
        waiting += reversed(thread.children)
    return "".join(out).encode("ascii")


class _Forest:
    """Messages, and those that are only spoken of, by number: each with its parent, -1 for none."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._rows: list[ThreadRow | None] = []
        self._parents: list[int] = []
        self._is_parent: list[bool] = []
        self._children: list[list[int]] = []
        self._steps = 0

    # -- RFC 5256 3 (1): links -----------------------------------------------------------------------------

    def add(self, row: ThreadRow) -> None:
        """Link what it refers to, each to the next (1.A), and the last of them to itself (1.B)."""
        before = -1
        parents = self._parents
        for reference in row.references:
            at = self._places.get(reference, -1)
            if at < 0:
                at = self._places[reference] = self._make(None)
            self._steps += STEPS
            if before >= 0 and parents[at] < 0 and not self._would_loop(before, at):
                self._link(before, at)
            before = at
        at = self._place_of(row)
        self._steps += STEPS
        parents[at] = -1  # what others said is broken before the loop is looked for
        if before >= 0 and not self._would_loop(before, at):
            self._link(before, at)

    def _make(self, row: ThreadRow | None) -> int:
        self._rows.append(row)
        self._parents.append(-1)
        self._is_parent.append(False)
        return len(self._rows) - 1

    def _place_of(self, row: ThreadRow) -> int:
        """A message without an identifier, or with one that was there before, is one of its own."""
        at = self._places.get(row.message_id, -1) if row.message_id else -1
        if at >= 0 and self._rows[at] is None:
            self._rows[at] = row
            return at
        made = self._make(row)
        if row.message_id and at < 0:
            self._places[row.message_id] = made
        return made

    def _link(self, parent: int, child: int) -> None:
        self._parents[child] = parent
        self._is_parent[parent] = True

    def _would_loop(self, parent: int, child: int) -> bool:
        if parent == child:
            return True
        if not self._is_parent[child]:
            return False
        at = parent
        while at >= 0:
            if at == child or self._steps <= 0:
                return True
            at = self._parents[at]
            self._steps -= 1
        return False

    # -- (2) to (6): what is shown of them -----------------------------------------------------------------

    def threads(self) -> list[Thread]:
        """Prune, gather by subject, sort."""
        self._gather_children()
        roots = sort_apart(self._pruned(), self._when)
        roots = self._by_subject(roots)
        self._sort_children()
        return self._shown(sort_apart(roots, self._when))

    def _gather_children(self) -> None:
        self._children = [[] for _ in self._rows]
        for at, parent in enumerate(self._parents):
            if parent >= 0:
                self._children[parent].append(at)

    def _pruned(self) -> list[int]:
        """(2), (3): what is not there is replaced by its children; at the top it stays if it has several."""
        roots = [at for at, parent in enumerate(self._parents) if parent < 0]
        for at in reversed(self._top_down(roots)):
            children = self._children[at]
            if any(self._rows[child] is None for child in children):
                self._children[at] = self._without_missing(children)
        kept: list[int] = []
        for at in roots:
            if self._rows[at] is not None or len(self._children[at]) > 1:
                kept.append(at)
            else:
                kept += self._children[at]
        return kept

    def _without_missing(self, children: list[int]) -> list[int]:
        if len(children) == 1:
            return self._children[children[0]]
        return [
            one
            for child in children
            for one in (self._children[child] if self._rows[child] is None else (child,))
        ]

    def _top_down(self, roots: list[int]) -> list[int]:
        """All, each after its parent."""
        order: list[int] = []
        waiting = list(roots)
        while waiting:
            at = waiting.pop()
            order.append(at)
            waiting += self._children[at]
        return order

    def _first(self, at: int) -> ThreadRow:
        """(4): what is not there is as old as the oldest below it, and has its subject."""
        row = self._rows[at]
        if row is not None:
            return row
        rows = [found for child in self._children[at] if (found := self._rows[child])]
        return min(rows, key=lambda row: (row.sent_at, row.number))

    def _when(self, at: int) -> tuple[float, int]:
        row = self._first(at)
        return row.sent_at, row.number

    def _by_subject(self, roots: list[int]) -> list[int]:
        """(5): threads of one subject become one."""
        table = self._subjects(roots)
        merged: dict[int, None] = dict.fromkeys(roots)
        for at in roots:
            subject = self._first(at).base_subject
            other = table.get(subject, at) if subject else at
            if other == at:
                continue
            del merged[at]
            if self._rows[other] is None:
                self._children[other] += self._children[at] if self._rows[at] is None else [at]
            elif self._first(at).is_reply and not self._first(other).is_reply:
                self._children[other].append(at)
            else:
                table[subject] = made = self._make(None)
                self._children.append([other, at])
                del merged[other]
                merged[made] = None
        return list(merged)

    def _subjects(self, roots: list[int]) -> dict[str, int]:
        """(5.B): for each subject what is not there, or is no reply, goes before others."""
        table: dict[str, int] = {}
        for at in roots:
            row = self._first(at)
            if not row.base_subject:
                continue
            other = table.setdefault(row.base_subject, at)
            if other == at:
                continue
            is_here, was_here = self._rows[at] is not None, self._rows[other] is not None
            if (was_here and not is_here) or (was_here and self._first(other).is_reply and not row.is_reply):
                table[row.base_subject] = at
        return table

    def _sort_children(self) -> None:
        for at, children in enumerate(self._children):
            if len(children) > 1:
                self._children[at] = sort_apart(children, self._when)

    def _shown(self, roots: list[int]) -> list[Thread]:
        made = {-1: Thread(0)}
        waiting = [(-1, at) for at in reversed(roots)]
        while waiting:
            parent, at = waiting.pop()
            row = self._rows[at]
            made[at] = thread = Thread(row.number if row else 0)
            made[parent].children.append(thread)
            waiting += [(at, child) for child in reversed(self._children[at])]
        return made[-1].children
