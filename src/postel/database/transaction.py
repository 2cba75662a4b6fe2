"""A piece of work on SQLite: its statements, and the drive to its end.

Gives       SqliteTransaction, drive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NoReturn, TypeVar

import apsw

from postel.database.faults import DatabaseTrouble
from postel.database.interface import Action, Row, Value, Work
from postel.database.translate import translate
from postel.mail import LocalFault

T = TypeVar("T")


def drive(work: Work[T], tx: SqliteTransaction) -> T:
    """Run a work to its end in one go. Raises LocalFault if it waits for anything."""
    steps = work(tx).__await__()
    try:
        next(steps)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    getattr(steps, "close", lambda: None)()
    raise LocalFault("a work awaits its transaction and nothing else")


@lru_cache(maxsize=1024)
def _changes_rows(sql: str) -> bool:
    """Whether a statement is no DDL."""
    return sql.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE")


def _pages(values: Sequence[Value]) -> int:
    """What storing these values costs besides their statement."""
    pages = 0
    for value in values:
        if type(value) is bytes:
            pages += len(value) >> 12
    return pages


class SqliteTransaction:
    """Statements on one connection; usable until `end`.

    `trouble` keeps the first engine trouble met: SQLite may by then have rolled back on its own, and a
    further statement would commit itself at once, so all further ones are refused.
    `cost` counts statements, and a further one for every 4 KiB stored: each is some microseconds of the loop.
    """

    __slots__ = (
        "_connection",
        "_is_over",
        "_is_reading",
        "after",
        "announced",
        "channels",
        "cost",
        "memo",
        "trouble",
    )

    def __init__(self, connection: apsw.Connection, *, is_reading: bool = False) -> None:
        self._connection = connection
        self._is_reading = is_reading
        self._is_over = False
        self.cost = 0
        self.trouble: DatabaseTrouble | None = None
        self.after: list[Action] = []
        self.channels: set[str] = set()
        self.announced: set[str] = set()
        self.memo: dict[str, Any] = {}

    async def execute(self, sql: str, params: Sequence[Value] = ()) -> int:
        """Run one statement: the number of rows changed."""
        self._check()
        self.cost += _pages(params)
        try:
            self._connection.execute(sql, params).fetchall()
            # After DDL changes() repeats the last count; total_changes() counts cascades.
            return self._connection.changes() if _changes_rows(sql) else 0
        except apsw.Error as error:
            self._fail(error)

    async def execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each row of parameters."""
        self._check()
        rows = [*rows]
        self.cost += len(rows) + sum(map(_pages, rows))
        try:
            self._connection.executemany(sql, rows).fetchall()
        except apsw.Error as error:
            self._fail(error)

    async def fetch_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> list[Row]:
        """Run one statement with RETURNING for each row of parameters."""
        self._check()
        rows = [*rows]
        self.cost += len(rows)
        try:
            return self._connection.executemany(sql, rows).fetchall()
        except apsw.Error as error:
            self._fail(error)

    async def fetch_all(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        """All rows of a query."""
        self._check()
        try:
            return self._connection.execute(sql, params).fetchall()
        except apsw.Error as error:
            self._fail(error)

    async def fetch_one(self, sql: str, params: Sequence[Value] = ()) -> Row | None:
        """The first row of a query, or None."""
        self._check()
        try:
            cursor = self._connection.execute(sql, params)
            row: Row | None = cursor.fetchone()
            cursor.close(True)
        except apsw.Error as error:
            self._fail(error)
        return row

    async def insert(self, sql: str, params: Sequence[Value] = ()) -> int:
        """Run an INSERT that ends in RETURNING id: the id."""
        rows = await self.fetch_all(sql, params)
        if len(rows) != 1:
            raise LocalFault("an insert ends in RETURNING id")
        return int(rows[0][0])

    def after_commit(self, action: Action) -> None:
        """Run `action` on the loop once durable."""
        self._check_writing()
        self.after.append(action)

    def notify(self, channel: str) -> None:
        """Wake the listeners of a channel once durable."""
        self._check_writing()
        self.channels.add(channel)

    def announce(self, channel: str) -> None:
        """Wake those who hear a channel, in every process, once durable."""
        self._check_writing()
        self.announced.add(channel)

    def end(self) -> None:
        """The work is over: nobody may use its transaction any more."""
        self._is_over = True

    def _check(self) -> None:
        if self._is_over:
            raise LocalFault("a transaction is not used after its work")
        if self.trouble is not None:
            raise self.trouble
        self.cost += 1

    def _check_writing(self) -> None:
        self._check()
        if self._is_reading:
            raise LocalFault("a read changes nothing, so nothing follows from it")

    def _fail(self, error: apsw.Error) -> NoReturn:
        if self._is_reading and isinstance(error, apsw.ReadOnlyError):
            raise LocalFault("a read does not write") from error
        translated = translate(error)
        if isinstance(translated, DatabaseTrouble):
            self.trouble = translated
        raise translated from error
