"""Where kept transactions lie: the rows, and the suspended drafts that they name.

Gives       Shelf, TransactionBusy.
Not here    Who has which transaction in hand: checkpoints.checkpoints.

The order of steps is what makes a crash harmless. A file is named by a row before anything is promised; a row goes
before its file does. A file that no row names is an orphan, and contents sweeps it at the next start; a row whose
file is gone is forgotten when it is met.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from postel.checkpoints import rows
from postel.checkpoints.options import CheckpointOptions
from postel.checkpoints.rows import KeptTransaction, Key, Progress, Said
from postel.contents import (
    ContentMissing,
    Contents,
    Draft,
    DraftBusy,
    name_draft,
    unname_draft,
)
from postel.database import Conflict, Database, Transaction
from postel.mail import Recipient, Reply
from postel.net import Clock

SWEEP_AT_ONCE: Final = 100


class TransactionBusy(Exception):
    """Somebody else has the transaction in hand, and does not let go of it."""


class Shelf:
    """The kept transactions of one data directory. All methods raise DatabaseTrouble."""

    def __init__(
        self, database: Database, contents: Contents, clock: Clock, options: CheckpointOptions, boot: str
    ) -> None:
        self.options = options
        self.database = database
        self.clock = clock
        self._contents = contents
        self._boot = boot

    @property
    def is_usable(self) -> bool:
        """Whether anything can be kept at all."""
        return self._contents.can_suspend and self.options.keep_s > 0

    async def find(self, key: Key) -> KeptTransaction | None:
        """The transaction of this key; not one that was kept too long."""
        row = await self.database.read(partial(rows.find, key=key))
        if row is not None and row.seen_at + self.options.keep_s <= self.clock.now():
            await self.forget(row)
            return None
        return row

    async def begin(
        self, key: Key, said: Said, recipients: Sequence[Recipient], queue_id: int
    ) -> tuple[int, Draft] | None:
        """A row and the draft that it names; None when there is no room."""
        if not await self._has_space():
            return None
        draft = await self._contents.lasting_draft()
        file = draft.file_name
        assert file is not None
        limits, now = self.options, self.clock.now()

        async def work(tx: Transaction) -> int | None:
            if not await rows.has_room(tx, key.owner, limits.transactions, limits.per_client):
                return None
            await name_draft(tx, file)
            return await rows.insert(
                tx, key, said, recipients, queue_id=queue_id, file=file, boot=self._boot, now=now
            )

        try:
            row_id = await self.database.write(work)
        except Conflict:  # another process was faster
            row_id = None
        except BaseException:
            await draft.discard()
            raise
        if row_id is None:
            await draft.discard()
            return None
        return row_id, draft

    async def take(self, row: KeptTransaction) -> Draft | None:
        """The content of an OPEN transaction, to go on with; None when it is gone.

        Raises TransactionBusy when another process has it.
        """
        # After a power cut only what was synced counts; after a mere kill the file says how far it came.
        at_most = None if row.boot and row.boot == self._boot else row.synced.octets
        try:
            return await self._contents.resume(row.file or "", at_most)
        except ContentMissing:
            return None
        except DraftBusy:
            raise TransactionBusy("another process has the transaction") from None

    async def note(self, row_id: int, size_bytes: int, synced: Progress) -> None:
        """So much of the content is on disk."""
        now = self.clock.now()
        await self.database.write(
            partial(
                rows.note_progress,
                row_id=row_id,
                size_bytes=size_bytes,
                synced=synced,
                boot=self._boot,
                now=now,
            )
        )

    async def may_stay(self, row_id: int, size_bytes: int) -> bool:
        """Whether there is room for an interrupted transaction of this size."""
        others = await self.database.read(partial(rows.octets_of_others, row_id=row_id))
        return others + size_bytes <= self.options.octets and await self._has_space()

    async def answer_in(
        self, tx: Transaction, row_id: int, file: str | None, reply: Reply, size_bytes: int
    ) -> None:
        """The transaction is DONE, if this database transaction is; its file is no draft any more."""
        await rows.note_answer(tx, row_id, reply, size_bytes, self.clock.now())
        if file is not None:
            await unname_draft(tx, file)

    async def remove(self, row_id: int, file: str | None) -> None:
        """Forget a transaction; whoever has its draft in hand discards that next."""

        async def work(tx: Transaction) -> None:
            await rows.remove(tx, row_id)
            if file is not None:
                await unname_draft(tx, file)

        await self.database.write(work)

    async def forget(self, row: KeptTransaction) -> bool:
        """Forget a transaction with its content. False when somebody has it in hand."""
        try:
            draft = None if row.file is None else await self.take(row)
        except TransactionBusy:
            return False
        await self.remove(row.id, row.file)
        if draft is not None:
            await draft.discard()
        return True

    async def forget_id(self, row_id: int) -> None:
        """Forget a transaction that its session has in hand, and whose draft it has let go."""
        row = await self.database.read(partial(rows.find_by_id, row_id=row_id))
        if row is not None:
            await self.forget(row)

    async def sweep(self, in_hand: frozenset[Key]) -> list[KeptTransaction]:
        """Forget what has been silent for too long: those that went."""
        limit = self.clock.now() - self.options.keep_s
        old = await self.database.read(partial(rows.unseen_since, instant=limit, limit=SWEEP_AT_ONCE))
        return [row for row in old if row.key not in in_hand and await self.forget(row)]

    async def recover(self) -> None:
        """After a start: look at every file, and forget what is gone or too much. The latest ones stay."""
        total = 0
        for row in await self.database.read(partial(rows.all_rows, limit=self.options.transactions)):
            if row.file is None:
                continue
            size_bytes = await self._look_at(row)
            total += size_bytes
            if not size_bytes or total > self.options.octets:
                await self.forget(row)
            elif size_bytes != row.size_bytes:
                await self.database.write(partial(rows.note_size, row_id=row.id, size_bytes=size_bytes))

    async def _look_at(self, row: KeptTransaction) -> int:
        """The octets that there are."""
        try:
            draft = await self.take(row)
        except TransactionBusy:
            return row.size_bytes
        return 0 if draft is None else await draft.suspend()

    async def _has_space(self) -> bool:
        return await self._contents.free_bytes() >= self.options.spare_octets
