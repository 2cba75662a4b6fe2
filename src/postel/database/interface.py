"""The small interface that all domain code is written against.

Gives       Value, Row, Work, Shared, Transaction, Database, Migration.
Not here    The embedded engine: database.sqlite.

A piece of work is an `async def work(tx)`. On SQLite nothing in it ever suspends; on an engine behind a
network it would. So a work awaits its transaction and nothing else. It runs on the loop, so it is short:
what touches many rows does so in several pieces of work, or apart (`write_apart`). It changes nothing outside
the database, since it may be taken back; what must happen once it is durable goes to `tx.after_commit`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

S = TypeVar("S")
T = TypeVar("T")

Value: TypeAlias = int | float | str | bytes | None
Row: TypeAlias = tuple[Any, ...]
Action: TypeAlias = Callable[[], None]


class Transaction(Protocol):
    """Statements of one piece of work: portable SQL with ? for each parameter.

    All raise Conflict where a rule of the schema is broken, and DatabaseTrouble.
    """

    async def execute(self, sql: str, params: Sequence[Value] = ()) -> int:
        """Run one INSERT, UPDATE or DELETE (or DDL): the number of rows changed."""

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each row of parameters."""

    async def fetch_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> list[Row]:
        """Run one statement with RETURNING for each row of parameters: all that they return, in order."""

    async def fetch_all(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        """All rows of a query. The query limits itself."""

    async def fetch_one(self, sql: str, params: Sequence[Value] = ()) -> Row | None:
        """The first row of a query, or None."""

    async def insert(self, sql: str, params: Sequence[Value] = ()) -> int:
        """Run an INSERT that ends in `RETURNING id`: the id."""

    @property
    def memo(self) -> dict[str, Any]:
        """What one room tells another within this transaction."""

    def after_commit(self, action: Action) -> None:
        """Run `action` on the loop once this work is durable; never if it is not. In order of asking."""

    def notify(self, channel: str) -> None:
        """Once this work is durable, wake those of this process who `listen` to the channel."""

    def announce(self, channel: str) -> None:
        """The same for every process that has the database open: those who `hear` the channel."""


Work: TypeAlias = Callable[[Transaction], Awaitable[T]]
# The same work for many: (transaction, what each of them gave) -> a result for each of them, in order.
Shared: TypeAlias = Callable[[Transaction, Sequence[S]], Awaitable[Sequence[T]]]


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a room's schema. Numbers count from 1 without gaps; a released step never changes."""

    room: str
    number: int
    sql: str


class Database(Protocol):
    """Where everything durable is: one instant for queue, mailboxes and directory."""

    async def write(self, work: Work[T]) -> T:
        """Run a piece of work; return its result when it is on disk.

        An exception that leaves the work takes back this work only, and is raised here. Raises
        DatabaseTrouble. A cancelled caller does not know whether its work happened.
        """

    async def write_apart(self, work: Work[T]) -> T:
        """Run a long piece of work beside the loop, in a commit of its own: all of it or nothing, as `write`.

        Who else writes waits for it, so it takes a fraction of a second. It runs in another thread: it looks at nothing
        but its transaction and what never changes.
        """

    async def share(self, work: Shared[S, T], item: S, weight: int = 1) -> T:
        """Run a work for an item together with the items of all others who ask for it at this time.

        Many small works of one kind cost little more than one so, since they need one savepoint and one statement for
        all. An exception that leaves the work takes it back, and it runs for each item alone. Otherwise as `write`;
        it may be done before what was asked for earlier, but never before what was durable by then. `weight` is what
        the item costs, in small statements, so that not too many heavy ones run at once.
        """

    async def read(self, work: Work[T]) -> T:
        """Run a short piece of reading work on one consistent snapshot. Raises DatabaseTrouble."""

    def listen(self, channel: str, action: Action) -> Action:
        """Call `action` on the loop after each commit that notified the channel; the result ends it."""

    def hear(self, channel: str, action: Action) -> Action:
        """Call `action` on the loop, within milliseconds, after commits of any process that announced the channel.

        Several of them may be one call, and now and then there is a call without any. The result ends it.
        """

    async def migrate(self, migrations: Sequence[Migration]) -> None:
        """Bring the schema of these rooms up to date, in one transaction. Raises DatabaseTooNew."""

    async def backup(self, to: Path) -> None:
        """Write a consistent copy to the file `to` (which appears whole or not at all)."""

    async def close(self) -> None:
        """Finish what waits, then close. Later calls raise DatabaseTrouble. Idempotent."""
