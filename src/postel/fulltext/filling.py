"""Letters are put into the index soon after they came, so that nobody has to read them to search.

Gives       Filler.
Not here    What is put in: reading. Where: fulltext.

In the order in which letters came; how far that has come is kept in the database. An index that was found missing is
filled from all of its account's letters. Letters are gathered until no more come for a moment, or for five seconds:
many at once cost less each, and who brings them goes first. It takes half of the time at most, and a fifth while more
come. A delivery waits for none of it, and what is not in the index yet is read by whoever searches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from postel.contents import Contents, small_contents
from postel.database import Database, DatabaseTrouble
from postel.fulltext.fulltext import FullText
from postel.fulltext.letters import LetterText
from postel.fulltext.reading import read_text, text_of
from postel.net import Workers
from postel.observe import logger
from postel.store import LETTERS, Follower, Store, WalkedLetter, letters_after, reach, reached

BATCH: Final = 256
PROGRESS: Final = "search"
_PAGE: Final = 32  # contents that are in memory at once
_TOGETHER: Final = 4_000_000  # characters of texts that are put in at once
_GATHER_S: Final = 1.0  # no more letters have come for so long

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
        follower = Follower(database, LETTERS, self._batch, _tell, gather_s=_GATHER_S)
        self.start, self.close, self.catch_up = follower.start, follower.close, follower.catch_up

    async def _batch(self) -> bool:
        """Put in the next letters; whether there may be more."""
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
        return len(letters) == BATCH

    async def _put_in(self, account_id: int, content_ids: Iterable[int]) -> None:
        made: list[tuple[int, LetterText]] = []
        ids = [*content_ids]
        for start in range(0, len(ids), _PAGE):
            made += await self._texts(ids[start : start + _PAGE])
            if sum(text.size for _, text in made) > _TOGETHER:
                await self._fulltext.add(account_id, made)
                made = []
        if made:
            await self._fulltext.add(account_id, made)

    async def _texts(self, content_ids: Sequence[int]) -> list[tuple[int, LetterText]]:
        """The texts of letters, as far as there are any to be had: small ones by one worker at once."""
        octets = await self._database.read(lambda tx: small_contents(tx, content_ids))
        blobs = await self._store.index.fresh(content_ids)
        small = [(key, octets[key], blobs[key]) for key in content_ids if key in octets and key in blobs]
        made: list[tuple[int, LetterText]] = []
        for content_id, text in await self._workers.run(lambda: [*_texts_of(small)]):
            if isinstance(text, LetterText):
                made.append((content_id, text))
            else:
                log.fault("letter_not_indexed", text, content=content_id)
        large = [(key, await self._read(key)) for key in content_ids if key not in octets]
        return made + [(key, text) for key, text in large if text is not None]

    async def _read(self, content_id: int) -> LetterText | None:
        """The text of a letter; None when there is none to be had."""
        try:
            return await read_text(self._store, self._contents, self._workers, content_id)
        except DatabaseTrouble:
            raise
        except Exception as fault:  # one letter that cannot be read holds up no other: who searches reads it
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


def _tell(trouble: DatabaseTrouble) -> None:
    log.trouble("search_index_trouble", because=str(trouble))


def _texts_of(letters: Iterable[tuple[int, bytes, bytes]]) -> Iterator[tuple[int, LetterText | Exception]]:
    for content_id, octets, blob in letters:
        try:
            yield content_id, text_of(octets, blob)
        except Exception as fault:  # as in `_read`
            yield content_id, fault


def _by_account(letters: Iterable[WalkedLetter]) -> Mapping[int, dict[int, None]]:
    found: dict[int, dict[int, None]] = {}
    for letter in letters:
        if letter.account_id is not None:
            found.setdefault(letter.account_id, {})[letter.content_id] = None
    return found
