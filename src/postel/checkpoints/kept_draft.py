"""Content that is being received and would outlive a broken line.

Gives       KeptDraft.

It is written as any draft is. After each step of so many octets what has come is synced and noted in its row, so
that the offset which a client is told after a power cut is one that we truly have.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from postel.checkpoints.marks import Marks
from postel.checkpoints.shelf import Shelf
from postel.contents import Draft, Sealed
from postel.proto.smtp import Resumption


class KeptDraft:
    """The draft of one kept transaction. One task uses it."""

    def __init__(self, shelf: Shelf, row_id: int, draft: Draft, marks: Marks) -> None:
        self.row_id = row_id
        self._shelf = shelf
        self._draft = draft
        self._marks = marks
        self._synced = draft.size_bytes

    @property
    def size_bytes(self) -> int:
        """Octets so far."""
        return self._draft.size_bytes

    @property
    def file_name(self) -> str | None:
        """Of its file."""
        return self._draft.file_name

    async def write(self, chunk: bytes) -> None:
        """Append. Raises DatabaseTrouble. After that, or when cancelled, `suspend` and `discard` are left."""
        await self._draft.write(chunk)
        self._marks.add(chunk)
        if self._draft.size_bytes - self._synced >= self._shelf.options.step_octets:
            self._synced = await self._draft.sync()
            await self._shelf.note(self.row_id, self._synced, self._marks.progress)

    def chunks(self) -> AsyncIterator[bytes]:
        """What was written, from its start."""
        return self._draft.chunks()

    async def seal(self, prefix: bytes = b"") -> Sealed:
        """No more is coming; see Draft.seal."""
        return await self._draft.seal(prefix)

    async def discard(self) -> None:
        """Remove the content; see Draft.discard."""
        await self._draft.discard()

    async def catch_up(self) -> None:
        """Look at what came after the last step that was noted. Raises DatabaseTrouble."""
        async for piece in self._draft.chunks(self._marks.size_bytes):
            self._marks.add(piece)

    def resumption(self, recipients: int) -> Resumption:
        """Where the content goes on, for as many recipients."""
        now = self._marks.progress
        return Resumption(self.size_bytes, recipients, now.is_8bit, now.has_long_lines)

    async def suspend(self) -> int:
        """Leave what came for later, on disk: how many octets. Raises DatabaseTrouble.

        Where a write was broken off less is there than was counted; that is found out when it is resumed.
        """
        size_bytes = await self._draft.suspend()
        await self._shelf.note(self.row_id, size_bytes, self._marks.progress)
        return size_bytes
