"""Mail from files into a stored mailbox.

Gives       Source, find_source, Importer.
Not here    The formats: cli.mbox, cli.maildir. Storing one message: store.

Messages keep their order. Many small ones share a commit; each message is in whole, or not at all.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Final

from postel.app import Bench
from postel.cli import words
from postel.cli.maildir import MaildirMessage, is_maildir, list_maildir
from postel.cli.mbox import MboxMessage, NotMbox, Quoting, split_mbox
from postel.cli.progress import progress
from postel.cli.rights import Rights
from postel.cli.skipped import NotTaken, Skipped, UnreadableLetter, reason_of
from postel.cli.work import CannotDo
from postel.contents import INLINE_LIMIT
from postel.directory import Account
from postel.message import HeadCollector, HeaderBlock, parse_date
from postel.store import Flags, MailboxName, OverQuota, ReadMessage, read_message

STANDARD_INPUT: Final = Path("-")
TOGETHER: Final = 100  # small messages that share a commit
_PIECE: Final = 64 * 1024
# What mail programs write into the fields Status and X-Status of mbox files, which have no place for flags.
_STATUS: Final = {
    "R": Flags.SEEN,
    "A": Flags.ANSWERED,
    "F": Flags.FLAGGED,
    "D": Flags.DELETED,
    "T": Flags.DRAFT,
}


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message to be imported. `came_at`: None where nothing tells.

    Its pieces raise UnreadableLetter where it is lost, NotTaken where all that follows is.
    """

    pieces: Iterator[bytes]
    came_at: float | None
    flags: Flags
    done: int  # of the whole import, once this message is in


@dataclass(frozen=True, slots=True)
class Source:
    """Where messages come from; `total` is what `done` counts up to."""

    messages: Iterator[Incoming]
    total: int


def find_source(path: Path, quoting: Quoting, rights: Rights, files: ExitStack, skipped: Skipped) -> Source:
    """Look what the path is, and open it; messages that cannot be opened are skipped. Raises CannotDo, OSError."""
    if path == STANDARD_INPUT:
        return Source(_from_mbox(sys.stdin.buffer, "standard input", quoting, lambda: 0), 0)
    with rights.oneself():
        if path.is_dir():
            if not is_maildir(path):
                raise CannotDo(f"{path} is a folder, but no Maildir: it has no cur and new in it")
            listed = list_maildir(path)
            return Source(_from_maildir(listed, rights, skipped), len(listed))
        file = files.enter_context(path.open("rb"))
    return Source(_from_mbox(file, str(path), quoting, file.tell), os.fstat(file.fileno()).st_size)


def _from_mbox(file: IO[bytes], name: str, quoting: Quoting, tell: Callable[[], int]) -> Iterator[Incoming]:
    try:
        for message in split_mbox(file, quoting):
            yield _of_mbox(message, tell())
    except NotMbox as complaint:
        raise NotTaken(f"{name}: {complaint}") from None
    except OSError as trouble:
        raise NotTaken(f"{name}: {reason_of(trouble)}") from None


def _of_mbox(message: MboxMessage, done: int) -> Incoming:
    head, pieces = _read_head(_of_readable(message.pieces))
    letters = (head.get("Status") or "") + (head.get("X-Status") or "")
    flags = Flags.NONE
    for letter in letters:
        flags |= _STATUS.get(letter, Flags.NONE)
    came_at = message.came_at if message.came_at is not None else parse_date(head.get("Date") or "")
    return Incoming(pieces, came_at, flags, done)


def _of_readable(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Where one message of a file cannot be read, nothing behind it can be."""
    try:
        yield from pieces
    except OSError as trouble:
        raise NotTaken(reason_of(trouble)) from None


def _read_head(pieces: Iterator[bytes]) -> tuple[HeaderBlock, Iterator[bytes]]:
    """The header section, and all pieces again."""
    collector, read = HeadCollector(), []
    for piece in pieces:
        read.append(piece)
        collector.feed(piece)
        if collector.is_finished:
            break
    return HeaderBlock.parse(collector.head), chain(read, pieces)


def _from_maildir(messages: Sequence[MaildirMessage], rights: Rights, skipped: Skipped) -> Iterator[Incoming]:
    for number, message in enumerate(messages, 1):
        try:
            with rights.oneself():
                file, came_at = message.open()
        except OSError as trouble:
            skipped.add(message.path, trouble)
            continue
        with file:
            yield Incoming(_pieces(message.path, file), came_at, message.flags, number)


def _pieces(path: Path, file: IO[bytes]) -> Iterator[bytes]:
    try:
        while piece := file.read(_PIECE):
            yield piece
    except OSError as trouble:
        raise UnreadableLetter(path, trouble) from None


class Importer:
    """Stores messages in their order, many small ones with one commit."""

    def __init__(self, bench: Bench, account: Account, name: MailboxName, skipped: Skipped) -> None:
        self._bench = bench
        self._account = account
        self._name = name
        self._skipped = skipped
        self._small: list[tuple[bytes, Incoming]] = []
        self.number = 0

    async def run(self, source: Source) -> int:
        """Import all; the number. Raises CannotDo, saying how far it came: NotTaken where it is the source's doing."""
        try:
            with progress(f"into {self._name}", source.total) as advance:
                for message in source.messages:
                    await self._take_if_readable(message)
                    advance(message.done)
                await self._store_small()
        except (CannotDo, OSError, OverQuota) as trouble:
            if not isinstance(trouble, OverQuota):
                await self._store_small()
            raise self._broken_off(trouble) from None
        return self.number

    def _broken_off(self, trouble: CannotDo | OSError | OverQuota) -> CannotDo:
        where = f"{getattr(trouble, 'filename', None) or ''}: " if isinstance(trouble, OSError) else ""
        so_far = f" ({words.count(self.number, 'message')} before it imported)" if self.number else ""
        kind = NotTaken if isinstance(trouble, NotTaken) else CannotDo
        return kind(f"{where}{reason_of(trouble)}{so_far}")

    async def _take_if_readable(self, message: Incoming) -> None:
        try:
            await self._take(message)
        except UnreadableLetter as lost:
            self._skipped.add(*lost.args)

    async def _take(self, message: Incoming) -> None:
        begun = bytearray()
        for piece in message.pieces:
            begun += piece
            if len(begun) > INLINE_LIMIT:
                await self._store_small()
                await self._store(await self._read(chain([bytes(begun)], message.pieces)), message)
                return
        self._small.append((bytes(begun), message))
        if len(self._small) >= TOGETHER:
            await self._store_small()

    async def _store_small(self) -> None:
        """All that are in memory: read first, and then each hands in its transaction before the next one does."""
        small, self._small = self._small, []
        read = [(await self._read(iter([content])), message) for content, message in small]
        storing = (self._store(ready, message) for ready, message in read)
        for result in await asyncio.gather(*storing, return_exceptions=True):
            if result is not None:
                raise result

    async def _read(self, pieces: Iterator[bytes]) -> ReadMessage:
        return await read_message(self._bench.rooms.store, self._bench.rooms.contents, _awaited(pieces))

    async def _store(self, ready: ReadMessage, message: Incoming) -> None:
        rooms = self._bench.rooms
        came_at = self._bench.edges.clock.now() if message.came_at is None else message.came_at
        await ready.store(
            rooms.store,
            rooms.database,
            self._account.id,
            internal_date_at=came_at,
            name=self._name,
            flags=message.flags,
        )
        self.number += 1


async def _awaited(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
