"""The lives that the power cuts are tried on walk every walk between the states of a message that INTERNALS.md names.

Else a cut at every step would prove nothing about a walk that nobody walks. They are seen from outside: the rows before
and after each commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import apsw
import pytest
from power_town import Diary, open_town, scratch
from test_power_cuts import LIVES

from postel.queue import State, Watch
from postel.testing import simulate
from postel.testing.power import PowerDisk

WALKS: Final = {
    "DRAFT -> GONE",
    "DRAFT -> ARRIVED", "ARRIVED -> GONE", "ARRIVED -> QUEUED", "DRAFT -> QUEUED", "WAITING -> WAITING",
    "WAITING -> SETTLED", "FRESH -> WARNED", "WAITING -> HELD", "HELD -> WAITING", "HELD -> SETTLED", "QUEUED -> GONE",
    "lane to lane", "lane down", "deadline acted on", "released early",
    "claimed by a helper", "claim gone", "accepted by a helper",
}  # fmt: skip


@dataclass
class Rows:
    """What the queue's tables hold at an instant."""

    arrivals: set[int] = field(default_factory=set)
    messages: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    recipients: dict[tuple[int, int], tuple[Any, ...]] = field(default_factory=dict)
    lanes: set[str] = field(default_factory=set)
    claims: set[int] = field(default_factory=set)
    of_helpers: set[int] = field(default_factory=set)
    queued: set[int] = field(default_factory=set)
    delivered: set[int] = field(default_factory=set)


class Observer:
    """Looks at the rows before each change of the log: that is, after each commit."""

    def __init__(self, directory: Path) -> None:
        self._path = str(directory / "postel.db")
        self._connection: apsw.Connection | None = None
        self._rows = Rows()
        self.walks: set[str] = set()

    def ails(self, what: str, path: str) -> None:
        if path.endswith("-wal"):
            self.look()

    def look(self) -> None:
        rows = self._read()
        self.walks.update(_walks(self._rows, rows))
        self._rows = rows

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self) -> Rows:
        if self._connection is None:
            self._connection = apsw.Connection(self._path, flags=apsw.SQLITE_OPEN_READONLY)
        with self._connection:
            ask = self._connection.execute
            return Rows(
                {row[0] for row in ask("SELECT id FROM queue_arrival")},
                {
                    row[0]: row[1:]
                    for row in ask("SELECT id, watch, deadline_at, starts_at FROM queue_message")
                },
                {
                    row[:2]: row[2:]
                    for row in ask("SELECT message_id, number, state, attempts, lane FROM queue_recipient")
                },
                {row[0] for row in ask("SELECT name FROM queue_lane")},
                {row[0] for row in ask("SELECT message_id FROM queue_claim")},
                {row[0] for row in ask("SELECT id FROM queue_arrival WHERE owner IS NOT NULL")},
                {
                    row[0]
                    for table in ("queue_arrival", "queue_message")
                    for row in ask(f"SELECT content_id FROM {table}")
                },
                {row[0] for row in ask("SELECT content_id FROM box")},
            )


def _walks(old: Rows, new: Rows) -> Iterator[str]:
    yield from ("DRAFT -> GONE" for _ in new.delivered - old.delivered - old.queued - new.queued)
    for one in new.arrivals - old.arrivals:
        yield "DRAFT -> ARRIVED"
        assert one not in old.messages
    for one in old.arrivals - new.arrivals:
        yield "ARRIVED -> QUEUED" if one in new.messages else "ARRIVED -> GONE"
    for one in new.messages.keys() - old.messages.keys() - old.arrivals:
        yield "DRAFT -> QUEUED"
        assert one not in new.arrivals
    yield from ("QUEUED -> GONE" for _ in old.messages.keys() - new.messages.keys())
    yield from ("claimed by a helper" for _ in new.claims - old.claims)
    yield from ("claim gone" for _ in old.claims - new.claims)
    yield from ("accepted by a helper" for _ in new.of_helpers - old.of_helpers)
    yield from ("lane down" for _ in new.lanes - old.lanes)
    for one in old.messages.keys() & new.messages.keys():
        yield from _walks_of_message(old.messages[one], new.messages[one])
    for key in old.recipients.keys() & new.recipients.keys():
        yield from _walks_of_recipient(old.recipients[key], new.recipients[key])
    for key in old.recipients.keys() - new.recipients.keys():  # settled, and gone with its message
        yield f"{State(old.recipients[key][0]).name} -> SETTLED"


def _walks_of_message(old: tuple[Any, ...], new: tuple[Any, ...]) -> Iterator[str]:
    if old[0] != new[0]:
        yield f"{Watch(old[0]).name} -> {Watch(new[0]).name}"
    if old[1] is not None and new[1] is None:
        yield "deadline acted on"
    if new[2] < old[2]:
        yield "released early"


def _walks_of_recipient(old: tuple[Any, ...], new: tuple[Any, ...]) -> Iterator[str]:
    before, after = State(old[0]).name, State(new[0]).name
    if before != after or new[1] > old[1]:
        yield f"{before} -> {after}"
    if new[2] != old[2]:
        yield "lane to lane"


def walked(life: str) -> set[str]:
    with scratch() as folder:
        power = PowerDisk(folder)
        observer = Observer(folder)

        async def run() -> None:
            town = await open_town(folder, Diary(), power)
            power.ails = observer.ails
            await LIVES[life](town)
            observer.look()
            power.ails = None
            observer.close()
            await town.contents.close()
            await town.database.close()

        simulate(run)
        power.close()
        return observer.walks


@pytest.mark.slow
def test_the_lives_that_are_cut_walk_every_walk() -> None:
    seen = set().union(*(walked(life) for life in LIVES))
    assert WALKS - seen == set()
