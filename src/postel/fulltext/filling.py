"""Letters are put into the index soon after they came, so that nobody has to read them to search.

Gives       Filler.
Not here    What is put in: reading. Where: fulltext.

In the order in which letters came, some at a time; how far that has come is kept in the database. An index that was
found missing is filled from all of its account's letters. It takes half of the time at most; a delivery waits for none
of it, and what is not in the index yet is read by whoever searches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from postel.contents import Contents
from postel.database import Database, DatabaseTrouble
from postel.fulltext.fulltext import FullText
from postel.fulltext.letters import LetterText
from postel.fulltext.reading import read_text
from postel.net import Workers
from postel.observe import logger
from postel.store import LETTERS, Store, WalkedLetter, letters_after, reach, reached

BATCH: Final = 32
PROGRESS: Final = "search"
_AGAIN_S: Final = 10.0  # after trouble with the database
_REST: Final = 1.0  # times as long as the work took

log = logger("fulltext")


class Filler:
    """Fills the indexes of one data directory, in the background of one process."""

    def __init__(
        self, fulltext: FullText, store: Store, contents: Contents, database: Database, workers: Workers
    ) -> None:
        self._fulltext = fulltext
        self._store = store
        self._contents = contents
        self._database = database
        self._workers = workers
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin where the last one ended."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="search index filler")

    async def close(self) -> None:
        """Stop; what was begun is begun again."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def catch_up(self) -> None:
        """Put in what is missing. Raises DatabaseTrouble."""
        while await self._batch():
            await asyncio.sleep(0)

    async def _run(self) -> None:
        end = self._database.hear(LETTERS, self._more.set)
        try:
            while True:
                try:
                    await self._follow()
                except DatabaseTrouble as trouble:
                    log.trouble("search_index_trouble", because=str(trouble))
                    await asyncio.sleep(_AGAIN_S)
        finally:
            end()

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._more.clear()
            began_s = loop.time()
            if await self._batch():
                await asyncio.sleep((loop.time() - began_s) * _REST)
            else:
                await self._more.wait()

    async def _batch(self) -> bool:
        """Put in the next letters; whether there were any."""
        after = await self._database.read(lambda tx: reached(tx, PROGRESS))
        letters = await self._database.read(lambda tx: letters_after(tx, after, BATCH))
        if not letters:
            return False
        for account_id, content_ids in _by_account(letters).items():
            if await self._fulltext.is_new(account_id):
                await self._refill(account_id)
            else:
                await self._put_in(account_id, content_ids)
        await self._database.write(lambda tx: reach(tx, PROGRESS, letters[-1].letter_id))
        return True

    async def _put_in(self, account_id: int, content_ids: Iterable[int]) -> None:
        made: list[tuple[int, LetterText]] = []
        for content_id in content_ids:
            text = await self._read(content_id)
            if text is not None:
                made.append((content_id, text))
        if made:
            await self._fulltext.add(account_id, made)

    async def _read(self, content_id: int) -> LetterText | None:
        """The text of a letter; None when there is none to be had."""
        try:
            return await read_text(self._store, self._contents, self._workers, content_id)
        except DatabaseTrouble:
            raise
        except (
            Exception
        ) as fault:  # one letter that cannot be read holds up no other: it is read by who searches
            log.fault("letter_not_indexed", fault, content=content_id)
            return None

    async def _refill(self, account_id: int) -> None:
        """An index that begins empty: all letters of the account."""
        await self._fulltext.begin(account_id)
        for box in await self._store.mailboxes(account_id):
            wanted: dict[int, None] = {}
            async for message in self._store.messages(box.id):
                wanted[message.content_id] = None
                if len(wanted) >= BATCH:
                    await self._put_in_missing(account_id, wanted)
                    wanted = {}
            await self._put_in_missing(account_id, wanted)

    async def _put_in_missing(self, account_id: int, content_ids: Iterable[int]) -> None:
        known = await self._fulltext.known(account_id, content_ids)
        await self._put_in(account_id, [one for one in content_ids if one not in known])
        await asyncio.sleep(0)


def _by_account(letters: Iterable[WalkedLetter]) -> Mapping[int, dict[int, None]]:
    found: dict[int, dict[int, None]] = {}
    for letter in letters:
        if letter.account_id is not None:
            found.setdefault(letter.account_id, {})[letter.content_id] = None
    return found
