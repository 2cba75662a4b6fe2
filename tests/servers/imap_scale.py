"""What a large mailbox costs, without network and disk: `python tests/servers/imap_scale.py [letters]`."""

import asyncio
import gc
import sys
import time
import tracemalloc
from collections.abc import Awaitable
from typing import Any

from imap_world import LETTER, Client, World, world

from postel.contents import keep
from postel.database import Transaction
from postel.store import INBOX, MessageFacts

_AT_ONCE = 2000
_IDLERS = 30


async def fill(w: World, letters: int) -> None:
    """That many letters into an INBOX, all of one content."""
    parts = w.parts
    draft = parts.contents.draft()
    await draft.write(LETTER)
    sealed = await draft.seal()
    content_id = await parts.database.write(lambda tx: keep(tx, sealed, holders=0))
    box = await parts.store.mailbox(w.kitt.id, INBOX)
    assert box is not None
    facts = MessageFacts(content_id=content_id, content_size_bytes=len(LETTER), internal_date_at=1.7e9)

    async def some(tx: Transaction, count: int) -> None:
        for _ in range(count):
            await parts.store.append_to(tx, box.id, facts)

    for start in range(0, letters, _AT_ONCE):
        count = min(_AT_ONCE, letters - start)
        await parts.database.write(lambda tx, count=count: some(tx, count))


async def timed(name: str, doing: Awaitable[Any]) -> None:
    began_s = time.perf_counter()
    await doing
    print(f"{name:32} {1000 * (time.perf_counter() - began_s):9.2f} ms", flush=True)


async def beside(busy: Client, command: str, other: Client) -> None:
    """How long another session's NOOP takes at worst while one is busy."""
    work = asyncio.create_task(busy.ok(command))
    worst_s, began_s = 0.0, time.perf_counter()
    while not work.done():
        asked_s = time.perf_counter()
        await other.ok("NOOP")
        worst_s = max(worst_s, time.perf_counter() - asked_s)
    took_s = time.perf_counter() - began_s
    print(
        f"{command:32} {1000 * took_s:9.2f} ms; NOOP beside it at worst {1000 * worst_s:.1f} ms", flush=True
    )


async def _notice(w: World, idler: Client) -> None:
    await w.put(LETTER)
    await idler.line()


async def mailbox(letters: int) -> None:
    async with world() as w:
        one, two = await w.login(), await w.login(mailbox=None)
        await one.ok("UNSELECT")
        await timed(f"fill with {letters}", fill(w, letters))
        await timed("SELECT, the first", one.ok("SELECT INBOX"))
        await timed("SELECT, known", two.ok("SELECT INBOX"))
        await timed("NOOP", one.ok("NOOP"))
        await timed("STORE 1", one.ok("STORE 1 +FLAGS (\\Seen)"))
        await timed("NOOP that tells of it", two.ok("NOOP"))
        await two.send(b"i IDLE\r\n")
        await two.line()
        await timed("a new letter, told to who idles", _notice(w, two))
        await timed("NOOP that tells of it", one.ok("NOOP"))
        other = await w.login()
        for command in ("FETCH 1:* (FLAGS)", "FETCH 1:10000 (BODY.PEEK[])", "SEARCH 1:10000 TEXT nowhere"):
            await beside(one, command, other)


async def idlers(letters: int) -> None:
    async with world() as w:
        await w.login()
        await fill(w, letters)
        clients = [await w.login()]
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(_IDLERS):
            clients.append(await w.login())
            await clients[-1].send(b"i IDLE\r\n")
            await clients[-1].line()
        gc.collect()
        each = (tracemalloc.get_traced_memory()[0] - before) / _IDLERS / 1024
        print(f"{each:.0f} KB for each who idles in a mailbox of {letters}, the client's end in it")


if __name__ == "__main__":
    asyncio.run(mailbox(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
    asyncio.run(idlers(1000))
