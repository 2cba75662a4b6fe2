"""The indexes of all accounts: a file each, opened when it is asked, in threads.

Gives       FullText.
Not here    What an index is: index.

Nothing here raises: trouble with an index makes its letters unknown, so they are read, and is logged.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import apsw

from postel.fulltext.index import Found, Index, remove
from postel.fulltext.letters import Field, LetterText, Place
from postel.net import Workers
from postel.observe import logger

T = TypeVar("T")
U = TypeVar("U")

DIRECTORY: Final = "search"
OPEN_LIMIT: Final = 32  # indexes that stay open

log = logger("fulltext")


class _Slot:
    """An account's index, open or not, and whose turn it is."""

    __slots__ = ("index", "turn", "users")

    def __init__(self) -> None:
        self.index: Index | None = None
        self.turn = asyncio.Lock()
        self.users = 0


class FullText:
    """The indexes in a data directory; `directory` None: in memory, and kept open."""

    def __init__(self, directory: Path | None, workers: Workers) -> None:
        self._directory = directory and directory / DIRECTORY
        self._workers = workers
        self._slots: OrderedDict[int, _Slot] = OrderedDict()
        self._is_closed = False

    async def add(self, account_id: int, letters: Sequence[tuple[int, LetterText]]) -> None:
        """Index letters of an account; what was there of them is replaced."""
        await self._run(account_id, lambda index: index.add(letters), None)

    async def forget(self, account_id: int, content_ids: Iterable[int]) -> None:
        """Take letters out that are no more."""
        gone = tuple(content_ids)
        await self._run(account_id, lambda index: index.forget(gone), None)

    async def is_new(self, account_id: int) -> bool:
        """Whether the index of an account was never begun: then all of its letters are to be put in."""
        return await self._run(account_id, lambda index: not index.is_begun, False)

    async def begin(self, account_id: int) -> None:
        """Somebody is about to put all letters in."""
        await self._run(account_id, lambda index: index.begin(), None)

    async def known(self, account_id: int, among: Iterable[int]) -> set[int]:
        """Those of these letters that are indexed."""
        wanted = frozenset(among)
        return await self._run(account_id, lambda index: set(index.known() & wanted), set[int]())

    async def remove(self, account_id: int) -> None:
        """An account is gone: its index goes."""
        slot = self._slots.pop(account_id, None)
        if slot is not None:
            async with slot.turn:
                await self._close(slot)
        await self._workers.run(lambda: remove(self._file(account_id)))

    async def find_field(self, account_id: int, field: Field, needle: str, among: Collection[int]) -> Found:
        """Letters with the folded needle in this field; the empty one is in every field that is there."""
        found = await self._run(account_id, lambda index: index.find_field(field, needle, among), None)
        return Found(frozenset(), frozenset(among)) if found is None else found

    async def find(self, account_id: int, place: Place, needle: str, among: Collection[int]) -> Found:
        """Letters with the folded needle in their body, or in body or header."""
        found = await self._run(account_id, lambda index: index.find(place, needle, among), None)
        return Found(frozenset(), frozenset(among)) if found is None else found

    async def close(self) -> None:
        """Finish what is under way; later calls know nothing."""
        self._is_closed = True
        for slot in tuple(self._slots.values()):
            async with slot.turn:
                await self._close(slot)
        self._slots.clear()

    async def _run(self, account_id: int, work: Callable[[Index], T], otherwise: U) -> T | U:
        slot = self._slots.setdefault(account_id, _Slot())
        self._slots.move_to_end(account_id)
        slot.users += 1
        try:
            async with slot.turn:
                if self._is_closed:
                    return otherwise
                return await self._in_thread(lambda: work(self._ready(account_id, slot)))
        except (apsw.Error, OSError) as error:
            log.trouble("search_index_trouble", account=account_id, because=str(error))
            is_broken = isinstance(error, apsw.CorruptError | apsw.NotADBError)
            async with slot.turn:
                await self._in_thread(lambda: self._give_up(account_id, slot, is_broken=is_broken))
            return otherwise
        finally:
            slot.users -= 1
            await self._close_oldest()

    def _ready(self, account_id: int, slot: _Slot) -> Index:
        if slot.index is None:
            if self._directory is not None:
                self._directory.mkdir(mode=0o700, exist_ok=True)
            slot.index = Index(self._file(account_id))
        return slot.index

    def _give_up(self, account_id: int, slot: _Slot, *, is_broken: bool) -> None:
        """A broken index is worth nothing: the next one begins empty."""
        index, slot.index = slot.index, None
        if index is not None:
            index.close()
        if is_broken:
            remove(self._file(account_id))

    def _file(self, account_id: int) -> Path | None:
        return self._directory and self._directory / f"{account_id}.db"

    async def _close_oldest(self) -> None:
        if self._directory is None or len(self._slots) <= OPEN_LIMIT:
            return
        idle = next((key for key, slot in self._slots.items() if not slot.users), None)
        if idle is not None:
            await self._close(self._slots.pop(idle))

    async def _close(self, slot: _Slot) -> None:
        index, slot.index = slot.index, None
        if index is not None:
            await self._in_thread(index.close)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """What a worker makes of it. Who is cancelled leaves only when the worker has: two may not use one index."""
        running = asyncio.ensure_future(self._workers.run(work))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            while not running.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([running])
            running.exception()  # it is nobody's business any more
            raise
