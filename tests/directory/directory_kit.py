from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

from postel.database import SqliteDatabase
from postel.directory import MIGRATIONS, Directory, DirectoryOptions, PasswordOptions
from postel.mail import parse_mailbox
from postel.net import Workers
from postel.testing import FakeClock, InlineWorkers

CHEAP = PasswordOptions(memory_kib=8, passes=1)  # microseconds
OPTIONS = DirectoryOptions(passwords=CHEAP)

FRITO = parse_mailbox("frito@drag.net")
KITT = parse_mailbox("kitt@free.org")
HOME = ip_address("192.0.2.1")
AWAY = ip_address("198.51.100.7")


@asynccontextmanager
async def directory(
    options: DirectoryOptions = OPTIONS,
    clock: FakeClock | None = None,
    workers: Workers | None = None,
    data: Path | None = None,
) -> AsyncIterator[Directory]:
    database = await SqliteDatabase.open(data, threaded=False)
    await database.migrate(MIGRATIONS)
    made = Directory(database, workers or InlineWorkers(), clock or FakeClock(), options)
    try:
        yield made
    finally:
        made.close()
        await database.close()
