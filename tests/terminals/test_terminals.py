"""Messages reach the people who are there, and only them; nobody is told that one was shown that was not."""

import asyncio

from postel.database import SqliteDatabase
from postel.terminals import MIGRATIONS, SHOWN_LIMIT, TerminalMessage, Terminals, open_terminal
from postel.testing import FakeClock

ANN = "ann@example.org"
HELLO = TerminalMessage("bob@example.org", b"Subject: hi\r\n\r\nlunch?\r\n")


async def opened() -> tuple[SqliteDatabase, FakeClock, Terminals]:
    database = await SqliteDatabase.open(None, threaded=False)
    await database.migrate(MIGRATIONS)
    clock = FakeClock()
    return database, clock, Terminals(database, clock)


async def count(database: SqliteDatabase, table: str) -> int:
    row = await database.read(lambda tx: tx.fetch_one(f"SELECT COUNT(*) FROM {table}"))
    assert row is not None
    return int(row[0])


async def listen(database: SqliteDatabase, clock: FakeClock, seen: list[TerminalMessage]) -> None:
    async with open_terminal(database, clock, ANN) as terminal:
        async for message in terminal.messages():
            seen += [message]


async def test_nobody_is_live_at_first() -> None:
    database, _, terminals = await opened()
    assert not await terminals.is_live(ANN)
    assert not await terminals.show(ANN, HELLO)
    assert await count(database, "terminal_message") == 0


async def test_a_waiting_terminal_is_shown_a_message() -> None:
    database, clock, terminals = await opened()
    seen: list[TerminalMessage] = []
    task = asyncio.create_task(listen(database, clock, seen))
    await asyncio.sleep(1)
    assert await terminals.is_live(ANN)
    assert not await terminals.is_live("bob@example.org")
    assert await terminals.show(ANN, HELLO)
    assert await terminals.show(ANN, HELLO)
    assert seen == [HELLO, HELLO]
    task.cancel()
    await asyncio.wait([task])
    assert not await terminals.is_live(ANN)
    assert await count(database, "terminal") == await count(database, "terminal_message") == 0


async def test_a_terminal_that_does_not_print_has_not_shown_it() -> None:
    database, clock, terminals = await opened()
    async with open_terminal(database, clock, ANN):
        assert not await terminals.show(ANN, HELLO)
    assert await count(database, "terminal_message") == 0


async def test_a_terminal_that_was_killed_is_forgotten() -> None:
    database, clock, terminals = await opened()
    await database.write(
        lambda tx: tx.insert(
            "INSERT INTO terminal (account, seen_at) VALUES (?, ?) RETURNING id", (ANN, clock.now())
        )
    )
    assert await terminals.is_live(ANN)
    await asyncio.sleep(91)
    assert not await terminals.is_live(ANN)
    assert not await terminals.show(ANN, HELLO)
    assert await count(database, "terminal") == 0


async def test_a_quiet_terminal_stays_live_for_hours() -> None:
    database, clock, terminals = await opened()
    seen: list[TerminalMessage] = []
    task = asyncio.create_task(listen(database, clock, seen))
    await asyncio.sleep(3 * 3600)
    assert await terminals.show(ANN, HELLO)
    task.cancel()
    await asyncio.wait([task])


async def test_a_session_of_this_process_takes_or_declines() -> None:
    _, _, terminals = await opened()
    seen: list[TerminalMessage] = []

    def take(message: TerminalMessage) -> bool:
        seen.append(message)
        return True

    end = terminals.subscribe(ANN, take)
    assert await terminals.is_live(ANN)
    assert await terminals.show(ANN, HELLO)
    end()
    assert not await terminals.is_live(ANN)
    end = terminals.subscribe(ANN, lambda message: False)
    assert not await terminals.show(ANN, HELLO)
    assert seen == [HELLO]


async def test_no_more_is_shown_than_fits_a_screen() -> None:
    database, clock, terminals = await opened()
    seen: list[TerminalMessage] = []
    task = asyncio.create_task(listen(database, clock, seen))
    await asyncio.sleep(1)
    assert await terminals.show(ANN, TerminalMessage("", b"x" * (SHOWN_LIMIT + 1)))
    assert len(seen[0].content) == SHOWN_LIMIT
    task.cancel()
    await asyncio.wait([task])
