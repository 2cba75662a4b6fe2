"""A transaction in the hand of one session, from its MAIL to its end.

Gives       Claim.

    Checkpoints.claim --> begin ---> a draft ---+--> suspend            the line broke: it is kept
                      `-> resume --> a draft ---+--> answering, answered    it has its reply: that is kept
                                                +--> forget             the client gives it up, or has heard the reply

However it ends, `release` comes last: only then may another session have the transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from postel.checkpoints.kept_draft import KeptDraft
from postel.checkpoints.marks import Marks
from postel.checkpoints.rows import KeptTransaction, Key, Progress, Said, State
from postel.checkpoints.shelf import Shelf
from postel.database import Transaction
from postel.mail import Recipient, Reply
from postel.proto.smtp import SmtpLimits


class Claim:
    """Made by Checkpoints.claim.

    kept    what was found under the key; None: nothing, or nothing any more.
    """

    def __init__(
        self,
        shelf: Shelf,
        key: Key,
        cut_off: Callable[[], None],
        let_go: Callable[[Claim], None],
    ) -> None:
        self.key = key
        self.kept: KeptTransaction | None = None
        self.cut_off = cut_off
        self.is_over = asyncio.Event()
        self._shelf = shelf
        self._let_go = let_go
        self._draft: KeptDraft | None = None
        self._row_id: int | None = None

    @property
    def is_kept(self) -> bool:
        """Whether there is a row, so that the transaction will be known again."""
        return self._row_id is not None

    async def look_up(self) -> None:
        """Find what is kept. Raises DatabaseTrouble."""
        self.kept = await self._shelf.find(self.key)
        self._row_id = self.kept.id if self.kept else None

    async def begin(
        self, said: Said, recipients: list[Recipient], queue_id: int, limits: SmtpLimits
    ) -> KeptDraft | None:
        """Keep a new transaction, whose content comes next; None when there is no room. Raises DatabaseTrouble."""
        begun = await self._shelf.begin(self.key, said, recipients, queue_id)
        if begun is None:
            return None
        self._row_id, draft = begun
        self._draft = KeptDraft(self._shelf, self._row_id, draft, Marks(Progress(), limits))
        return self._draft

    async def resume(self, limits: SmtpLimits) -> KeptDraft | None:
        """Go on with the content of `kept`; None when it is lost, and forgotten now.

        Raises DatabaseTrouble, TransactionBusy.
        """
        kept = self.kept
        assert kept is not None and kept.state is State.OPEN
        draft = await self._shelf.take(kept)
        if draft is None:
            await self.forget()
            return None
        known = kept.synced if kept.synced.octets <= draft.size_bytes else Progress()
        self._draft = KeptDraft(self._shelf, kept.id, draft, Marks(known, limits))
        await self._draft.catch_up()
        return self._draft

    def answering(self, reply: Reply) -> Callable[[Transaction], Awaitable[None]] | None:
        """What the transaction that queues the message has to do besides: whoever resumes it then hears `reply`."""
        draft = self._draft
        if draft is None:
            return None
        row_id, file, size_bytes = draft.row_id, draft.file_name, draft.size_bytes

        async def work(tx: Transaction) -> None:
            await self._shelf.answer_in(tx, row_id, file, reply, size_bytes)

        return work

    async def answered(self, reply: Reply) -> None:
        """The content was answered, and is not needed any more. Raises DatabaseTrouble."""
        work = self.answering(reply)
        if work is not None:
            await self._shelf.database.write(work)
            self._draft = None

    def taken_over(self) -> None:
        """What `answering` gave is durable."""
        self._draft = None

    async def suspend(self) -> int:
        """Keep the content that came, if it is worth it and there is room: its octets, 0 when it is not kept.

        Raises DatabaseTrouble.
        """
        draft, self._draft = self._draft, None
        if draft is None:
            return 0
        size_bytes = await draft.suspend()
        if size_bytes and await self._shelf.may_stay(draft.row_id, size_bytes):
            return size_bytes
        await self._forget_kept()
        return 0

    async def forget(self) -> None:
        """Nobody will ask for it again. Raises DatabaseTrouble."""
        draft, self._draft = self._draft, None
        if draft is None:
            await self._forget_kept()
            return
        await self._shelf.remove(draft.row_id, draft.file_name)
        self._row_id = self.kept = None
        await draft.discard()

    def release(self) -> None:
        """Another session may have it. Idempotent."""
        if not self.is_over.is_set():
            self.is_over.set()
            self._let_go(self)

    async def _forget_kept(self) -> None:
        row_id, self._row_id, self.kept = self._row_id, None, None
        if row_id is not None:
            await self._shelf.forget_id(row_id)
